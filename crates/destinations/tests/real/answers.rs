//! Each server answers, and refuses what it is there to refuse.

use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::record::{Entry, entry};

/// A request's outcome: its status, and its body where that is JSON.
type Answer = (u16, Value);

async fn call(server: &Entry, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    // Another test of this process may have installed it already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let mut request = client.request(method.parse().unwrap(), format!("{}{path}", server.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

const JSON: (&str, &str) = ("content-type", "application/json");
const BEARER: (&str, &str) = ("authorization", "Bearer canary");

#[tokio::test]
async fn real_moto_wants_a_signature() {
    let Some(moto) = entry("moto") else { return };
    for user in ["allowed", "denied", "admin"] {
        assert!(moto.text(&format!("/{user}/id")).starts_with("AKIA"), "{user}");
        assert!(!moto.text(&format!("/{user}/secret")).is_empty(), "{user}");
    }
    let scope = format!("{}/20260101/{}/ssm/aws4_request", moto.text("/allowed/id"), moto.text("/region"));
    let forged =
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=canary");
    let headers = [
        ("authorization", forged.as_str()),
        ("x-amz-date", "20260101T000000Z"),
        ("x-amz-target", "AmazonSSM.GetParameter"),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    assert_eq!(call(&moto, "POST", "/", &headers, r#"{"Name":"/none"}"#).await.0, 403);
}

#[tokio::test]
async fn real_moto_open_takes_everything() {
    let Some(moto) = entry("moto_open") else { return };
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&WebIdentityToken=canary&RoleArn={}",
        moto.text("/role_arn")
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(call(&moto, "POST", "/", &headers, &form).await.0, 200);
}

#[tokio::test]
async fn real_rusty_vault_keeps_what_is_written() {
    let Some(vault) = entry("rusty_vault") else { return };
    assert_eq!(call(&vault, "GET", "/v1/secret/none", &[("x-vault-token", "canary")], "").await.0, 403);
    let root = [("x-vault-token", vault.text("/root_token")), JSON];
    for mount in ["/mounts/0", "/mounts/1"].map(|pointer| vault.text(pointer)) {
        let path = format!("/v1/{mount}/real-answers");
        assert_eq!(call(&vault, "POST", &path, &root, r#"{"key":"canary"}"#).await.0, 204, "{mount}");
        let login = json!({
            "role_id": vault.text("/approle/role_id"), "secret_id": vault.text("/approle/secret_id"),
        });
        let session = call(&vault, "POST", "/v1/auth/approle/login", &[JSON], &login.to_string()).await.1;
        let session = session["auth"]["client_token"].as_str().unwrap();
        for token in [session, vault.text("/token")] {
            let (status, body) = call(&vault, "GET", &path, &[("x-vault-token", token)], "").await;
            assert_eq!((status, &body["data"]["key"]), (200, &json!("canary")), "{mount}");
        }
    }
}

#[tokio::test]
async fn real_prism_onepassword_refuses_what_is_no_item() {
    let Some(connect) = entry("prism_onepassword") else { return };
    let item = "/v1/vaults/ionaiwtdvgclrixbt6ztpqcxnq/items/p7eflcy7f5mk7vg6zrzf5rjjyu";
    assert_eq!(call(&connect, "GET", item, &[], "").await.0, 401);
    let (status, found) = call(&connect, "GET", item, &[BEARER], "").await;
    assert_eq!((status, found["fields"][0]["value"].is_string()), (200, true));
    let put = async |body: &str| call(&connect, "PUT", item, &[BEARER, JSON], body).await.0;
    assert_eq!(put(&found.to_string()).await, 200);
    assert_eq!(put("{}").await, 400);
}

#[tokio::test]
async fn real_prism_github_refuses_what_is_no_secret() {
    let Some(github) = entry("prism_github") else { return };
    let secrets = "/repos/octo/demo/actions/secrets";
    let public = format!("{secrets}/public-key");
    assert_eq!(call(&github, "GET", &public, &[], "").await.0, 401);
    let accept = ("accept", "application/vnd.github+json");
    let (status, key) = call(&github, "GET", &public, &[BEARER, accept], "").await;
    assert_eq!((status, STANDARD.decode(key["key"].as_str().unwrap()).unwrap().len()), (200, 32));
    let put = async |body: Value| {
        let path = format!("{secrets}/N8N_API_KEY");
        call(&github, "PUT", &path, &[BEARER, accept, JSON], &body.to_string()).await.0
    };
    assert_eq!(put(json!({"encrypted_value": "Y2FuYXJ5", "key_id": key["key_id"]})).await, 201);
    assert_eq!(put(json!({"encrypted_value": "Y2FuYXJ5"})).await, 422);
    assert_eq!(put(json!({"encrypted_value": "Y2FuYXJ5", "key_id": "1", "more": 1})).await, 422);
}

#[test]
fn real_systemd_creds_is_there() {
    let Some(found) = entry("systemd_creds") else { return };
    let told = Command::new(found.text("/path")).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&told.stdout).starts_with(found.text("/version")));
}
