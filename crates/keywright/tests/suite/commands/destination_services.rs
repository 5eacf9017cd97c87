//! A rotation whose key goes to a service: from the sealed token to the key in the service, and back.

use super::{configure, declared, files_with, integration, is_whole, piped};
use crate::support::doppler::{Doppler, Mood, TOKEN};
use crate::support::home::{Ended, Home};
use crate::support::world::World;

const NAME: &str = "N8N_API_KEY";

/// A world that delivers to a Doppler, whose token is sealed.
async fn delivering(grace: &str) -> (World, Doppler) {
    let world = declared().await;
    let doppler = Doppler::start().await;
    doppler.put("OTHER", "kept");
    configure(&world.home, &doppler.service("doppler", "sealed:doppler"));
    configure(&world.home, &integration("backups", grace, &[format!("\"doppler:backups/prd#{NAME}\"")]));
    (world, doppler)
}

async fn set_token(home: &Home) -> Ended {
    piped(home, &["secret", "set", "doppler"], &format!("{TOKEN}\n")).await
}

async fn canaries(world: &World, keys: &[String], ended: &[Ended]) {
    let log = world.home.must(&["log", "export"]).await.stdout;
    let shown = world.home.must(&["key", "show", "backups", "--json"]).await.stdout;
    for secret in keys.iter().map(String::as_str).chain([TOKEN, "canary"]) {
        let said = ended.iter().any(|ended| ended.stdout.contains(secret) || ended.stderr.contains(secret));
        assert!(!said && !log.contains(secret) && !shown.contains(secret), "a secret was said");
        assert_eq!(files_with(&world.home, secret), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_goes_to_a_service_and_is_turned_there() {
    let (world, doppler) = delivering("0s").await;
    let home = &world.home;
    let missing = home.run(&["apply", "--yes"]).await;
    assert!(
        missing.code == Some(1) && missing.stderr.contains("keywright secret set doppler"),
        "{missing:?}"
    );
    assert_eq!((doppler.writes(), world.living().await.len()), (0, 1), "no key was made but the root key");
    let set = set_token(home).await;
    let applied = home.must(&["apply", "--yes"]).await;
    let first = doppler.held(NAME).unwrap();
    assert!(world.key_works(&first).await);
    home.must(&["destination", "check"]).await;
    home.must(&["destination", "drift"]).await;
    let turned = home.must(&["rotate", "backups"]).await;
    let second = doppler.held(NAME).unwrap();
    assert!(second != first && world.key_works(&second).await && !world.key_works(&first).await);
    let shown = world.show("backups").await;
    let steps = shown["rotations"][0]["steps"].as_array().unwrap();
    let confirmed = steps.iter().find(|step| step["step"] == "confirm").unwrap();
    assert_eq!(confirmed["destination"], format!("doppler:backups/prd#{NAME}"));
    doppler.put(NAME, "by-hand");
    let drift = home.run(&["destination", "drift"]).await;
    assert_eq!(drift.code, Some(3), "{drift:?}");
    let delivered = home.must(&["deliver", "backups"]).await;
    assert_eq!(doppler.held(NAME), Some(second.clone()));
    assert_eq!(doppler.held("OTHER").as_deref(), Some("kept"));
    canaries(&world, &[first, second], &[missing, set, applied, turned, drift, delivered]).await;
    home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_to_a_service_is_undone() {
    let (world, doppler) = delivering("1h").await;
    let home = &world.home;
    set_token(home).await;
    home.must(&["apply", "--yes"]).await;
    let first = doppler.held(NAME).unwrap();
    home.must(&["rotate", "backups"]).await;
    let second = doppler.held(NAME).unwrap();
    assert!(second != first && world.key_works(&first).await);
    let undone = home.must(&["rotate", "backups", "--abort"]).await;
    assert_eq!(doppler.held(NAME), Some(first.clone()));
    assert!(world.key_works(&first).await && !world.key_works(&second).await);
    canaries(&world, &[first, second], &[undone]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_down_or_refuses_stalls_it_and_nothing_is_lost() {
    let (world, doppler) = delivering("0s").await;
    let home = &world.home;
    set_token(home).await;
    home.must(&["apply", "--yes"]).await;
    let first = doppler.held(NAME).unwrap();
    let mut ended = Vec::new();
    for mood in [Mood::Down, Mood::Refusing] {
        doppler.is(mood);
        let stalled = home.run(&["rotate", "backups"]).await;
        assert!(stalled.code == Some(1) && stalled.stderr.contains("oppler"), "{mood:?} {stalled:?}");
        let check = home.run(&["destination", "check", "--json"]).await;
        assert_eq!((check.code, &check.json()["faults"]), (Some(3), &1.into()), "{mood:?}");
        assert_eq!(home.run(&["rotate", "--resume", "backups"]).await.code, Some(1), "{mood:?}");
        assert!(world.key_works(&first).await, "{mood:?}");
        assert_eq!(doppler.held(NAME), Some(first.clone()), "{mood:?}");
        doppler.is(Mood::Well);
        ended.extend([stalled, check]);
        if mood == Mood::Down {
            home.must(&["rotate", "backups", "--abort"]).await;
        }
    }
    home.must(&["rotate", "--resume", "backups"]).await;
    let second = doppler.held(NAME).unwrap();
    assert!(world.key_works(&second).await && !world.key_works(&first).await);
    // Its token is taken away: the error says how to give another.
    home.must(&["secret", "delete", "doppler", "--force"]).await;
    let lost = home.run(&["rotate", "backups"]).await;
    assert!(lost.code == Some(1) && is_whole(&lost.stderr), "{lost:?}");
    assert!(lost.stderr.contains("keywright secret set doppler"), "{lost:?}");
    set_token(home).await;
    home.must(&["rotate", "--resume", "backups"]).await;
    ended.push(lost);
    canaries(&world, &[first, second, doppler.held(NAME).unwrap()], &ended).await;
}
