use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::{EventId, EventKind, Secret, Store as _, Timestamp, Ulid};

use super::*;
use crate::log::{OutboxRow, Reader, verify};

const CHILD: &str = "KEYWRIGHT_TEST_DYING_CHILD";

/// An outbox whose process dies when a batch is in the log, and the store does not know of it yet.
struct DiesAfterLog(SqliteOutbox);

impl Outbox for DiesAfterLog {
    fn head(&mut self) -> Result<Option<LogHead>, StoreError> {
        self.0.head()
    }
    fn newest(&mut self) -> Result<i64, StoreError> {
        self.0.newest()
    }
    fn waiting(&mut self) -> Result<Vec<OutboxRow>, StoreError> {
        self.0.waiting()
    }
    fn logged_through(&mut self, _seq: i64, _head: LogHead) -> Result<(), StoreError> {
        let myself = rustix::process::getpid();
        rustix::process::kill_process(myself, rustix::process::Signal::KILL).unwrap();
        Ok(())
    }
    fn logged(&mut self, ids: Vec<String>, head: LogHead) -> Result<(), StoreError> {
        self.0.logged(ids, head)
    }
}

fn events(number: u64) -> Vec<Event> {
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    let id = |n| EventId(Ulid::from_parts(number, n));
    (0..3).map(|n| Event::new(id(n), at, EventKind::StepDone, "test")).collect()
}

fn place(folder: &Path) -> (PathBuf, LogConfig) {
    // The smallest segments, so that a batch begins one each time.
    (folder.join("store.db"), LogConfig { segment_max_bytes: 1, ..LogConfig::new(folder.join("log")) })
}

#[expect(clippy::disallowed_methods, reason = "the parent test tells its child so")]
fn child_role() -> Option<(PathBuf, u64)> {
    let role = std::env::var(CHILD).ok()?;
    let (number, folder) = role.split_once(' ').unwrap();
    Some((folder.into(), number.parse().unwrap()))
}

async fn die_after_log(folder: &Path, number: u64) {
    let key = Secret::new(std::fs::read_to_string(folder.join("master")).unwrap());
    let (path, log) = place(folder);
    let key = MasterKey::from_text(&key).unwrap();
    let store = SqliteStore::open_with(&path, &key, &log, |outbox| Box::new(DiesAfterLog(outbox))).unwrap();
    store.record(events(number)).await.unwrap();
    store.flush_log().await.unwrap();
}

#[tokio::test]
async fn events_are_logged_once_though_killed_between_log_and_store() {
    if let Some((folder, number)) = child_role() {
        die_after_log(&folder, number).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = place(folder.path());
    let key = MasterKey::generate().unwrap();
    std::fs::write(folder.path().join("master"), key.to_text().expose()).unwrap();
    drop(SqliteStore::create(&path, &key, &log).unwrap());
    for number in 1..=3 {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::tests::events_are_logged_once_though_killed_between_log_and_store"])
            .env(CHILD, format!("{number} {}", folder.path().display()))
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(9));
        let logged = Reader::open(&log.folder).unwrap().count();
        assert_eq!(logged, usize::try_from(number * 3).unwrap(), "in the log already");
    }
    let waiting = |conn: Connection| {
        conn.query_row("SELECT count(*) FROM outbox", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(waiting(Connection::open(&path).unwrap()), 3, "the last three are in both");

    let store = SqliteStore::open(&path, &key, &log).unwrap();
    store.flush_log().await.unwrap();
    let head = store.log_head().await.unwrap();
    assert_eq!(waiting(Connection::open(&path).unwrap()), 0);
    store.record(events(4)).await.unwrap();
    drop(store);
    let logged: Vec<Event> = Reader::open(&log.folder).unwrap().map(|one| one.unwrap().event).collect();
    let wanted: Vec<Event> = (1..=4).flat_map(events).collect();
    assert_eq!(logged, wanted);
    let key = SqliteStore::open(&path, &key, &log).unwrap().log_public_key();
    assert_eq!(verify(&log.folder, &key, head.as_ref()).unwrap().batches, 4);
}

/// The database was put back from a copy that is older than the log: the log is ahead, and nothing new is
/// taken for what was logged before.
#[tokio::test]
async fn a_store_from_a_backup_goes_on_with_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = place(folder.path());
    let key = MasterKey::generate().unwrap();
    let record = async |numbers: std::ops::RangeInclusive<u64>| {
        let store = SqliteStore::open(&path, &key, &log).unwrap();
        for number in numbers {
            store.record(events(number)).await.unwrap();
            store.flush_log().await.unwrap();
        }
    };
    drop(SqliteStore::create(&path, &key, &log).unwrap());
    record(1..=1).await;
    let copy = std::fs::read(&path).unwrap();
    record(2..=4).await;
    std::fs::write(&path, copy).unwrap();
    record(5..=6).await;
    let logged: Vec<Event> = Reader::open(&log.folder).unwrap().map(|one| one.unwrap().event).collect();
    assert_eq!(logged, (1..=6).flat_map(events).collect::<Vec<_>>());
}
