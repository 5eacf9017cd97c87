//! `--dry-run` checks everything and changes nothing anywhere.

use std::collections::BTreeMap;
use std::path::Path;

use sandbox::{Options, Profile};

use crate::support::home::PASSWORD;
use crate::support::places::Kinds;
use crate::support::world::World;

/// All files below, with what is in them; the database's journal and index come and go with each process.
fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_changes_nothing_anywhere() {
    let world = World::start(Profile::V2_41).await;
    world.integration("backups", Kinds::All).await;
    let new = world.places("new", Kinds::All);
    let state = || {
        let mut found = BTreeMap::new();
        files(world.home.folder(), &mut found);
        (found, world.sandbox().keys().into_iter().map(|key| (key.id, key.alive)).collect::<Vec<_>>())
    };
    let (password, url) = (format!("env:{PASSWORD}"), world.url());
    let create = [&["key", "create", "new", "--scope", "workflow:list", "--dry-run"][..], &[]].concat();
    let create = create.into_iter().map(str::to_owned).chain(new.options()).collect::<Vec<_>>();
    let connect =
        ["connect", "prod", &url, "--email", Options::OWNER_EMAIL, "--password-from", &password, "--dry-run"];
    let commands: [&[&str]; 5] = [
        &create.iter().map(String::as_str).collect::<Vec<_>>(),
        &["rotate", "backups", "--dry-run"],
        &["rotate", "backups", "--compromised", "--dry-run"],
        &["key", "revoke", "backups", "--dry-run"],
        &connect,
    ];
    for command in commands {
        let (before, calls) = (state(), world.sandbox().call_count());
        for format in [&[][..], &["--json"]] {
            let ended = world.home.must(&[command, format].concat()).await;
            assert!(
                ended.stdout.contains("nothing was changed")
                    || ended.stdout.contains("\"dry_run\":true")
                    || ended.stdout.starts_with("would take charge"),
                "{ended:?}"
            );
        }
        let changed: Vec<String> = state()
            .0
            .into_iter()
            .filter(|(name, bytes)| before.0.get(name) != Some(bytes))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(changed, Vec::<String>::new(), "{command:?}");
        assert!(before == state(), "{command:?}");
        let made = world.sandbox().calls().into_iter().filter(|call| call.number > calls);
        let changing: Vec<_> =
            made.filter(|call| call.method != "GET").map(|call| (call.method, call.path)).collect();
        // Learning what a new instance can do takes a session of its own, and a question that changes nothing.
        let expected = if command[0] == "connect" {
            changing.iter().all(|(_, path)| {
                path == "/rest/login" || path.ends_with("/keywright-asks") || path == "/rest/logout"
            })
        } else {
            changing.is_empty()
        };
        assert!(expected, "{command:?} {changing:?}");
    }
}
