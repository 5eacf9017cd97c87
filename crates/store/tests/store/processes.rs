//! Several real processes on one store: this test binary, started again with one test and a role in the
//! environment.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use model::{Event, Secret, StartOutcome, Store as _};
use store::log::{LogConfig, Reader};
use store::{MasterKey, SqliteStore};

use crate::fixture::{Place as _, begin, event, instance, new};
use crate::sqlite_place::SqlitePlace;

const ROLE: &str = "KEYWRIGHT_TEST_CHILD";

/// The store's folder and this process's number, if it is a child.
#[expect(clippy::disallowed_methods, reason = "the parent test tells its child so")]
fn role() -> Option<(PathBuf, u64)> {
    let role = std::env::var(ROLE).ok()?;
    let (number, folder) = role.split_once(' ').unwrap();
    Some((folder.into(), number.parse().unwrap()))
}

fn child(test: &str, folder: &Path, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("processes::{test}"), "--nocapture"])
        .env(ROLE, format!("{number} {}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn config(folder: &Path) -> (PathBuf, MasterKey, LogConfig) {
    let key = Secret::new(std::fs::read_to_string(folder.join("master")).unwrap());
    let mut log = LogConfig::new(folder.join("state/log"));
    log.segment_max_bytes = 20_000;
    (folder.join("state/keywright.db"), MasterKey::from_text(&key).unwrap(), log)
}

fn open(folder: &Path) -> SqliteStore {
    let (path, key, log) = config(folder);
    SqliteStore::open(&path, &key, &log).unwrap()
}

fn place() -> SqlitePlace {
    let place = SqlitePlace::with_segments_of(20_000);
    std::fs::write(place.folder.path().join("master"), place.key.to_text().expose()).unwrap();
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_share_one_store() {
    const ROUNDS: u64 = 10;
    if let Some((folder, number)) = role() {
        let store = open(&folder);
        for round in 0..ROUNDS {
            let id = 1 + round * 10 + number;
            let outcome =
                store.start_rotation(new(id, &format!("integration-{round}")), vec![event(id)]).await;
            if matches!(outcome.unwrap(), StartOutcome::Started(_)) {
                println!("\nstarted {round}");
            }
            store.record(vec![event(1_000 + id)]).await.unwrap();
        }
        return;
    }
    let place = place();
    let store = place.open();
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    let children: Vec<Child> = (0..3)
        .map(|number| child("several_processes_share_one_store", place.folder.path(), number))
        .collect();
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
    assert_eq!(place.verify().await.unwrap().events, 40);
}

/// Killed at whatever it was doing, over and over: what it was told to be durable is there, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_and_doubles_nothing() {
    if let Some((folder, number)) = role() {
        let store = open(&folder);
        let (_, fence) = begin(&store, number, &format!("integration-{number}")).await;
        for n in 0.. {
            let id = number * 100_000 + n;
            store.commit(&fence, Vec::new(), vec![event(id)]).await.unwrap();
            println!("\ndone {id}");
            if n % 5 == 0 {
                store.flush_log().await.unwrap();
            }
        }
    }
    let place = place();
    let mut told = Vec::new();
    for number in 1..=6 {
        let mut child = child("a_killed_process_loses_and_doubles_nothing", place.folder.path(), number);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let done = lines.filter_map(|line| line.strip_prefix("done ").map(|id| id.parse::<u64>().unwrap()));
        let wanted = usize::try_from(number * 13).unwrap();
        told.extend(done.take(wanted));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
    }
    let store = place.open();
    store.flush_log().await.unwrap();
    drop(store);
    let logged: Vec<u64> =
        Reader::open(&place.log.folder).unwrap().map(|one| number(&one.unwrap().event)).collect();
    let mut once = logged.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), logged.len(), "none twice");
    assert_eq!(told.len(), 13 * 21);
    assert!(told.iter().all(|id| once.binary_search(id).is_ok()), "none lost");
    assert_eq!(place.verify().await.unwrap().events, logged.len() as u64);
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
