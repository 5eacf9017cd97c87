//! Lists and descriptions that no honest n8n gives.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::IssuerErrorKind as Kind;
use n8n::{Completeness, ExecutionFilter, IncludeData, PublicApi, WorkflowFilter};

use super::cases::{assert_bounded, client, peak_mib, secret};
use super::stand::{Says, http, json, misbehaviours, stand};

fn api(url: &str) -> PublicApi {
    let keeper = n8n::testing::MemoryKeeper::new("canary@example.com", "canary-password", None);
    client(url, std::sync::Arc::new(keeper)).public_api(secret())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_things_are_bounded() {
    for (name, says, kinds) in misbehaviours() {
        let stand = stand(says).await;
        let since = Instant::now();
        let mut list = api(&stand.url).workflows(&WorkflowFilter::default());
        assert_bounded(name, list.next().await.expect("an error"), kinds);
        assert!(list.next().await.is_none(), "{name}");
        assert!(matches!(list.completeness(), Some(Completeness::Incomplete { .. })), "{name}");
        assert!(since.elapsed() < Duration::from_secs(20), "{name}: {:?}", since.elapsed());
    }
    assert!(peak_mib() < 400, "{} MiB", peak_mib());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_things_are_bounded() {
    for (name, says, kinds) in misbehaviours() {
        let stand = stand(says).await;
        let api = api(&stand.url);
        assert_bounded(name, api.workflow("abc").await, kinds);
        assert_bounded(name, api.audit(&[]).await, kinds);
        assert_bounded(name, api.discover().await, kinds);
        assert_bounded(name, api.openapi().await, kinds);
    }
    assert!(peak_mib() < 400, "{} MiB", peak_mib());
}

#[tokio::test]
async fn a_list_without_an_end_ends() {
    // {"limit":250,"offset":250}, {"lastId":"7","limit":250}, and what only the instance knows.
    for cursor in ["eyJsaW1pdCI6MjUwLCJvZmZzZXQiOjI1MH0=", "eyJsYXN0SWQiOiI3IiwibGltaXQiOjI1MH0=", "canary"] {
        let body = format!(r#"{{"data":[{{"id":"7"}},{{"id":"6"}}],"nextCursor":"{cursor}"}}"#);
        let stand = stand(json(&body)).await;
        let mut list = api(&stand.url).executions(&ExecutionFilter::default(), IncludeData::No);
        let error = loop {
            match list.next().await.expect("an error") {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_bounded(cursor, Err::<(), _>(error), &[Kind::Hostile]);
        assert!(stand.connections.load(Ordering::SeqCst) < 1000);
    }
}

#[tokio::test]
async fn ids_that_do_not_fall_are_refused() {
    for ids in [r#"{"id":"6"},{"id":"7"}"#, r#"{"id":"7"},{"id":"7"}"#, r#"{"id":"canary"}"#] {
        let body = format!(r#"{{"data":[{ids}],"nextCursor":"eyJsYXN0SWQiOiI3IiwibGltaXQiOjI1MH0="}}"#);
        let stand = stand(json(&body)).await;
        let mut list = api(&stand.url).executions(&ExecutionFilter::default(), IncludeData::No);
        assert_bounded(ids, list.next().await.expect("an error"), &[Kind::Hostile]);
    }
}

#[tokio::test]
async fn refusals_say_what_is_missing() {
    let licence = b"{\"message\":\"Your license does not allow for feat:canary.\"}";
    for (status, body, kind, says) in [
        (401, b"{}".as_slice(), Kind::Refused, "the key is refused"),
        (403, b"{\"message\":\"canary\"}", Kind::Refused, "lacks the scope"),
        (403, licence, Kind::Unsupported, "licence"),
        (404, b"{\"message\":\"not found\"}", Kind::Unsupported, "no such route"),
        (405, b"{}", Kind::Unsupported, "no such route"),
        (429, b"{}", Kind::Throttled, "429"),
        (500, b"{}", Kind::Failed, "500"),
    ] {
        let stand = stand(Says::Bytes(http(status, "", body))).await;
        let error = api(&stand.url).projects().next().await.unwrap().unwrap_err();
        assert!(error.report.line().contains(says), "{error}");
        assert_bounded(says, Err::<(), _>(error), &[kind]);
    }
    for status in [404, 500] {
        let stand = stand(Says::Bytes(http(status, "", b"{\"message\":\"canary\"}"))).await;
        assert_eq!(api(&stand.url).openapi().await.unwrap(), None);
    }
}
