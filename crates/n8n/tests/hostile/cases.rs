//! What becomes of each call.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::{
    Capabilities, Issuer as _, IssuerError, IssuerErrorKind as Kind, KeyModel, NewKey, Retry, ScopeSupport,
    Secret,
};
use n8n::testing::{MemoryKeeper, RandomIds, WallClock};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, N8nClient, N8nIssuer, Timeouts, Transport};
use tokio::net::TcpSocket;

use super::stand::{Says, http, json, misbehaviours, stand};

pub(crate) fn client(url: &str, keeper: Arc<MemoryKeeper>) -> Arc<N8nClient> {
    let wait = Duration::from_millis(700);
    let config = ClientConfig {
        name: "hostile".parse().unwrap(),
        base_url: BaseUrl::parse(url, InsecureHttp::Refused).unwrap(),
        transport: Transport::default(),
        timeouts: Timeouts { connect: wait, answer: wait, list: wait },
        clock: Arc::new(WallClock),
        ids: Arc::new(RandomIds),
    };
    Arc::new(N8nClient::new(config, keeper).unwrap())
}

/// With a session at hand, so that calls get as far as their own answers.
fn with_session(url: &str) -> Arc<N8nClient> {
    let keeper = MemoryKeeper::new("canary@example.com", "canary-password", None);
    let kept = format!(
        r#"{{"format":1,"base_url":"{url}","cookie":"canary-cookie","browser_id":"b","fields":"all","expires_at":null}}"#
    );
    keeper.put(Some(Secret::new(kept)));
    client(url, Arc::new(keeper))
}

fn issuer(url: &str, keys: KeyModel) -> N8nIssuer {
    let capabilities = Capabilities {
        keys,
        scopes: ScopeSupport::Enforced,
        expiry: true,
        discover: keys == KeyModel::Many,
        available_scopes: Vec::new(),
    };
    N8nIssuer::new(with_session(url), capabilities)
}

fn wanted() -> NewKey {
    NewKey { label: "x".to_owned(), scopes: vec!["tag:list".parse().unwrap()], expires_at: None }
}

pub(crate) fn secret() -> Secret {
    Secret::new("n8n_api_canary-secret")
}

#[track_caller]
pub(crate) fn assert_bounded<T>(name: &str, result: Result<T, IssuerError>, kinds: &[Kind]) {
    let Err(error) = result else { panic!("{name}: taken for good") };
    let all = format!("{} {:?}", error.report.line(), error.report.mend);
    assert!(kinds.contains(&error.kind), "{name}: {:?}: {all}", error.kind);
    assert!(
        all.len() < 1500 && !all.contains("canary") && !all.chars().any(char::is_control),
        "{name}: {all}"
    );
    assert!(!error.report.because.is_empty(), "{name}: {all}");
}

/// The most memory that this process ever had, in MiB.
pub(crate) fn peak_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").trim().parse::<usize>().ok()).unwrap_or(0) / 1024
}

async fn everything_ends(call: usize) {
    for (name, says, kinds) in misbehaviours() {
        let stand = stand(says).await;
        let issuer = issuer(&stand.url, KeyModel::Many);
        let since = Instant::now();
        match call {
            0 => assert_bounded(name, issuer.list().await, kinds),
            1 => assert_bounded(name, issuer.create(&wanted()).await, kinds),
            2 => assert_bounded(name, issuer.prove(&secret(), &[]).await, kinds),
            // Here, the body does not matter: 200 is alive.
            3 => assert_bounded(
                name,
                issuer.prove_dead(&secret()).await,
                &[Kind::Hostile, Kind::Unreachable, Kind::StillAlive],
            ),
            4 => assert_bounded(name, issuer.client().user().await, kinds),
            5 => assert_bounded(name, issuer.client().learn().await, kinds),
            6 => {
                let keeper = MemoryKeeper::new("canary@example.com", "canary-password", None);
                assert_bounded(
                    name,
                    client(&stand.url, Arc::new(keeper)).user().await,
                    &[Kind::Hostile, Kind::Unreachable],
                );
            }
            _ => assert_bounded(name, issuer.delete("abc").await, &[Kind::Hostile, Kind::Unreachable]),
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{name}: {:?}", since.elapsed());
    }
    assert!(peak_mib() < 300, "{} MiB", peak_mib());
}

macro_rules! everything_ends {
    ($($name:ident: $call:literal),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            everything_ends($call).await;
        })*
    };
}
everything_ends! {
    lists_are_bounded: 0,
    creates_are_bounded: 1,
    proofs_are_bounded: 2,
    proofs_of_death_are_bounded: 3,
    users_are_bounded: 4,
    learning_is_bounded: 5,
    logins_are_bounded: 6,
    deletes_are_bounded: 7,
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_names_its_host_alone() {
    let elsewhere = stand(json("{\"data\":[]}")).await;
    for status in [301, 302, 303, 307, 308] {
        let location =
            format!("location: {}/x?token=canary\r\n", elsewhere.url.replace("http://", "http://u:canary@"));
        let here = stand(Says::Bytes(http(status, &location, b""))).await;
        let issuer = issuer(&here.url, KeyModel::Many);
        for error in [
            issuer.list().await.err().unwrap(),
            issuer.create(&wanted()).await.err().unwrap(),
            issuer.prove(&secret(), &[]).await.err().unwrap(),
            issuer.prove_dead(&secret()).await.err().unwrap(),
        ] {
            let line = error.report.line();
            assert!(line.contains(&elsewhere.url), "{line}");
            assert_bounded("redirect", Err::<(), _>(error), &[Kind::Hostile]);
        }
    }
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_login_without_a_cookie_is_no_session() {
    let cookies = [
        "",
        "set-cookie: n8n-auth=; Max-Age=0\r\n",
        "set-cookie: other=canary\r\n",
        "set-cookie: n8n-auth=\"a b\"\r\n",
    ];
    for headers in cookies {
        let stand = stand(Says::Bytes(http(200, headers, b"{\"data\":{\"id\":\"u\"}}"))).await;
        let keeper = Arc::new(MemoryKeeper::new("canary@example.com", "canary-password", None));
        let error = client(&stand.url, keeper.clone()).user().await.unwrap_err();
        assert!(error.report.line().contains("no `n8n-auth` cookie"), "{error}");
        assert_bounded(headers, Err::<(), _>(error), &[Kind::Hostile]);
        assert_eq!(keeper.kept(), None);
    }
}

#[tokio::test]
async fn a_new_key_that_is_no_api_key_is_not_taken() {
    // {"iss":"n8n","aud":"mcp-server-api"}, {"iss":"other","aud":"public-api"}
    let mcp = "e30.eyJpc3MiOiJuOG4iLCJhdWQiOiJtY3Atc2VydmVyLWFwaSJ9.canary";
    let other = "e30.eyJpc3MiOiJvdGhlciIsImF1ZCI6InB1YmxpYy1hcGkifQ.canary";
    for text in [mcp, other, "******canary", "canary", "", "a\\nb"] {
        let body =
            format!(r#"{{"data":{{"id":"a","label":"x","scopes":["tag:list"],"rawApiKey":"{text}"}}}}"#);
        let stand = stand(Says::Bytes(http(200, "", body.as_bytes()))).await;
        assert_bounded(text, issuer(&stand.url, KeyModel::Many).create(&wanted()).await, &[Kind::Hostile]);
        let body = format!(r#"{{"data":{{"apiKey":"{text}"}}}}"#);
        let stand = self::stand(Says::Bytes(http(200, "", body.as_bytes()))).await;
        assert_bounded(
            text,
            issuer(&stand.url, KeyModel::OneOverwritten).create(&wanted()).await,
            &[Kind::Hostile],
        );
    }
    let body = r#"{"data":{"id":"a","label":"x","scopes":["tag:list"],"apiKey":"******"}}"#;
    let stand = stand(Says::Bytes(http(200, "", body.as_bytes()))).await;
    assert_bounded("redacted", issuer(&stand.url, KeyModel::Many).create(&wanted()).await, &[Kind::Hostile]);
}

#[tokio::test]
async fn only_n8ns_own_refusal_proves_a_death() {
    let unauthorized = b"{\"message\":\"unauthorized\"}";
    let dead = stand(Says::Bytes(http(401, "", unauthorized))).await;
    assert_eq!(issuer(&dead.url, KeyModel::Many).prove_dead(&secret()).await.unwrap().status, 401);
    let page = b"HTTP/1.1 401 X\r\ncontent-type: text/html\r\nconnection: close\r\n\r\nunauthorized".to_vec();
    for (name, says, kind) in [
        ("a proxy's page", Says::Bytes(page), Kind::Refused),
        ("another 401", Says::Bytes(http(401, "", b"{\"message\":\"canary\"}")), Kind::Refused),
        ("200", json("{\"data\":[]}"), Kind::StillAlive),
        ("403", Says::Bytes(http(403, "", b"{\"message\":\"Forbidden\"}")), Kind::StillAlive),
        ("404", Says::Bytes(http(404, "", b"{\"message\":\"not found\"}")), Kind::Unsupported),
        ("500", Says::Bytes(http(500, "", unauthorized)), Kind::Failed),
        ("502", Says::Bytes(http(502, "", unauthorized)), Kind::Failed),
        ("429", Says::Bytes(http(429, "retry-after: 7\r\n", b"{}")), Kind::Throttled),
    ] {
        let stand = stand(says).await;
        assert_bounded(name, issuer(&stand.url, KeyModel::Many).prove_dead(&secret()).await, &[kind]);
    }
}

#[tokio::test]
async fn questions_are_asked_twice_and_changes_are_made_once() {
    let down = stand(Says::Bytes(http(503, "", b"{}"))).await;
    let issuer = issuer(&down.url, KeyModel::Many);
    assert_bounded("list", issuer.list().await, &[Kind::Failed]);
    assert_eq!(down.connections.swap(0, Ordering::SeqCst), 2);
    assert_bounded("create", issuer.create(&wanted()).await, &[Kind::Failed]);
    assert_eq!(down.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn throttling_says_how_long() {
    let text =
        b"HTTP/1.1 429 X\r\ncontent-type: text/plain\r\nretry-after: 7\r\nconnection: close\r\n\r\ncanary"
            .to_vec();
    let stand = stand(Says::Bytes(text)).await;
    let keeper = Arc::new(MemoryKeeper::new("canary@example.com", "canary-password", None));
    let error = client(&stand.url, keeper).user().await.unwrap_err();
    assert_eq!(error.report.retry, Retry::Later(Some(model::SignedDuration::from_secs(7))));
    assert_bounded("429", Err::<(), _>(error), &[Kind::Throttled]);
}

#[tokio::test]
async fn a_session_that_n8n_prolongs_is_kept() {
    let user = br#"{"data":{"id":"u","email":"canary@example.com","role":"global:owner"}}"#;
    let headers = "set-cookie: n8n-auth=canary-longer; Max-Age=604800; Path=/; HttpOnly\r\n";
    let stand = stand(Says::Bytes(http(200, headers, user))).await;
    let keeper = Arc::new(MemoryKeeper::new("canary@example.com", "canary-password", None));
    let client = client(&stand.url, keeper.clone());
    client.user().await.unwrap();
    let kept: serde_json::Value = serde_json::from_str(keeper.kept().unwrap().expose()).unwrap();
    assert_eq!(kept["cookie"], "canary-longer");
    client.user().await.unwrap();
    assert_eq!(keeper.logins(), 1);
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    // Taken, so that nobody else gets it meanwhile, and not listened at.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", taken.local_addr().unwrap());
    let error = with_session(&url).user().await.unwrap_err();
    assert!(error.report.line().contains("no connection"), "{error}");
    assert_bounded("nobody", Err::<(), _>(error), &[Kind::Unreachable]);
}
