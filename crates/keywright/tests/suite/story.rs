//! The demo, as somebody who looks at Keywright for the first time runs it.

use crate::support::ground::Ground;
use crate::support::home::{Ended, Home, PASSWORD};

/// Every claim holds, and none was left out.
fn check(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = ended.json();
    assert_eq!(said["all_hold"], true, "{said:#}");
    let claims = said["claims"].as_array().unwrap();
    assert!(claims.iter().all(|claim| claim["holds"] == true && claim["seen"].is_string()), "{said:#}");
    assert!(claims.len() >= 13, "{said:#}");
    assert!(said["folder"].is_null() && ended.stderr.is_empty(), "{ended:?}");
}

#[tokio::test]
async fn the_demo_holds_every_claim_as_data() {
    check(&Home::empty("").run(&["demo", "--json"]).await);
}

#[tokio::test]
async fn the_demo_tells_its_story() {
    let home = Home::empty("");
    let ended = home.run(&["demo"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in ["1. Take charge", "kill -9", "8. Leave"] {
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
    assert!(ended.stdout.contains("What was proved") && !ended.stdout.contains('✗'), "{}", ended.stdout);
    assert_eq!(std::fs::read_dir(home.folder()).unwrap().count(), 0, "it leaves nothing where it is run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_demo() {
    let Some(ground) = Ground::of("2.41.1").await else { return };
    let home = Home::empty(ground.password());
    let password = format!("env:{PASSWORD}");
    let door = ["demo", "--json", "--instance", ground.url(), "--email", ground.email()];
    check(&home.run(&[&door[..], &["--password-from", &password]].concat()).await);
    assert!(ground.living().await.is_empty(), "the demo leaves no key");
}
