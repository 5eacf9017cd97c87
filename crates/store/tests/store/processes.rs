//! Several real processes on one store: this test binary, started again with one test and a role in the
//! environment.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::{Event, Secret, StartOutcome, Store as _};
use store::log::{LogConfig, verify};
use store::{MasterKey, OpenStore, SqliteStore, StorePlace};

use crate::fixture::{Place, event, holder, instance, new};
use crate::postgres_place::PostgresPlace;
use crate::sqlite_place::SqlitePlace;

const ROLE: &str = "KEYWRIGHT_TEST_CHILD";

/// The store's folder and this process's number, if it is a child.
#[expect(clippy::disallowed_methods, reason = "the parent test tells its child so")]
pub(crate) fn role() -> Option<(PathBuf, u64)> {
    let role = std::env::var(ROLE).ok()?;
    let (number, folder) = role.split_once(' ').unwrap();
    Some((folder.into(), number.parse().unwrap()))
}

fn child(test: &str, folder: &Path, number: u64) -> Child {
    child_at(&format!("processes::{test}"), folder, number)
}

/// A process that runs one test, named with its module, in a role.
pub(crate) fn child_at(test: &str, folder: &Path, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ROLE, format!("{number} {}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(crate) fn config(folder: &Path) -> (PathBuf, MasterKey, LogConfig) {
    let key = Secret::new(std::fs::read_to_string(folder.join("master")).unwrap());
    let mut log = LogConfig::new(folder.join("state/log"));
    log.segment_max_bytes = 20_000;
    (folder.join("state/keywright.db"), MasterKey::from_text(&key).unwrap(), log)
}

/// Opens the store that the parent made: in the database that is named in the folder, else in a file.
async fn open(folder: &Path) -> Arc<dyn OpenStore> {
    let (_, key, log) = config(folder);
    store::open(&place_in(folder), &key, &log).await.unwrap()
}

/// Where the parent's store is.
pub(crate) fn place_in(folder: &Path) -> StorePlace {
    match std::fs::read_to_string(folder.join("url")) {
        Ok(url) => StorePlace::Postgres { url, password: None },
        Err(_none) => StorePlace::Sqlite(config(folder).0),
    }
}

pub(crate) fn place() -> SqlitePlace {
    let place = SqlitePlace::with_segments_of(20_000);
    tell(&place, place.folder.path());
    place
}

pub(crate) fn real_place() -> Option<PostgresPlace> {
    let place = PostgresPlace::fresh()?;
    tell(&place, place.folder.path());
    Some(place)
}

/// Leaves in the folder what children have to know.
fn tell(place: &impl Place, folder: &Path) {
    std::fs::write(folder.join("master"), place.key().to_text().expose()).unwrap();
    if let StorePlace::Postgres { url, .. } = place.place() {
        std::fs::write(folder.join("url"), url).unwrap();
    }
}

async fn check_log(place: &impl Place) -> u64 {
    let store = store::open(&place.place(), &place.key(), &place.log()).await.unwrap();
    store.flush_log().await.unwrap();
    let head = store.log_head().await.unwrap();
    verify(store.log_folder(), &store.log_public_key(), head.as_ref()).unwrap().events
}

const ROUNDS: u64 = 10;

async fn start_and_record(folder: &Path, number: u64) {
    let store = open(folder).await;
    for round in 0..ROUNDS {
        let id = 1 + round * 10 + number;
        let outcome = store.start_rotation(new(id, &format!("integration-{round}")), vec![event(id)]).await;
        if matches!(outcome.unwrap(), StartOutcome::Started(_)) {
            println!("\nstarted {round}");
        }
        store.record(vec![event(1_000 + id)]).await.unwrap();
    }
}

async fn check_shared(place: &impl Place, folder: &Path, test: &str) {
    let store = place.open();
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    let children: Vec<Child> = (0..3).map(|number| child(test, folder, number)).collect();
    let mut started = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        started.extend(text.lines().filter_map(|line| line.strip_prefix("started ")).map(str::to_owned));
    }
    started.sort();
    assert_eq!(started, (0..ROUNDS).map(|round| round.to_string()).collect::<Vec<_>>(), "one in each round");
    assert_eq!(store.open_rotations().await.unwrap().len(), 10);
    store.flush_log().await.unwrap();
    assert_eq!(place.logged().len(), 10 + 30);
    assert_eq!(check_log(place).await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_share_one_store() {
    if let Some((folder, number)) = role() {
        return start_and_record(&folder, number).await;
    }
    let place = place();
    check_shared(&place, place.folder.path(), "several_processes_share_one_store").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_several_processes_share_one_database() {
    if let Some((folder, number)) = role() {
        return start_and_record(&folder, number).await;
    }
    let Some(place) = real_place() else { return };
    check_shared(&place, place.folder.path(), "real_several_processes_share_one_database").await;
}

async fn commit_until_killed(folder: &Path, number: u64) {
    let store = open(folder).await;
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    let begun = store.start_rotation(new(number, &format!("integration-{number}")), Vec::new()).await;
    let StartOutcome::Started(fence) = begun.unwrap() else { panic!("it is open") };
    for n in 0.. {
        let id = number * 100_000 + n;
        store.commit(&fence, Vec::new(), vec![event(id)]).await.unwrap();
        println!("\ndone {id}");
        if n % 5 == 0 {
            store.flush_log().await.unwrap();
        }
    }
}

/// Killed at whatever it was doing, over and over: what it was told to be durable is there, once.
async fn check_killed(place: &impl Place, folder: &Path, test: &str) {
    let mut told = Vec::new();
    for number in 1..=6 {
        let mut child = child(test, folder, number);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let done = lines.filter_map(|line| line.strip_prefix("done ").map(|id| id.parse::<u64>().unwrap()));
        let wanted = usize::try_from(number * 13).unwrap();
        told.extend(done.take(wanted));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
    }
    let events = check_log(place).await;
    let logged: Vec<u64> = place.logged().iter().map(number).collect();
    let mut once = logged.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), logged.len(), "none twice");
    assert_eq!(told.len(), 13 * 21);
    assert!(told.iter().all(|id| once.binary_search(id).is_ok()), "none lost");
    assert_eq!(events, logged.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_and_doubles_nothing() {
    if let Some((folder, number)) = role() {
        return commit_until_killed(&folder, number).await;
    }
    let place = place();
    check_killed(&place, place.folder.path(), "a_killed_process_loses_and_doubles_nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_killed_process_loses_and_doubles_nothing_of_a_database() {
    if let Some((folder, number)) = role() {
        return commit_until_killed(&folder, number).await;
    }
    let Some(place) = real_place() else { return };
    let test = "real_a_killed_process_loses_and_doubles_nothing_of_a_database";
    check_killed(&place, place.folder.path(), test).await;
}

/// `kill -9` of the leader: another leads within ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn real_a_killed_leader_is_followed() {
    if let Some((folder, _)) = role() {
        let store = open(&folder).await;
        let _leads = store.lead("scheduler", &holder(1)).await.unwrap();
        println!("\nleads");
        return std::future::pending().await;
    }
    let Some(place) = real_place() else { return };
    let mut child = child("real_a_killed_leader_is_followed", place.folder.path(), 1);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "leads"));
    let store = place.open();
    let other = holder(2);
    let follows = store.lead("scheduler", &other);
    let mut follows = std::pin::pin!(follows);
    assert!(tokio::time::timeout(Duration::from_millis(1_500), &mut follows).await.is_err(), "it is held");
    child.kill().unwrap();
    child.wait().unwrap();
    tokio::time::timeout(Duration::from_secs(10), follows).await.unwrap().unwrap();
}

fn number(event: &Event) -> u64 {
    event.detail["number"].as_u64().unwrap()
}

#[test]
fn one_of_several_processes_makes_the_store() {
    if let Some((folder, _)) = role() {
        let (path, key, log) = config(&folder);
        match SqliteStore::create(&path, &key, &log) {
            Ok(_) => println!("\nmade"),
            Err(error) => assert_eq!(error.kind, model::StoreErrorKind::Exists, "{error}"),
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::generate().unwrap();
    std::fs::write(folder.path().join("master"), key.to_text().expose()).unwrap();
    let children: Vec<Child> = (0..4)
        .map(|number| child("one_of_several_processes_makes_the_store", folder.path(), number))
        .collect();
    let mut made = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        made += String::from_utf8(output.stdout).unwrap().lines().filter(|line| *line == "made").count();
    }
    assert_eq!(made, 1);
    drop(open(folder.path()));
    let left: Vec<_> =
        std::fs::read_dir(folder.path().join("state")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the database and the log: {left:?}");
}
