//! A change of the master key that is killed at whatever it was doing: all is sealed with one key, the old or the new.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use model::{Secret, Store as _};
use store::MasterKey;

use crate::fixture::{Place, event};
use crate::processes::{child_at, config, place, place_in, real_place, role};

/// Enough that most of the time goes into sealing.
const VALUES: u64 = 300;

fn name(number: u64) -> String {
    format!("value/{number}")
}

/// Changes it again and again; the key that comes next is on disk before the store knows it.
async fn change_until_killed(folder: &Path, first: u64) {
    let (_, key, log) = config(folder);
    let store = store::open(&place_in(folder), &key, &log).await.unwrap();
    for number in first.. {
        let new = MasterKey::generate().unwrap();
        std::fs::write(folder.join("next"), new.to_text().expose()).unwrap();
        store.rotate_master_key(&new, vec![event(number)]).await.unwrap();
        std::fs::rename(folder.join("next"), folder.join("master")).unwrap();
        println!("\ndone {number}");
    }
}

async fn check(place: &impl Place, folder: &Path, test: &str) {
    let store = place.open();
    for number in 0..VALUES {
        let value = Secret::new(format!("canary-{number}"));
        store.put_sealed(&name(number), Some(&value), Vec::new()).await.unwrap();
    }
    drop(store);
    let mut done = 0;
    for round in 1..=5 {
        let first = round * 1_000;
        let mut child = child_at(test, folder, first);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let told = lines.by_ref().filter(|line| line.starts_with("done "));
        done += told.take(usize::try_from(round).unwrap()).count();
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());

        let (_, former, log) = config(folder);
        let next = std::fs::read_to_string(folder.join("next")).ok();
        let next = next.and_then(|text| MasterKey::from_text(&Secret::new(text)).ok());
        let places = place_in(folder);
        let opened = if let Ok(store) = store::open(&places, &former, &log).await {
            if let Some(next) = next {
                assert!(store::open(&places, &next, &log).await.is_err(), "one key opens it");
            }
            store
        } else {
            std::fs::rename(folder.join("next"), folder.join("master")).unwrap();
            store::open(&places, &next.unwrap(), &log).await.unwrap()
        };
        for number in 0..VALUES {
            let value = opened.sealed(&name(number)).await.unwrap().unwrap();
            assert_eq!(value.expose(), format!("canary-{number}"));
        }
        opened.flush_log().await.unwrap();
        let logged = place.logged();
        assert!(logged.len() >= done, "each change is told");
        done = logged.len();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_change_is_whole_or_not_at_all() {
    if let Some((folder, first)) = role() {
        return change_until_killed(&folder, first).await;
    }
    let place = place();
    let test = "master_key_killed::a_killed_change_is_whole_or_not_at_all";
    check(&place, place.folder.path(), test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_killed_change_is_whole_or_not_at_all() {
    if let Some((folder, first)) = role() {
        return change_until_killed(&folder, first).await;
    }
    let Some(place) = real_place() else { return };
    let test = "master_key_killed::real_postgres_killed_change_is_whole_or_not_at_all";
    check(&place, place.folder.path(), test).await;
}
