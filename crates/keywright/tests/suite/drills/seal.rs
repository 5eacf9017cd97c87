//! `kill -9` while the master key is changed: the next command works, every secret opens, no key is lost.

use std::path::PathBuf;

use keywright::Sealing;
use sandbox::Profile;

use crate::support::child::dies_sealing;
use crate::support::database::{database, move_into};
use crate::support::home::Home;
use crate::support::places::Kinds;
use crate::support::world::World;

const EACH: [Sealing; 3] = [Sealing::Written, Sealing::Sealed, Sealing::Placed];

fn file(home: &Home) -> PathBuf {
    home.folder().join("keywright.key")
}

/// Master keys in the home besides the one in force.
fn kept(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().path());
    let others = entries.filter(|path| path.is_file() && *path != file(home));
    let texts = others.filter_map(|path| std::fs::read_to_string(path).ok());
    texts.filter(|text| text.starts_with("kwmaster1_")).collect()
}

/// How often the log tells of a new master key.
async fn told(home: &Home) -> usize {
    let log = home.must(&["log", "show", "--json"]).await.stdout;
    log.matches("\"master_key_rotated\"").count()
}

async fn killed_at_every_moment(world: &World) {
    let home = &world.home;
    let places = world.integration("backups", Kinds::Dotenv).await;
    let mut changes = 0;
    for at in EACH {
        let old = std::fs::read_to_string(file(home)).unwrap();
        dies_sealing(home, &["seal", "rotate"], at).await.unwrap();
        // The session and the key's text open, whichever key they are under.
        home.must(&["rotate", "backups", "--grace", "0s"]).await;
        assert!(world.key_works(&places.held().remove(0).unwrap()).await, "{at:?}");
        let now = std::fs::read_to_string(file(home)).unwrap();
        let taken = at != Sealing::Written;
        assert_eq!(now != old, taken, "{at:?}");
        changes += usize::from(taken);
        assert_eq!(kept(home).contains(&old), taken, "{at:?}: the former one is kept");
        assert_eq!(told(home).await, changes, "{at:?}: one event for each change");

        // What was left behind is in nobody's way, and is not thrown away.
        let left = kept(home);
        home.must(&["seal", "rotate"]).await;
        changes += 1;
        let newest = std::fs::read_to_string(file(home)).unwrap();
        assert_ne!(newest, now);
        assert!(left.iter().all(|key| *key == newest || kept(home).contains(key)), "{at:?}");
        assert!(kept(home).contains(&now));
        assert!(!home.folder().join("keywright.key.new").exists(), "{at:?}");
        assert_eq!(told(home).await, changes, "{at:?}");
        home.must(&["rotate", "backups", "--grace", "0s"]).await;
    }
    home.must(&["doctor"]).await;
    home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_master_key_survives_kill_9_at_every_moment() {
    killed_at_every_moment(&World::start(Profile::V2_41).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_postgres_change_of_the_master_key_survives_kill_9_at_every_moment() {
    let Some(url) = database("kw_drill_seal").await else { return };
    let world = World::start(Profile::V2_41).await;
    move_into(&world.home, &url).await;
    killed_at_every_moment(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_key_elsewhere_is_there_before_the_store_takes_it() {
    let world = World::start(Profile::V2_41).await;
    let home = &world.home;
    world.integration("backups", Kinds::Dotenv).await;
    for at in [Sealing::Written, Sealing::Sealed] {
        let to = home.folder().join(format!("{at:?}.key")).display().to_string();
        let seal = ["seal", "rotate", "--to", &to];
        dies_sealing(home, &seal, at).await.unwrap();
        if at == Sealing::Written {
            home.must(&["rotate", "backups", "--grace", "0s"]).await;
            let refused = home.run(&seal).await;
            assert!(refused.code == Some(1) && refused.stderr.contains("name another file"), "{refused:?}");
            continue;
        }
        let refused = home.run(&["status"]).await;
        assert!(refused.stderr.contains("the last `keywright seal rotate`"), "{refused:?}");
        let config = home.folder().join("keywright.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("file:keywright.key", &format!("file:{to}"))).unwrap();
        home.must(&["rotate", "backups", "--grace", "0s"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_master_key_is_neither_taken_nor_overwritten() {
    let home = Home::empty("");
    home.must(&["init"]).await;
    let pending = home.folder().join("keywright.key.new");
    std::fs::write(&pending, "kwmaster1_canary").unwrap();
    std::fs::set_permissions(&pending, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    home.must(&["status", "--offline"]).await;
    let refused = home.run(&["seal", "rotate"]).await;
    let mend = "keywright.key.new.unknown";
    assert!(refused.code == Some(1) && refused.stderr.contains(mend), "{refused:?}");
    assert!(!refused.stderr.contains("canary"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&pending).unwrap(), "kwmaster1_canary");
}
