//! A fault in each thing that Keywright stands on is found, and told with a mend.

use std::os::unix::fs::PermissionsExt as _;

use sandbox::{Effect, Fault, Matcher, Profile};
use serde_json::Value;

use crate::support::ground::Ground;
use crate::support::home::{Ended, Home};
use crate::support::places::Kinds;
use crate::support::world::World;

/// The one fault that was found: what was looked at, and its error.
fn fault(ended: &Ended) -> (String, Value) {
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let json = ended.json();
    let checks = json["checks"].as_array().unwrap().clone();
    let mut faulty: Vec<Value> = checks.into_iter().filter(|check| !check["error"].is_null()).collect();
    assert_eq!((faulty.len(), &json["faults"]), (1, &Value::from(1)), "{json}");
    let found = faulty.remove(0);
    assert!(!found["error"]["try"].as_array().unwrap().is_empty(), "no mend: {found}");
    (found["check"].as_str().unwrap().to_owned(), found["error"].clone())
}

async fn found(home: &Home) -> (String, String) {
    let (check, error) = fault(&home.run(&["doctor", "--json"]).await);
    (check, error["what"].as_str().unwrap().to_owned())
}

async fn all_is_well(world: &World) {
    world.integration("backups", Kinds::All).await;
    let json = world.home.json(&["doctor"]).await;
    let looked: Vec<&str> =
        json["checks"].as_array().unwrap().iter().map(|check| check["check"].as_str().unwrap()).collect();
    let ours = ["configuration", "master key", "store", "log", "instance", "clock", "login"];
    assert_eq!(looked, [&ours[..], &["destination"; 3]].concat());
    let text = world.home.must(&["doctor"]).await.stdout;
    assert!(text.ends_with("all is well: 10 checks\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_and_1_123_are_found_well() {
    for version in ["2.41.1", "1.123.81"] {
        let Some(ground) = Ground::of(version).await else { return };
        all_is_well(&World::real(ground).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_found_with_a_mend() {
    let world = World::start(Profile::V2_41).await;
    all_is_well(&world).await;
    let home = &world.home;
    let env = home.folder().join("places/backups/.env");
    let kept = std::fs::read(&env).unwrap();
    std::fs::remove_file(&env).unwrap();
    std::fs::create_dir(&env).unwrap();
    let (check, what) = found(home).await;
    assert!(check == "destination" && what.contains(".env"), "{what}");
    std::fs::remove_dir(&env).unwrap();
    std::fs::write(&env, kept).unwrap();

    let segment = std::fs::read_dir(home.folder().join("keywright-log")).unwrap();
    let segment = segment.map(|entry| entry.unwrap().path()).find(|path| path.is_file()).unwrap();
    let log = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, log.replacen("key_created", "key_retired", 1)).unwrap();
    assert_eq!(found(home).await.0, "log");
    std::fs::write(&segment, log).unwrap();

    let key = home.folder().join("keywright.key");
    let good = std::fs::read(&key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(found(home).await.0, "master key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let other = Home::empty("");
    other.must(&["init"]).await;
    std::fs::copy(other.folder().join("keywright.key"), &key).unwrap();
    assert_eq!(found(home).await, ("store".into(), "this is not the store's master key".into()));
    std::fs::write(&key, good).unwrap();

    let config = home.folder().join("keywright.toml");
    let sound = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, sound.replace("store =", "stor =")).unwrap();
    assert_eq!(found(home).await.0, "configuration");
    std::fs::write(&config, sound).unwrap();
    home.must(&["doctor"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_away_is_one_fault() {
    let world = World::start(Profile::V2_41).await;
    let home = &world.home;
    home.must(&["doctor", "--offline"]).await;
    let fresh = Home::empty("");
    fresh.must(&["init"]).await;
    assert_eq!(found(&fresh).await, ("instances".into(), "there is no instance yet".into()));
    world.sandbox().faults().push(Fault::always(Matcher::any(), Effect::RefuseBefore));
    let (check, what) = found(home).await;
    assert!(check == "instance" && what.contains("prod"), "{what}");
    home.must(&["doctor", "--offline"]).await;
}
