//! The script, on the sandbox and on a real n8n of the same version: a difference is a bug of the sandbox.

use std::path::PathBuf;

use sandbox::{Options, Profile, Sandbox};
use serde_json::Value;

use crate::caller::{Http, log_in};
use crate::script::{Script, Seen};

/// Notes where two bodies differ; with `partial`, what only the real one has is no difference.
fn gaps(at: &str, ours: &Value, theirs: &Value, partial: bool, noted: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, theirs) in theirs {
                match ours.get(name) {
                    Some(ours) => gaps(&format!("{at}.{name}"), ours, theirs, partial, noted),
                    None if partial => {}
                    None => noted.push(format!("{at}.{name}: only the real one has it: {theirs}")),
                }
            }
            let more = ours.iter().filter(|(name, _)| !theirs.contains_key(*name));
            noted.extend(more.map(|(name, ours)| format!("{at}.{name}: only the sandbox has it: {ours}")));
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == 1 && theirs.len() == 1 => {
            gaps(&format!("{at}[0]"), &ours[0], &theirs[0], partial, noted);
        }
        _ if ours == theirs => {}
        _ => noted.push(format!("{at}: sandbox {ours}, real {theirs}")),
    }
}

/// The answers that are compared by what the sandbox has of them.
const PARTIAL: [&str; 5] =
    ["settings", "settings signed in", "discover", "read a workflow", "delete a workflow"];

struct Real {
    url: String,
    cookie: String,
}

/// A running instance, from the records that `cargo xtask n8n start` leaves.
#[expect(clippy::disallowed_methods, reason = "a test is told by the environment where a real n8n runs")]
fn real(version: &str) -> Option<Real> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/keywright/run"));
    let folder = std::env::var_os("KEYWRIGHT_TEST_N8N").map(PathBuf::from).or_else(home)?;
    let record = std::fs::read_to_string(folder.join(format!("{version}.json"))).ok();
    let record = record.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let found = record.and_then(|record| {
        Some(Real { url: record["url"].as_str()?.to_owned(), cookie: record["cookie"].as_str()?.to_owned() })
    });
    if found.is_none() {
        let required = std::env::var_os("KEYWRIGHT_TEST_REQUIRE_REAL").is_some_and(|value| value == "1");
        assert!(!required, "no real n8n {version} runs (`cargo xtask n8n start`)");
        println!("skipped: no real n8n {version} runs (`cargo xtask n8n start`)");
    }
    found
}

async fn compare(profile: Profile) {
    let Some(real) = real(profile.version()) else { return };
    let unique = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let email = format!("sandbox-{unique}@example.com");
    let sandbox = Sandbox::start(profile, Options { workflows: 0, ..Options::default() }).await.unwrap();
    let http = Http::new(sandbox.url());
    let owner = log_in(&http, profile, Options::OWNER_EMAIL, Options::OWNER_PASSWORD).await;
    let ours = Script::run(http, profile, owner.cookie().unwrap(), &email).await;
    let theirs = Script::run(Http::new(real.url), profile, real.cookie, &email).await;

    let mut different = Vec::new();
    for (step, theirs) in &theirs {
        // Others may have used up the attempts that a whole machine shares on 1.x.
        if theirs.status == 429 && profile != Profile::V2_41 {
            continue;
        }
        let Some(ours) = ours.get(step) else {
            different.push(format!("{step}: the sandbox did not get there"));
            continue;
        };
        let mut noted = Vec::new();
        let head = |seen: &Seen| format!("{} {} {} {}", seen.status, seen.kind, seen.cookie, seen.throttled);
        if head(ours) != head(theirs) {
            noted.push(format!("sandbox {}, real {}", head(ours), head(theirs)));
        }
        gaps("", &ours.body, &theirs.body, PARTIAL.contains(&step.as_str()), &mut noted);
        different.extend(noted.into_iter().map(|what| format!("{step}: {what}")));
    }
    assert!(
        different.is_empty(),
        "{} of {} differ:\n{}",
        different.len(),
        theirs.len(),
        different.join("\n")
    );
    assert!(theirs.len() > 50, "{} steps", theirs.len());
}

#[tokio::test]
async fn real_2_41_answers_as_the_sandbox_does() {
    compare(Profile::V2_41).await;
}

#[tokio::test]
async fn real_1_123_answers_as_the_sandbox_does() {
    compare(Profile::V1_123).await;
}

#[tokio::test]
async fn real_1_72_answers_as_the_sandbox_does() {
    compare(Profile::V1_72).await;
}

#[tokio::test]
async fn real_1_60_answers_as_the_sandbox_does() {
    compare(Profile::V1_60).await;
}
