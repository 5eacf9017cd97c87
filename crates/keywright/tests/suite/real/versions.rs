//! Connect, a first key, a graceful rotation, a compromised one, a revocation: on each version of n8n.

use crate::support::client::Client;
use crate::support::ground::Ground;
use crate::support::home::{Ended, Home, PASSWORD};
use crate::support::places::{Kinds, Places};
use crate::support::truth::faults_in;
use crate::support::world::{World, create};

/// Whether a user may have several keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Many,
    One,
}

async fn whole_life(version: &str, keys: Keys) {
    let Some(ground) = Ground::of(version).await else { return };
    let world = World::real(ground).await;
    let roots = usize::from(keys == Keys::Many);
    assert_eq!(world.living().await.len(), roots, "a root key of our own, where there is room for it");
    let places = world.places("backups", Kinds::All);
    let arguments = create("backups", &places);
    world.home.must(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let first = the_key(&world, &places).await;
    let second = match keys {
        Keys::Many => gracefully(&world, &places).await,
        Keys::One => with_a_gap(&world, &places).await,
    };
    assert!(second != first && !world.key_works(&first).await);
    compromised(&world, &places, keys).await;
    assert!(!world.key_works(&second).await);
    let third = the_key(&world, &places).await;
    let revoked = world.home.must(&["key", "revoke", "backups", "--yes"]).await;
    assert!(revoked.stdout.contains("proved dead"), "{revoked:?}");
    assert!(!world.key_works(&third).await);
    assert_eq!(world.living().await.len(), roots);
    assert_eq!(faults_in(&world).await, Vec::<String>::new());
    if keys == Keys::Many {
        world.home.must(&["key", "revoke", "prod-root", "--yes"]).await;
        assert!(world.living().await.is_empty());
    }
}

/// The one key in all places, which works.
async fn the_key(world: &World, places: &Places) -> String {
    let held = places.held();
    let key = held[0].clone().unwrap();
    assert!(held.iter().all(|other| other.as_ref() == Some(&key)), "the places hold different keys");
    assert!(world.key_works(&key).await);
    key
}

async fn gracefully(world: &World, places: &Places) -> String {
    let client = Client::start(world.url(), places.clone());
    client.calls_on().await;
    let said = world.home.json(&["rotate", "backups", "--grace", "0s"]).await;
    let tally = client.stop().await;
    assert_eq!((tally.calls > 0, tally.refused), (true, Vec::new()));
    assert_eq!(said["rotations"][0]["status"], "done");
    assert!(said["rotations"][0]["gap_ms"].is_null(), "{said}");
    the_key(world, places).await
}

/// One key per user: the gap is told beforehand, measured and told.
async fn with_a_gap(world: &World, places: &Places) -> String {
    let ahead = world.home.json(&["rotate", "backups", "--dry-run"]).await;
    assert_eq!(ahead["rotations"][0]["has_gap"], true, "{ahead}");
    let turned = world.home.must(&["rotate", "backups"]).await;
    assert!(turned.stderr.starts_with("warning: "), "the gap is told beforehand: {turned:?}");
    assert!(turned.stderr.contains("no working key"), "{turned:?}");
    assert!(turned.stdout.contains(" ms without a working key"), "{turned:?}");
    let shown = world.show("backups").await;
    let gap_ms = shown["rotations"][0]["gap_ms"].as_u64().unwrap();
    println!("{}: a gap of {gap_ms} ms", shown["integration"]["instance"]);
    assert!(turned.stdout.contains(&format!("; {gap_ms} ms without")), "{turned:?}");
    assert!((1..10_000).contains(&gap_ms), "{gap_ms}");
    the_key(world, places).await
}

async fn compromised(world: &World, places: &Places, keys: Keys) {
    let said = world.home.json(&["rotate", "backups", "--compromised"]).await;
    let steps = said["rotations"][0]["steps"].as_array().unwrap();
    assert_eq!((steps[0]["step"].as_str(), steps[1]["step"].as_str()), (Some("retire"), Some("prove-dead")));
    assert_eq!(steps[1]["evidence"]["proofs"][0]["status"], 401, "{said}");
    assert!(said["rotations"][0]["gap_ms"].as_u64().is_some(), "{said}");
    the_key(world, places).await;
    assert_eq!(world.living().await.len(), 1 + usize::from(keys == Keys::Many));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_connect_create_rotate_revoke() {
    whole_life("2.41.1", Keys::Many).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_1_123_connect_create_rotate_revoke() {
    whole_life("1.123.81", Keys::Many).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_1_72_connect_create_rotate_with_a_gap_revoke() {
    whole_life("1.72.1", Keys::One).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_1_60_connect_create_rotate_with_a_gap_revoke() {
    whole_life("1.60.1", Keys::One).await;
}

async fn ended(mut command: tokio::process::Command) -> Ended {
    Ended::of(&command.output().await.unwrap())
}

/// Without a second factor 4; with a TOTP seed, and with a recovery code, 0.
async fn second_factor(version: &str) {
    let Some(ground) = Ground::with_mfa(version).await else { return };
    let mfa = ground.mfa.as_ref().unwrap();
    let home = Home::empty(ground.password());
    home.must(&["init"]).await;
    let password = format!("env:{PASSWORD}");
    let login = ["--email", ground.email(), "--password-from", &password];
    let connect = |name: &'static str, more: &[&'static str]| {
        let words = [&["connect", name, ground.url()][..], &login, more].concat();
        words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    std::fs::write(home.folder().join("seed"), &mfa.seed).unwrap();
    std::fs::write(home.folder().join("recovery"), format!("{}\n", mfa.recovery_codes[0])).unwrap();
    let run = |arguments: Vec<String>| {
        let command = home.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        ended(command)
    };
    let without = run(connect("without", &[])).await;
    assert_eq!(without.code, Some(4), "{without:?}");
    assert!(without.stderr.contains("--totp-from"), "{without:?}");
    let seed = run(connect("seed", &["--totp-from", "file:seed"])).await;
    assert_eq!(seed.code, Some(0), "{seed:?}");
    let recovery = run(connect("recovery", &["--recovery-code-from", "file:recovery"])).await;
    assert_eq!(recovery.code, Some(0), "{recovery:?}");
    let status = home.json(&["status"]).await;
    assert_eq!(status["unreachable"].as_array().map(Vec::len), Some(0), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_a_second_factor_lets_in() {
    second_factor("2.41.1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_1_123_a_second_factor_lets_in() {
    second_factor("1.123.81").await;
}
