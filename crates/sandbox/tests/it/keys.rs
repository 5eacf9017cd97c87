//! What the versions do with keys, each quirk by itself, on a clock that stands still.

use std::time::Duration;

use jiff::Timestamp;
use sandbox::{Account, Clock, Options, Profile};
use serde_json::{Value, json};

use crate::caller::{Signed, log_in, text};

const START_S: i64 = 1_795_442_692;
const MEMBER: (&str, &str) = ("member@example.com", "Example-member-1");

async fn start(profile: Profile) -> Signed {
    let options = Options {
        clock: Clock::still_at(Timestamp::from_second(START_S).unwrap()),
        members: vec![Account::new(MEMBER.0, MEMBER.1)],
        ..Options::default()
    };
    Signed::start(profile, options).await
}

/// The same sandbox, as its member.
async fn as_member(signed: Signed, profile: Profile) -> Signed {
    let reply = log_in(&signed.http, profile, MEMBER.0, MEMBER.1).await;
    Signed { cookie: reply.cookie().unwrap(), ..signed }
}

fn asked(label: &str, expires_at: &Value) -> Value {
    json!({ "label": label, "scopes": ["workflow:list"], "expiresAt": expires_at })
}

fn payload(key: &str) -> String {
    use base64::Engine as _;
    let payload = key.split('.').nth(1).unwrap();
    String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_key_is_a_token_with_its_claims_in_n8ns_order() {
    for (profile, jti) in [(Profile::V2_41, true), (Profile::V1_123, false)] {
        let signed = start(profile).await;
        let (_, key) = signed.key("a", &["workflow:list"]).await;
        let payload = payload(&key);
        let claims: Vec<&str> = payload.split(',').map(|claim| claim.split('"').nth(1).unwrap()).collect();
        let expected: &[&str] =
            if jti { &["sub", "iss", "aud", "jti", "iat"] } else { &["sub", "iss", "aud", "iat"] };
        assert_eq!(claims, expected, "{payload}");
        assert!(payload.contains(&format!(r#""iat":{START_S}"#)));
        let end = START_S + 60;
        let reply = signed.admin("POST", "/rest/api-keys", Some(asked("b", &json!(end)))).await.json();
        let expiring = text(&reply["data"]["rawApiKey"]);
        assert!(self::payload(&expiring).ends_with(&format!(r#""exp":{end}}}"#)));
        assert_eq!(reply["data"]["apiKey"], json!(format!("******{}", &expiring[expiring.len() - 4..])));
    }
}

#[tokio::test]
async fn a_key_dies_at_its_end_and_not_before() {
    for profile in [Profile::V2_41, Profile::V1_123] {
        let signed = start(profile).await;
        let reply =
            signed.admin("POST", "/rest/api-keys", Some(asked("b", &json!(START_S + 60)))).await.json();
        let key = text(&reply["data"]["rawApiKey"]);
        signed.sandbox.clock().advance(Duration::from_secs(59));
        assert_eq!(signed.status_with(&key, "/api/v1/workflows").await, 200);
        signed.sandbox.clock().advance(Duration::from_secs(1));
        assert_eq!(signed.status_with(&key, "/api/v1/workflows").await, 401);
        assert!(!signed.sandbox.keys()[0].alive);
        let rotate = format!("/rest/api-keys/{}/rotate", text(&reply["data"]["id"]));
        if profile == Profile::V2_41 {
            assert_eq!(signed.admin("POST", &rotate, None).await.status, 400);
        }
    }
}

#[tokio::test]
async fn labels_are_unique_per_user() {
    for profile in [Profile::V2_41, Profile::V1_123] {
        let signed = start(profile).await;
        signed.key("taken", &["workflow:list"]).await;
        let reply = signed.admin("POST", "/rest/api-keys", Some(asked("taken", &json!(START_S + 5)))).await;
        assert_eq!(
            (reply.status, reply.json()),
            (500, json!({ "code": 0, "message": "There is already an entry with this name" }))
        );
        let member = as_member(signed, profile).await;
        assert_eq!(
            member.admin("POST", "/rest/api-keys", Some(asked("taken", &Value::Null))).await.status,
            200
        );
    }
}

#[tokio::test]
async fn twins_of_one_second_are_one_key_on_1_123_and_a_dead_one_rises() {
    let signed = start(Profile::V1_123).await;
    let (id, key) = signed.key("one", &["workflow:list"]).await;
    assert_eq!(signed.admin("POST", "/rest/api-keys", Some(asked("two", &Value::Null))).await.status, 500);
    signed.admin("DELETE", &format!("/rest/api-keys/{id}"), None).await;
    assert!(!signed.sandbox.key_works(&key));
    let (_, again) = signed.key("three", &["workflow:list"]).await;
    assert_eq!(again, key);
    assert!(signed.sandbox.key_works(&key));
    signed.sandbox.clock().advance(Duration::from_secs(1));
    assert_ne!(signed.key("four", &["workflow:list"]).await.1, key);
    // On 2.x every key is one of its own.
    let signed = start(Profile::V2_41).await;
    let (one, two) = (signed.key("one", &["tag:list"]).await, signed.key("two", &["tag:list"]).await);
    assert_ne!(one.1, two.1);
}

#[tokio::test]
async fn a_delete_says_more_on_2_41_than_on_1_123() {
    for (profile, unknown, foreign) in [(Profile::V2_41, 404, 404), (Profile::V1_123, 200, 200)] {
        let signed = start(profile).await;
        let (id, key) = signed.key("owners", &["workflow:list"]).await;
        let owner = signed.cookie.clone();
        let member = as_member(signed, profile).await;
        assert_eq!(member.admin("DELETE", "/rest/api-keys/example", None).await.status, unknown);
        assert_eq!(member.admin("DELETE", &format!("/rest/api-keys/{id}"), None).await.status, foreign);
        assert!(member.sandbox.key_works(&key), "{profile}: a member deleted an owner's key");
        let (id, key) = member.key("members", &["workflow:list"]).await;
        let signed = Signed { cookie: owner, ..member };
        assert_eq!(signed.admin("DELETE", &format!("/rest/api-keys/{id}"), None).await.status, 200);
        assert_eq!(signed.sandbox.key_works(&key), profile == Profile::V1_123);
    }
}

#[tokio::test]
async fn a_patch_says_yes_to_everything_and_ignores_the_expiry() {
    for profile in [Profile::V2_41, Profile::V1_123] {
        let signed = start(profile).await;
        let (id, _) = signed.key("before", &["workflow:list"]).await;
        let body = json!({ "label": "after", "scopes": ["tag:list"], "expiresAt": 5 });
        for id in [id.as_str(), "example"] {
            let path = format!("/rest/api-keys/{id}");
            assert_eq!(signed.admin("PATCH", &path, Some(body.clone())).await.status, 200);
        }
        let keys = signed.sandbox.keys();
        assert_eq!((keys.len(), keys[0].label.as_str(), keys[0].expires_s), (1, "after", None));
        assert_eq!(keys[0].scopes, ["tag:list"]);
        let partial =
            signed.admin("PATCH", &format!("/rest/api-keys/{id}"), Some(json!({ "label": "x" }))).await;
        assert_eq!(partial.status, 400);
    }
}

#[tokio::test]
async fn a_rotation_in_place_kills_the_old_text_at_once() {
    let signed = start(Profile::V2_41).await;
    let (id, old) = signed.key("turned", &["workflow:list"]).await;
    let reply = signed.admin("POST", &format!("/rest/api-keys/{id}/rotate"), None).await.json();
    let new = text(&reply["data"]["rawApiKey"]);
    assert_eq!(
        (reply["data"]["id"].as_str(), reply["data"]["label"].as_str()),
        (Some(id.as_str()), Some("turned"))
    );
    assert!(!signed.sandbox.key_works(&old) && signed.sandbox.key_works(&new));
    let signed = start(Profile::V1_123).await;
    let (id, _) = signed.key("turned", &["workflow:list"]).await;
    assert_eq!(signed.admin("POST", &format!("/rest/api-keys/{id}/rotate"), None).await.status, 404);
}

#[tokio::test]
async fn scopes_bind_on_2_41_and_are_only_stored_on_1_123() {
    for (profile, status) in [(Profile::V2_41, 403), (Profile::V1_123, 200)] {
        let signed = start(profile).await;
        let (_, key) = signed.key("narrow", &["tag:list"]).await;
        assert_eq!(signed.status_with(&key, "/api/v1/tags").await, 200);
        assert_eq!(signed.status_with(&key, "/api/v1/workflows").await, status);
        assert_eq!(signed.sandbox.keys()[0].scopes, ["tag:list"]);
        let counts = (signed.admin("GET", "/rest/api-keys/scopes", None).await.json()["data"])
            .as_array()
            .map(Vec::len);
        assert_eq!(counts, Some(if profile == Profile::V2_41 { 106 } else { 38 }));
    }
}

#[tokio::test]
async fn discover_tells_a_key_its_scopes() {
    let signed = start(Profile::V2_41).await;
    let (_, key) = signed.key("asks", &["workflow:list", "tag:list"]).await;
    let reply = signed.http.get("/api/v1/discover", &[("x-n8n-api-key", &key)]).await.json();
    assert_eq!(reply["data"]["scopes"], json!(["workflow:list", "tag:list"]));
    let tags = json!({
        "operations": ["list"],
        "endpoints": [{ "method": "GET", "path": "/api/v1/tags", "operationId": "getTags" }],
    });
    assert_eq!(reply["data"]["resources"]["tags"], tags);
    let signed = start(Profile::V1_123).await;
    assert_eq!(signed.http.get("/api/v1/discover", &[]).await.status, 404);
}

#[tokio::test]
async fn an_owner_of_2_41_lists_everybodys_keys_in_pages() {
    let signed = start(Profile::V2_41).await;
    for number in 0..12 {
        signed.sandbox.clock().advance(Duration::from_millis(1));
        signed.key(&format!("key {number:02}"), &["workflow:list"]).await;
    }
    let owner = signed.cookie.clone();
    let member = as_member(signed, Profile::V2_41).await;
    let (_, key) = member.key("members", &["workflow:list"]).await;
    member.status_with(&key, "/api/v1/workflows").await;
    let own = member.admin("GET", "/rest/api-keys", None).await.json();
    assert_eq!(
        (own["data"]["counts"].clone(), own["data"]["owners"].clone()),
        (json!({ "mine": 1, "all": 1 }), json!([]))
    );
    let signed = Signed { cookie: owner, ..member };
    let list = async |query: &str| {
        let reply = signed.admin("GET", &format!("/rest/api-keys{query}"), None).await.json();
        let labels = reply["data"]["items"].as_array().unwrap().iter().map(|item| text(&item["label"]));
        (labels.collect::<Vec<_>>(), reply)
    };
    let (first, reply) = list("").await;
    assert_eq!((first.len(), first[0].as_str(), first[1].as_str()), (10, "members", "key 11"));
    assert_eq!(reply["data"]["counts"], json!({ "mine": 12, "all": 13 }));
    assert_eq!(reply["data"]["items"][0]["owner"]["email"], MEMBER.0);
    assert!(
        reply["data"]["items"][0]["lastUsedAt"].is_string()
            && reply["data"]["items"][1]["lastUsedAt"].is_null()
    );
    assert_eq!(list("?skip=10").await.0, ["key 02", "key 01", "key 00"]);
    assert_eq!(list("?label=KEY%200&take=2").await.0, ["key 09", "key 08"]);
    assert_eq!(list("?take=250&ownership=mine").await.0.len(), 12);
}

#[tokio::test]
async fn a_user_of_1_72_has_one_key_and_keeps_it() {
    let signed = start(Profile::V1_72).await;
    let create = || signed.admin("POST", "/rest/api-keys", None);
    let first = create().await.json()["data"].take();
    assert_eq!(first["label"], "My API Key");
    // In the second of its making it is given again.
    assert_eq!(create().await.json()["data"]["apiKey"], first["apiKey"]);
    signed.sandbox.clock().advance(Duration::from_secs(1));
    let refused = create().await;
    assert_eq!(
        (refused.status, refused.json()["message"].as_str()),
        (500, Some("There is already an entry with this name"))
    );
    let listed = signed.admin("GET", "/rest/api-keys", None).await.json()["data"][0]["apiKey"].take();
    let key = text(&first["apiKey"]);
    assert_eq!(text(&listed), format!("{}{}", &key[..15], "*".repeat(65)));
    assert!(signed.sandbox.key_works(&key));
    signed.admin("DELETE", &format!("/rest/api-keys/{}", text(&first["id"])), None).await;
    assert_eq!(signed.status_with(&key, "/api/v1/workflows").await, 401);
    assert_eq!(create().await.status, 200);
}

#[tokio::test]
async fn a_user_of_1_60_has_one_key_and_every_new_one_kills_it() {
    let signed = start(Profile::V1_60).await;
    assert_eq!(signed.admin("GET", "/rest/me/api-key", None).await.text, r#"{"data":{}}"#);
    let create =
        || async { text(&signed.admin("POST", "/rest/me/api-key", None).await.json()["data"]["apiKey"]) };
    let (old, new) = (create().await, create().await);
    assert!(old.starts_with("n8n_api_") && old.len() == 88);
    assert_eq!(signed.status_with(&old, "/api/v1/workflows").await, 401);
    assert_eq!(signed.status_with(&new, "/api/v1/workflows").await, 200);
    let shown = signed.admin("GET", "/rest/me/api-key", None).await.json()["data"]["apiKey"].take();
    assert_eq!(text(&shown), format!("{}{}", &new[..13], "*".repeat(75)));
    assert_eq!(signed.sandbox.keys().iter().filter(|key| key.alive).count(), 1);
    signed.admin("DELETE", "/rest/me/api-key", None).await;
    assert_eq!(signed.status_with(&new, "/api/v1/workflows").await, 401);
}

#[tokio::test]
async fn keys_outlive_a_logout_and_die_with_their_user() {
    let signed = start(Profile::V2_41).await;
    let owner = signed.cookie.clone();
    let member = as_member(signed, Profile::V2_41).await;
    let id = text(&member.admin("GET", "/rest/login", None).await.json()["data"]["id"]);
    let (_, key) = member.key("members", &["workflow:list"]).await;
    member.admin("POST", "/rest/logout", None).await;
    assert!(member.sandbox.key_works(&key));
    let signed = Signed { cookie: owner, ..member };
    assert_eq!(signed.admin("DELETE", &format!("/rest/users/{id}"), None).await.status, 200);
    assert!(!signed.sandbox.key_works(&key));
}
