//! Signing in: the second factor, the browser's id, the limit, the setup.

use std::time::Duration;

use jiff::Timestamp;
use sandbox::{Account, Clock, Options, Profile, Sandbox};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::caller::{Http, Reply, log_in};

const START_S: i64 = 1_795_442_692;
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

async fn start(profile: Profile, owner: Option<Account>) -> (Sandbox, Http) {
    let clock = Clock::still_at(Timestamp::from_second(START_S).unwrap());
    let sandbox = Sandbox::start(profile, Options { owner, clock, ..Options::default() }).await.unwrap();
    let http = Http::new(sandbox.url());
    (sandbox, http)
}

fn owner() -> Account {
    Account::new(Options::OWNER_EMAIL, Options::OWNER_PASSWORD)
}

async fn attempt(http: &Http, profile: Profile, more: &Value) -> Reply {
    let mut body =
        json!({ profile.login_field(): Options::OWNER_EMAIL, "password": Options::OWNER_PASSWORD });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    http.send("POST", "/rest/login", &[], Some(body)).await
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_checked() {
    for profile in [Profile::V2_41, Profile::V1_123] {
        let (sandbox, http) = start(profile, Some(owner().with_mfa(SEED, &["spare-example"]))).await;
        let secret = Secret::try_from_base32(SEED).unwrap();
        let totp = Builder::new().with_secret(secret).build_noncompliant();
        let code = |s: i64| format!("{}", totp.generate(u64::try_from(s).unwrap()));
        for (more, status, said) in [
            (json!({}), 401, json!({ "code": 998, "message": "MFA Error" })),
            (
                json!({ "mfaCode": code(START_S - 600) }),
                401,
                json!({ "code": 401, "message": "Invalid mfa token or recovery code" }),
            ),
        ] {
            let reply = attempt(&http, profile, &more).await;
            assert_eq!((reply.status, reply.json()), (status, said));
        }
        assert_eq!(attempt(&http, profile, &json!({ "mfaCode": code(START_S - 60) })).await.status, 200);
        sandbox.clock().advance(Duration::from_mins(1));
        let spare = json!({ "mfaRecoveryCode": "spare-example" });
        assert_eq!(attempt(&http, profile, &spare).await.status, 200);
        assert_eq!(attempt(&http, profile, &spare).await.status, 401);
    }
}

#[tokio::test]
async fn a_session_stays_with_its_browser() {
    let (_sandbox, http) = start(Profile::V2_41, Some(owner())).await;
    let body = json!({ "emailOrLdapLoginId": Options::OWNER_EMAIL, "password": Options::OWNER_PASSWORD });
    let bound =
        http.send("POST", "/rest/login", &[("browser-id", "one")], Some(body)).await.cookie().unwrap();
    for browser in [Some("two"), None] {
        let mut headers = vec![("cookie", bound.as_str())];
        headers.extend(browser.map(|id| ("browser-id", id)));
        let reply = http.get("/rest/login", &headers).await;
        assert_eq!(reply.status, 401);
        assert_eq!(
            reply.header("set-cookie"),
            Some("n8n-auth=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
        );
    }
    assert_eq!(http.get("/rest/login", &[("cookie", &bound), ("browser-id", "one")]).await.status, 200);
}

#[tokio::test]
async fn a_session_ends_after_a_week_and_at_a_logout() {
    let (sandbox, http) = start(Profile::V2_41, Some(owner())).await;
    let one = attempt(&http, Profile::V2_41, &json!({})).await.cookie().unwrap();
    sandbox.clock().advance(Duration::from_secs(1));
    let two = attempt(&http, Profile::V2_41, &json!({})).await.cookie().unwrap();
    http.send("POST", "/rest/logout", &[("cookie", &one)], None).await;
    assert_eq!(http.get("/rest/login", &[("cookie", &one)]).await.status, 401);
    assert_eq!(http.get("/rest/login", &[("cookie", &two)]).await.status, 200);
    sandbox.clock().advance(Duration::from_hours(7 * 24));
    assert_eq!(http.get("/rest/login", &[("cookie", &two)]).await.status, 401);
}

#[tokio::test]
async fn the_sixth_attempt_waits() {
    for (profile, said, others) in [
        (Profile::V2_41, "Too many requests, please try again later.", 401),
        (Profile::V1_123, r#"{"message":"Too many requests"}"#, 429),
        (Profile::V1_72, r#"{"message":"Too many requests"}"#, 429),
        (Profile::V1_60, r#"{"message":"Too many requests"}"#, 429),
    ] {
        let (sandbox, http) = start(profile, Some(owner())).await;
        for _ in 0..5 {
            assert_eq!(attempt(&http, profile, &json!({ "password": "example" })).await.status, 401);
        }
        let reply = attempt(&http, profile, &json!({})).await;
        assert_eq!((reply.status, reply.header("retry-after"), reply.text.as_str()), (429, Some("60"), said));
        // By login id on 2.x, by address before.
        assert_eq!(log_in(&http, profile, "other@example.com", "example").await.status, others);
        sandbox.clock().advance(Duration::from_mins(1));
        assert_eq!(attempt(&http, profile, &json!({})).await.status, 200);
    }
}

#[tokio::test]
async fn each_version_has_its_own_field_for_the_login_id() {
    for profile in Profile::ALL {
        let (_sandbox, http) = start(profile, Some(owner())).await;
        let other = if profile.login_field() == "email" { "emailOrLdapLoginId" } else { "email" };
        let body = json!({ other: Options::OWNER_EMAIL, "password": Options::OWNER_PASSWORD });
        let refused = http.send("POST", "/rest/login", &[], Some(body)).await.status;
        assert_eq!(refused, if other == "email" { 400 } else { 500 }, "{profile}");
        assert_eq!(attempt(&http, profile, &json!({})).await.status, 200, "{profile}");
    }
}

#[tokio::test]
async fn an_instance_is_set_up_once_and_tells_its_version() {
    for profile in Profile::ALL {
        let (_sandbox, http) = start(profile, None).await;
        let body = json!({
            "email": Options::OWNER_EMAIL, "password": Options::OWNER_PASSWORD, "firstName": "O", "lastName": "O",
        });
        let setup = http.send("POST", "/rest/owner/setup", &[], Some(body.clone())).await;
        assert_eq!(setup.status, 200, "{}", setup.text);
        assert_eq!(http.send("POST", "/rest/owner/setup", &[], Some(body)).await.status, 400);
        let cookie = setup.cookie().unwrap();
        let settings = http.get("/rest/settings", &[("cookie", &cookie)]).await.json();
        assert_eq!(settings["data"]["versionCli"], profile.version());
        let public = http.get("/rest/settings", &[]).await.json();
        let told = public["data"]["versionCli"].is_string();
        assert_eq!(told, matches!(profile, Profile::V1_72 | Profile::V1_60), "{profile}");
    }
}
