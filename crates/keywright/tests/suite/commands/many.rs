//! Many keys turned by one command: by owner, by instance, all, what is due.

use std::time::{Duration, Instant};

use sandbox::Profile;
use serde_json::Value;

use crate::support::ground::Ground;
use crate::support::places::{Kinds, Places};
use crate::support::world::{World, create};

/// An integration of somebody's, with one destination.
async fn made(world: &World, name: &str, more: &[&str]) -> Places {
    let places = world.places(name, Kinds::Dotenv);
    let arguments = create(name, &places);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    world.home.must(&arguments).await;
    places
}

/// The key in the one destination.
fn only(places: &Places) -> Option<String> {
    places.held().remove(0)
}

/// Alice left: her fifty keys are turned, two of them cannot be delivered. What is said is exactly what is left.
async fn offboarded(world: &World) {
    let mut places = Vec::new();
    for number in 0..50 {
        places.push(made(world, &format!("of-alice-{number:02}"), &["--owner", "alice"]).await);
    }
    let bobs = made(world, "of-bob", &["--owner", "bob"]).await;
    let (before, of_bob) = (places.iter().map(only).collect::<Vec<_>>(), only(&bobs));
    for broken in [7, 31] {
        let env = places[broken].folder().join(".env");
        std::fs::remove_file(&env).unwrap();
        std::fs::create_dir(&env).unwrap();
    }
    let arguments = ["rotate", "--owner", "alice", "--compromised", "--yes", "--at-once", "16"];
    let ended = world.home.run(&[&arguments[..], &["--json"]].concat()).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let json = ended.json();
    let mut left: Vec<&str> =
        json["left"].as_array().unwrap().iter().map(|left| left["name"].as_str().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, ["of-alice-07", "of-alice-31"]);
    for entry in json["left"].as_array().unwrap() {
        let because = entry["because"].as_str().unwrap();
        assert!(because.contains(entry["name"].as_str().unwrap()) && because.contains(".env"), "{because}");
    }
    let done = |rotation: &&Value| rotation["status"] == "done";
    assert_eq!(json["rotations"].as_array().unwrap().iter().filter(done).count(), 48);
    for (number, (places, old)) in places.iter().zip(&before).enumerate() {
        let old = old.as_deref().unwrap();
        assert!(!world.key_works(old).await, "the old key of {number} works");
        if ![7, 31].contains(&number) {
            let new = only(places).unwrap();
            assert!(new != old && world.key_works(&new).await, "the new key of {number} does not work");
        }
    }
    assert_eq!(only(&bobs), of_bob, "bob's key was touched");
    // The same for people, when the two are tried again.
    let again = world.home.run(&["rotate", "--resume", "of-alice-07", "of-alice-31"]).await;
    assert_eq!(again.code, Some(1));
    let (head, rest) = again.stdout.split_once('\n').unwrap();
    assert_eq!(head, "0 of 2 done, 0 delivered and in their grace, 2 left:");
    assert!(rest.contains("of-alice-07") && rest.contains("of-alice-31"), "{rest}");
    for broken in [7, 31] {
        std::fs::remove_dir(places[broken].folder().join(".env")).unwrap();
    }
    let mended = world.home.must(&["rotate", "--resume", "of-alice-07", "of-alice-31"]).await;
    assert!(
        mended.stdout.ends_with("2 of 2 done, 0 delivered and in their grace, nothing left\n"),
        "{mended:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offboarding_turns_all_of_an_owners_keys_and_tells_what_is_left() {
    offboarded(&World::start(Profile::V2_41).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_offboarding_turns_all_of_an_owners_keys_and_tells_what_is_left() {
    let Some(ground) = Ground::of("2.41.1").await else { return };
    offboarded(&World::real(ground).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_turned_and_nothing_else() {
    let world = World::start(Profile::V2_41).await;
    let soon = made(&world, "soon", &["--rotate-every", "1s"]).await;
    let later = made(&world, "later", &["--rotate-every", "90d"]).await;
    let never = made(&world, "never", &[]).await;
    let keys = [only(&soon), only(&later), only(&never)];
    let until = Instant::now() + Duration::from_secs(20);
    let names = |json: &Value| -> Vec<String> {
        let rotations = json["rotations"].as_array().unwrap().iter();
        rotations.map(|rotation| rotation["integration"].as_str().unwrap().to_owned()).collect()
    };
    loop {
        let due = names(&world.home.json(&["rotate", "--due", "--dry-run"]).await);
        if due == ["soon"] {
            break;
        }
        assert!(due.is_empty() && Instant::now() < until, "{due:?}");
    }
    assert_eq!(names(&world.home.json(&["rotate", "--due"]).await), ["soon"]);
    assert_ne!(only(&soon), keys[0]);
    assert_eq!([only(&later), only(&never)], keys[1..]);
    let nothing = world.home.must(&["rotate", "--due", "--instance", "prod", "--owner", "keywright"]).await;
    assert_eq!(nothing.stdout, "nothing is due\n", "nobody owns `soon`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_means_the_root_key_too_and_many_are_asked_for() {
    let world = World::start(Profile::V2_41).await;
    let places = made(&world, "backups", &["--owner", "ops"]).await;
    let before = only(&places);
    let asked = world.home.run(&["rotate", "--all"]).await;
    assert_eq!((asked.code, only(&places)), (Some(1), before.clone()), "{asked:?}");
    assert!(asked.stderr.contains("backups, prod-root?") && asked.stderr.contains("--yes"), "{asked:?}");
    let json = world.home.json(&["rotate", "--all", "--yes"]).await;
    assert_eq!(json["rotations"].as_array().unwrap().len(), 2);
    assert_ne!(only(&places), before);
    let json = world.home.json(&["rotate", "--instance", "prod", "--owner", "ops", "--yes"]).await;
    assert_eq!(json["rotations"].as_array().unwrap().len(), 1);
    for (option, near) in [("--owner=opps", "`ops`"), ("--instance=prodd", "`prod`")] {
        let refused = world.home.run(&["rotate", option, "--yes"]).await;
        assert!(
            refused.code == Some(1) && refused.stderr.contains(&format!("did you mean {near}?")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn shells_and_readers_get_what_they_want() {
    let home = crate::support::home::Home::empty("");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = home.must(&["completions", shell]).await.stdout;
        assert!(script.contains("keywright") && script.contains("compromised"), "{shell}");
    }
    let bash = home.must(&["completions", "bash"]).await.stdout;
    let path = home.folder().join("keywright.bash");
    std::fs::write(&path, bash).unwrap();
    let ask = r#". ./keywright.bash && COMP_WORDS=(keywright rotate --comp) COMP_CWORD=2 && _keywright keywright --comp rotate && echo "${COMPREPLY[@]}""#;
    let told = home.command_of(std::path::Path::new("/bin/bash")).args(["-c", ask]).output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&told.stdout), "--compromised\n", "{told:?}");
    let page = home.must(&["man"]).await.stdout;
    assert!(page.starts_with(".ie") || page.contains(".TH keywright 1"), "{page}");
    let json = home.json(&["man", "--folder", "pages"]).await;
    let pages = std::fs::read_dir(home.folder().join("pages")).unwrap().count();
    assert_eq!(json["pages"], pages);
    let rotate = std::fs::read_to_string(home.folder().join("pages/keywright-rotate.1")).unwrap();
    assert!(rotate.contains("compromised") && rotate.contains("keywright\\-rotate"), "{rotate}");
}
