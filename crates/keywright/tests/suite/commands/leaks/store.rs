//! Whose a found key is, whether it lives, and its end: with a store, and an n8n.

use sandbox::Profile;

use super::super::is_whole;
use crate::support::client::{http, status};
use crate::support::places::Kinds;
use crate::support::repo::key;
use crate::support::world::World;

/// A world with an integration, whose key lies in a folder where it does not belong.
async fn leaked() -> (World, String) {
    let world = World::start(Profile::V2_41).await;
    let places = world.integration("backups", Kinds::Dotenv).await;
    let leaked = places.held()[0].clone().unwrap();
    std::fs::create_dir(world.home.folder().join("found")).unwrap();
    std::fs::write(world.home.folder().join("found/x"), format!("{leaked}\n")).unwrap();
    (world, leaked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_ours_is_known() {
    let (world, _) = leaked().await;
    let ended = world.home.run(&["leaks", "scan", "found"]).await;
    assert!(ended.code == Some(3) && ended.stdout.contains("backups"), "{ended:?}");
    // A store that cannot be opened is told, and the scan is done all the same.
    std::fs::rename(world.home.folder().join("keywright.key"), world.home.folder().join("away")).unwrap();
    let ended = world.home.run(&["leaks", "scan", "found"]).await;
    assert!(ended.code == Some(3) && ended.stderr.contains("warning: whose these keys are"), "{ended:?}");
    let refused = world.home.run(&["leaks", "scan", "found", "--check"]).await;
    assert!(refused.code == Some(1) && is_whole(&refused.stderr), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_living_key_of_ours_is_turned_and_others_are_left() {
    let (world, leaked) = leaked().await;
    std::fs::write(world.home.folder().join("found/y"), key(1)).unwrap();
    let checked = world.home.run(&["leaks", "scan", "found", "--check"]).await;
    assert!(checked.code == Some(3) && checked.stdout.contains("YES, `prod` takes it"), "{checked:?}");
    // A stranger's key that this instance refuses may be of another one.
    assert!(checked.stdout.contains("not known: refused at `prod`; another n8n may take it"), "{checked:?}");
    let noted = world.home.must(&["log", "show", "--kind", "leak_found", "--json"]).await;
    assert_eq!(noted.stdout.lines().count(), 1, "{noted:?}");
    assert!(noted.stdout.contains("found/x"), "{noted:?}");
    world.home.run(&["leaks", "scan", "found", "--check"]).await;
    let again = world.home.must(&["log", "show", "--kind", "leak_found", "--json"]).await;
    assert_eq!(again.stdout, noted.stdout, "each place is noted once");
    let dry = world.home.run(&["leaks", "scan", "found", "--rotate", "--dry-run"]).await;
    assert!(dry.code == Some(3) && dry.stderr.contains("would turn `backups`"), "{dry:?}");
    assert_ne!(status(&http(), &world.url(), &leaked).await, Some(401), "nothing was turned yet");
    let turned = world.home.run(&["leaks", "scan", "found", "--rotate"]).await;
    assert!(turned.code == Some(3) && turned.stderr.contains("turned `backups`"), "{turned:?}");
    assert_eq!(status(&http(), &world.url(), &leaked).await, Some(401));
    let again = world.home.run(&["leaks", "scan", "found", "--rotate"]).await;
    assert!(again.code == Some(3) && !again.stderr.contains("turned"), "it is dead already: {again:?}");
    assert!(again.stdout.contains("no, it is refused"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_lives_at_a_host_that_a_person_names_is_alive() {
    let (world, ours) = leaked().await;
    let other = World::start(Profile::V2_41).await;
    // The first key of two sandboxes may be the same text.
    other.integration("first", Kinds::Dotenv).await;
    let places = other.integration("theirs", Kinds::Dotenv).await;
    let theirs = places.held()[0].clone().unwrap();
    std::fs::write(world.home.folder().join("found/y"), &theirs).unwrap();
    let host = other.url();
    let scan = ["leaks", "scan", "found", "--check", "--check-host", &host];
    let uses_of = |key: &str| {
        let fingerprint = crate::support::repo::fingerprint(key);
        let is_of =
            |call: &&sandbox::Call| call.key.as_ref().is_some_and(|key| key.fingerprint == fingerprint);
        other.sandbox().calls().iter().filter(is_of).count()
    };
    let before = (uses_of(&theirs), uses_of(&ours));
    let told = world.home.run(&scan).await;
    assert!(told.code == Some(3) && told.stdout.contains(&format!("YES, {host}")), "{told:?}");
    let uses = (uses_of(&theirs) - before.0, uses_of(&ours) - before.1);
    assert_eq!(uses, (1, 0), "ours is used at its own instance only");
    let told = world.home.run(&[&scan[..], &["--json"]].concat()).await.json();
    let alive: Vec<_> = told["leaks"].as_array().unwrap().iter().map(|leak| leak["alive"].clone()).collect();
    assert!(alive.contains(&serde_json::json!({ "state": "alive", "host": host })), "{alive:?}");
    let refused = world
        .home
        .run(&["leaks", "scan", "found", "--check", "--check-host", "http://a:b@x.example.com"])
        .await;
    assert!(
        refused.code == Some(2) && is_whole(&refused.stderr) && !refused.stderr.contains("a:b"),
        "{refused:?}"
    );
}
