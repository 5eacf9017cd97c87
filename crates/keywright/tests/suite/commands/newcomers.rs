//! What a person who has just begun meets: keys that were there before, places that are taken, output that is
//! the only copy of a key, a leak at the worst moment.

use sandbox::{Account, Effect, Fault, Matcher, Options, Profile};

use super::{is_whole, said};
use crate::support::home::PASSWORD;
use crate::support::places::Kinds;
use crate::support::world::World;

const SCOPE: [&str; 2] = ["--scope", "workflow:list"];

async fn create(world: &World, name: &str, more: &[&str]) -> crate::support::home::Ended {
    world.home.run(&[&["key", "create", name], &SCOPE[..], more].concat()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_not_taken_from_another_integration() {
    let world = World::start(Profile::V2_41).await;
    let places = world.integration("backups", Kinds::Dotenv).await;
    let [place] = places.addresses().try_into().unwrap();
    let before = places.held();
    let calls = world.sandbox().call_count();
    for more in [&["--to", place.as_str()][..], &["--to", place.as_str(), "--dry-run"]] {
        let thief = create(&world, "thief", more).await;
        assert_eq!(thief.code, Some(2), "{thief:?}");
        assert!(thief.stderr.contains("holds the key of `backups`"), "{thief:?}");
    }
    assert_eq!((places.held(), world.sandbox().call_count()), (before, calls));
    // Once nobody lives there any more, it may be had.
    world.home.must(&["key", "revoke", "backups", "--yes"]).await;
    assert_eq!(create(&world, "heir", &["--to", &place]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_key_in_a_place_is_told() {
    let world = World::start(Profile::V2_41).await;
    let file = world.home.folder().join("by-hand");
    std::fs::write(&file, "a-key-made-by-hand-canary\n").unwrap();
    let made = create(&world, "backups", &["--to", &format!("file:{}", file.display())]).await;
    assert!(made.stderr.contains("held another text (fingerprint "), "{made:?}");
    assert!(!made.stderr.contains("canary"), "{made:?}");
    // An empty value is nobody's key.
    std::fs::write(world.home.folder().join("env"), "N8N_API_KEY=\n").unwrap();
    let place = format!("dotenv:{}#N8N_API_KEY", world.home.folder().join("env").display());
    let made = create(&world, "agent", &["--to", &place]).await;
    assert!(made.code == Some(0) && !made.stderr.contains("held another text"), "{made:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_without_a_place_is_shown_once_whenever_it_is_new() {
    let world = World::start(Profile::V2_41).await;
    let first = create(&world, "agent", &[]).await.stdout.trim().to_owned();
    let keys =
        |stdout: &str| stdout.lines().filter(|line| line.starts_with("ey")).map(str::to_owned).collect();
    for (arguments, count) in [
        (&["rotate", "agent", "--grace", "0s"][..], 1),
        (&["rotate", "agent", "--grace", "1s"], 1),
        (&["rotate", "agent", "--abort"], 0),
        (&["rotate", "agent", "--compromised"], 1),
    ] {
        let shown: Vec<String> = keys(&world.home.must(arguments).await.stdout);
        assert_eq!(shown.len(), count, "{arguments:?}");
        for key in shown {
            assert!(key != first && world.key_works(&key).await, "{arguments:?}");
        }
    }
    // Cron leaves one that stalled to a person, who then is told the key.
    let proving = Matcher::of("GET", "/api/v1/discover");
    world.sandbox().faults().push(Fault::always(proving, Effect::Status(500)));
    assert_eq!(world.home.run(&["rotate", "agent", "--grace", "0s"]).await.code, Some(1));
    world.sandbox().faults().clear();
    let cron = world.home.must(&["rotate", "--resume"]).await;
    assert!(cron.stderr.contains("`agent` is left alone"), "{cron:?}");
    let person = world.home.must(&["rotate", "--resume", "agent"]).await;
    let told: Vec<String> = keys(&person.stdout);
    assert!(told.len() == 1 && !person.stderr.contains("left alone"), "{person:?}");
    let data = world.home.json(&["rotate", "agent", "--grace", "0s"]).await;
    let key = data["rotations"][0]["secret"].as_str().unwrap().to_owned();
    assert!(world.key_works(&key).await && !world.key_works(&first).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leak_while_n8n_is_away_says_that_the_key_still_works() {
    let world = World::start(Profile::V2_41).await;
    world.integration("backups", Kinds::Dotenv).await;
    world.sandbox().faults().push(Fault::always(Matcher::any(), Effect::RefuseBefore));
    let leak = said(&world, &["rotate", "backups", "--compromised", "--quiet"]).await;
    assert!(leak.starts_with("exit code 1\nerror: `backups`: ") && is_whole(&leak), "{leak}");
    assert!(leak.contains("stalled backups: THE OLD KEY MAY STILL WORK"), "{leak}");
    let status = said(&world, &["status", "--offline"]).await;
    assert!(status.starts_with("exit code 3\n") && status.contains("THE OLD KEY MAY STILL WORK"), "{status}");
    let undo = said(&world, &["rotate", "backups", "--abort"]).await;
    assert!(undo.contains("it is to kill a key, which is not taken back"), "{undo}");
    world.sandbox().faults().clear();
    assert!(world.home.must(&["rotate", "--resume", "backups"]).await.stdout.starts_with("rotated backups"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_log_is_found_at_home() {
    let world = World::start(Profile::V2_41).await;
    world.integration("backups", Kinds::Dotenv).await;
    let log = world.home.folder().join("keywright-log");
    let segment = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
    let segment =
        segment.into_iter().find(|path| path.extension().is_some_and(|end| end == "jsonl")).unwrap();
    let text = std::fs::read_to_string(&segment).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let batches: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with("{\"batch\":")).collect();
    let kept = batches[batches.len() - 2] + 1;
    std::fs::write(&segment, lines[..kept].join("\n") + "\n").unwrap();
    let found = said(&world, &["log", "verify"]).await;
    assert!(found.starts_with("exit code 3\n") && found.contains("tampered"), "{found}");
    let shown = said(&world, &["log", "show"]).await;
    assert!(shown.starts_with("exit code 0\nwarning: ") && shown.contains("rotation_started"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_kind_of_event_is_refused() {
    let world = World::start(Profile::V2_41).await;
    let refused = said(&world, &["log", "show", "--kind", "nonsense"]).await;
    assert!(refused.starts_with("exit code 2\n") && is_whole(&refused), "{refused}");
    let known = said(&world, &["log", "show", "--kind", "key_created"]).await;
    assert_eq!(known.lines().count(), 2, "{known}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_does_not_see_the_keys_cannot_take_over() {
    let mut options = Options::default();
    options.members.push(Account::new("member@example.com", Options::OWNER_PASSWORD));
    let world = World::with(Profile::V1_123, options).await;
    world.integration("backups", Kinds::Dotenv).await;
    let url = world.url();
    let password = format!("env:{PASSWORD}");
    let connect = ["connect", "prod", &url, "--email", "member@example.com", "--password-from", &password];
    let refused = said(&world, &connect).await;
    assert!(refused.starts_with("exit code 1\n") && is_whole(&refused), "{refused}");
    assert!(refused.contains("that user does not see the key of `"), "{refused}");
    world.home.must(&["rotate", "backups", "--compromised"]).await;
}
