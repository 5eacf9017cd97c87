//! It carries a fleet: thousands of keys made, used, deleted and looked for, in little memory.

use std::sync::Arc;
use std::time::Instant;

use sandbox::{Options, Profile};
use serde_json::json;

use crate::caller::{Signed, text};

const WORKERS: usize = 16;
const EACH: usize = 125;
/// Keys that stay, so that lists are long.
const STANDING: usize = 260;

#[tokio::test]
async fn two_thousand_keys_come_and_go() {
    let signed = Arc::new(Signed::start(Profile::V2_41, Options::default()).await);
    for number in 0..STANDING {
        signed.key(&format!("standing {number}"), &["workflow:list"]).await;
    }
    let (began, before) = (Instant::now(), signed.sandbox.call_count());
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let signed = Arc::clone(&signed);
            tokio::spawn(async move {
                for number in 0..EACH {
                    come_and_go(&signed, &format!("key {worker} {number}")).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let (calls, took) = (signed.sandbox.call_count() - before, began.elapsed().as_secs_f64());
    println!(
        "{calls} calls in {took:.2} s with their client: {:.0} a second",
        f64::from(u32::try_from(calls).unwrap()) / took
    );
    let page = signed.admin("GET", "/rest/api-keys?take=999", None).await.json();
    assert_eq!(page["data"]["items"].as_array().map(Vec::len), Some(250));
    let keys = signed.sandbox.keys();
    assert_eq!(keys.iter().filter(|key| key.alive).count(), STANDING);
    assert_eq!(keys.len(), STANDING + WORKERS * EACH);
    if let Some(mebibytes) = resident_mebibytes() {
        println!("{mebibytes} MiB resident");
        assert!(mebibytes < 100, "{mebibytes} MiB resident");
    }
}

async fn come_and_go(signed: &Signed, label: &str) {
    let asked = json!({ "label": label, "scopes": ["workflow:list"], "expiresAt": null });
    let made = signed.admin("POST", "/rest/api-keys", Some(asked)).await.json()["data"].take();
    let (key, path) = (text(&made["rawApiKey"]), format!("/rest/api-keys/{}", text(&made["id"])));
    assert_eq!(signed.status_with(&key, "/api/v1/discover").await, 200);
    assert_eq!(signed.admin("DELETE", &path, None).await.status, 200);
    let path = format!("/rest/api-keys?take=1&label={}", label.replace(' ', "%20"));
    let listed = signed.admin("GET", &path, None).await;
    assert!(!listed.text.contains(&text(&made["id"])));
    assert_eq!(signed.status_with(&key, "/api/v1/discover").await, 401);
}

/// Where the system tells.
fn resident_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
