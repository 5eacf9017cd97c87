//! Faults, the record of calls, the clock and the life of a sandbox.

use std::time::Duration;

use crate::caller::{Http, Signed, log_in, text};
use sandbox::{Effect, Fault, Hostile, Matcher, Options, Outcome, Profile, Sandbox};
use serde_json::json;

const V: Profile = Profile::V2_41;

async fn signed() -> Signed {
    Signed::start(V, Options::default()).await
}

fn creation() -> Matcher {
    Matcher::of("POST", "/rest/api-keys")
}

fn asked(label: &str) -> String {
    json!({ "label": label, "scopes": ["workflow:list"], "expiresAt": null }).to_string()
}

async fn create(signed: &Signed, label: &str) -> reqwest::Result<crate::caller::Reply> {
    let cookie = [("cookie", signed.cookie.as_str())];
    signed.http.try_send("POST", "/rest/api-keys", &cookie, Some(&asked(label))).await
}

#[tokio::test]
async fn cut_before_does_nothing_and_cut_after_does_it() {
    let signed = signed().await;
    signed.sandbox.faults().push(Fault::once(creation(), Effect::RefuseBefore));
    assert!(create(&signed, "never").await.is_err());
    assert!(signed.sandbox.keys().is_empty());
    signed.sandbox.faults().push(Fault::once(creation(), Effect::LostAnswer));
    assert!(create(&signed, "lost").await.is_err());
    let keys = signed.sandbox.keys();
    assert_eq!((keys.len(), keys[0].label.as_str(), keys[0].alive), (1, "lost", true));
    assert_eq!(create(&signed, "fine").await.unwrap().status, 200);
    let outcomes: Vec<_> = signed.sandbox.calls().iter().skip(1).map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Cut, Outcome::Cut, Outcome::Answered(200)]);
}

#[tokio::test]
async fn a_status_before_and_after_the_effect_and_too_many() {
    let signed = signed().await;
    let faults = signed.sandbox.faults();
    faults.push(Fault::once(creation(), Effect::Status(502)));
    faults.push(Fault::once(creation(), Effect::StatusAfter(500)));
    faults.push(Fault::once(creation(), Effect::TooMany { retry_after_s: 7 }));
    faults.push(Fault::once(creation(), Effect::RedirectTo("http://127.0.0.1:9/".to_owned())));
    assert_eq!(create(&signed, "a").await.unwrap().status, 502);
    assert_eq!(create(&signed, "b").await.unwrap().status, 500);
    let throttled = create(&signed, "c").await.unwrap();
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("7")));
    let moved = create(&signed, "d").await.unwrap();
    assert_eq!((moved.status, moved.header("location")), (302, Some("http://127.0.0.1:9/")));
    let labels: Vec<_> = signed.sandbox.keys().into_iter().map(|key| key.label).collect();
    assert_eq!((labels, faults.pending()), (vec!["b".to_owned()], 0));
}

#[tokio::test]
async fn hostile_answers_are_what_they_say() {
    let signed = signed().await;
    let faults = signed.sandbox.faults();
    faults.push(Fault::once(Matcher::any(), Effect::Hostile(Hostile::Bytes(b"\xff{".to_vec()))));
    faults.push(Fault::once(Matcher::any(), Effect::Hostile(Hostile::Huge(3_000_000))));
    faults.push(Fault::once(Matcher::any(), Effect::Hostile(Hostile::Deep(2_000))));
    faults.push(Fault::once(Matcher::any(), Effect::Hostile(Hostile::Endless)));
    let sizes = [2, 3_000_000, 4_000];
    for size in sizes {
        let reply = signed.http.get("/healthz", &[]).await;
        assert_eq!(reply.header("content-length").unwrap(), size.to_string());
    }
    let mut endless = signed.http.open("/healthz").await;
    let mut read = 0;
    while read < 1_000_000 {
        read += endless.chunk().await.unwrap().unwrap().len();
    }
    assert!(endless.content_length().is_none());
}

#[tokio::test]
async fn a_held_call_is_seen_done_and_released() {
    let signed = signed().await;
    signed.sandbox.faults().push(Fault::once(creation().nth(2), Effect::HangAfter));
    create(&signed, "first").await.unwrap();
    let mark = signed.sandbox.call_count();
    let (answered, held) = tokio::join!(create(&signed, "second"), async {
        let held = signed.sandbox.wait_for_after(mark, &creation()).await;
        // Its effect is done though nobody was answered.
        assert_eq!(signed.sandbox.keys().len(), 2);
        signed.sandbox.faults().release();
        held
    });
    assert_eq!((answered.unwrap().status, held.outcome, held.number), (200, Outcome::Held, 3));
}

#[tokio::test]
async fn a_client_that_leaves_a_held_call_is_noted() {
    let signed = signed().await;
    signed.sandbox.faults().push(Fault::once(creation(), Effect::Hang));
    let made = creation();
    tokio::select! {
        answered = create(&signed, "gone") => panic!("answered: {answered:?}"),
        held = signed.sandbox.wait_for(&made) => assert_eq!(held.outcome, Outcome::Held),
    }
    while signed.sandbox.wait_for(&creation()).await.outcome != Outcome::Abandoned {
        tokio::task::yield_now().await;
    }
    assert!(signed.sandbox.keys().is_empty());
}

#[tokio::test]
async fn a_delay_is_waited_for_and_then_done() {
    let signed = signed().await;
    signed.sandbox.faults().push(Fault::once(creation(), Effect::Delay(Duration::from_millis(50))));
    let began = std::time::Instant::now();
    assert_eq!(create(&signed, "slow").await.unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn calls_name_keys_by_fingerprint_and_never_hold_them() {
    let signed = signed().await;
    let (id, key) = signed.key("seen", &["workflow:list"]).await;
    assert_eq!(signed.status_with(&key, "/api/v1/workflows?limit=1").await, 200);
    let calls = signed.sandbox.calls();
    let seen = calls.last().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/api/v1/workflows?limit=1"));
    let noted = seen.key.as_ref().unwrap();
    assert_eq!(
        (noted.id.as_deref(), &noted.fingerprint),
        (Some(id.as_str()), &signed.sandbox.keys()[0].fingerprint)
    );
    assert!(!format!("{calls:?}{:?}", signed.sandbox.keys()).contains(&key));
}

#[tokio::test]
async fn several_live_side_by_side_and_a_shut_down_one_frees_its_port() {
    let (one, two) = (signed().await, signed().await);
    let (_, key) = one.key("mine", &["workflow:list"]).await;
    assert!(one.sandbox.key_works(&key) && !two.sandbox.key_works(&key));
    let port = one.sandbox.url().rsplit(':').next().unwrap().parse().unwrap();
    one.sandbox.shutdown().await;
    assert!(one.http.try_send("GET", "/healthz", &[], None).await.is_err());
    let again = Sandbox::start(V, Options { port, ..Options::default() }).await.unwrap();
    assert_eq!(Http::new(again.url()).get("/healthz", &[]).await.text, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn one_seed_makes_one_instance() {
    let ids = || async {
        let signed = signed().await;
        let me = signed.admin("GET", "/rest/login", None).await.json();
        text(&me["data"]["id"])
    };
    assert_eq!(ids().await, ids().await);
    let other = Sandbox::start(V, Options { seed: 2, ..Options::default() }).await.unwrap();
    let http = Http::new(other.url());
    let me = log_in(&http, V, Options::OWNER_EMAIL, Options::OWNER_PASSWORD).await.json();
    assert_ne!(text(&me["data"]["id"]), ids().await);
}
