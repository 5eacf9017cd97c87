use std::os::unix::fs::PermissionsExt as _;
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

/// Runs a child that dies with the batch of `number` in the log, and in the outbox still.
fn kill_between(folder: &Path, number: u64) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::tests::events_are_logged_once_though_killed_between_log_and_store"])
        .env(CHILD, format!("{number} {}", folder.display()))
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(9));
}

fn fresh(folder: &Path) -> MasterKey {
    let (path, log) = place(folder);
    let key = MasterKey::generate().unwrap();
    std::fs::write(folder.join("master"), key.to_text().expose()).unwrap();
    drop(SqliteStore::create(&path, &key, &log).unwrap());
    key
}

fn open(folder: &Path, key: &MasterKey) -> SqliteStore {
    let (path, log) = place(folder);
    SqliteStore::open(&path, key, &log).unwrap()
}

fn waiting(folder: &Path) -> i64 {
    let conn = Connection::open(place(folder).0).unwrap();
    conn.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap()
}

fn logged(folder: &Path) -> Vec<Event> {
    Reader::open(&place(folder).1.folder).unwrap().map(|one| one.unwrap().event).collect()
}

/// Opens the store; its log is good then, and has just the events of these numbers.
async fn check_goes_on(folder: &Path, key: &MasterKey, numbers: std::ops::RangeInclusive<u64>) {
    let store = open(folder, key);
    store.flush_log().await.unwrap();
    let head = store.log_head().await.unwrap();
    assert_eq!(waiting(folder), 0);
    assert_eq!(logged(folder), numbers.flat_map(events).collect::<Vec<_>>());
    verify(store.log_folder(), &store.log_public_key(), head.as_ref()).unwrap();
}

#[tokio::test]
async fn events_are_logged_once_though_killed_between_log_and_store() {
    if let Some((folder, number)) = child_role() {
        die_after_log(&folder, number).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = fresh(folder.path());
    for number in 1..=3 {
        kill_between(folder.path(), number);
        assert_eq!(logged(folder.path()), (1..=number).flat_map(events).collect::<Vec<_>>());
    }
    assert_eq!(waiting(folder.path()), 3, "the last three are in both");
    check_goes_on(folder.path(), &key, 1..=3).await;
    open(folder.path(), &key).record(events(4)).await.unwrap();
    check_goes_on(folder.path(), &key, 1..=4).await;
}

/// The end of a segment, the beginning of the next and a batch, cut off after any number of bytes.
#[tokio::test]
async fn a_write_that_was_cut_anywhere_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let key = fresh(folder.path());
    kill_between(folder.path(), 1);
    let first = segments(folder.path())[0].metadata().unwrap().len();
    kill_between(folder.path(), 2);
    let paths = segments(folder.path());
    let whole: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let ending = whole[0].len() - usize::try_from(first).unwrap();
    let written = ending + whole[1].len();
    assert!(ending > 100 && whole[1].len() > 1_000);
    let kept = ["store.db", "store.db-wal", "master"].map(|name| folder.path().join(name));
    let kept = kept.map(|path| (std::fs::read(&path).unwrap(), path));

    let ends = |bytes: &[u8], from: usize| -> Vec<usize> {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        ends.flat_map(|(at, _)| [at + from, at + from + 1]).collect()
    };
    let mut cuts: Vec<usize> = (0..=written).step_by(67).collect();
    cuts.extend(ends(&whole[1], ending));
    cuts.extend([ending - 1, ending, ending + 1]);
    for cut in cuts {
        for (bytes, path) in &kept {
            std::fs::write(path, bytes).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let in_first = usize::try_from(first).unwrap() + cut.min(ending);
        std::fs::write(&paths[0], &whole[0][..in_first]).unwrap();
        std::fs::write(&paths[1], &whole[1][..cut.saturating_sub(ending)]).unwrap();
        let there = if cut < ending { 1 } else { 2 };
        for other in segments(folder.path()).iter().skip(there) {
            std::fs::remove_file(other).unwrap();
        }
        check_goes_on(folder.path(), &key, 1..=2).await;
    }
}

/// After a power cut, the line that closes a batch may be there, and lines above it not.
#[tokio::test]
async fn a_batch_with_a_hole_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let key = fresh(folder.path());
    kill_between(folder.path(), 1);
    let path = &segments(folder.path())[0];
    let mut bytes = std::fs::read(path).unwrap();
    let hole = bytes.windows(8).position(|window| window == b"{\"event\"").unwrap();
    bytes[hole..hole + 100].fill(0);
    std::fs::write(path, bytes).unwrap();
    check_goes_on(folder.path(), &key, 1..=1).await;
}

/// Beyond the head that the store knows, only half a batch is cut off; what was signed stays.
#[tokio::test]
async fn signed_lines_are_never_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = place(folder.path());
    let log = LogConfig::new(log.folder);
    let key = fresh(folder.path());
    let before = std::fs::read(&path).unwrap();
    let store = SqliteStore::open(&path, &key, &log).unwrap();
    for number in 1..=3 {
        store.record(events(number)).await.unwrap();
        store.flush_log().await.unwrap();
    }
    drop(store);
    std::fs::write(&path, before).unwrap();
    let segment = &segments(folder.path())[0];
    let text = std::fs::read_to_string(segment).unwrap();
    let changed = text.replacen("\"actor\":\"test\"", "\"actor\":\"tset\"", 1);
    std::fs::write(segment, &changed).unwrap();
    let store = SqliteStore::open(&path, &key, &log).unwrap();
    let error = store.flush_log().await.unwrap_err();
    assert!(error.to_string().contains("signed lines follow"), "{error}");
    drop(store);
    assert_eq!(std::fs::read_to_string(segment).unwrap(), changed);
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place(folder).1.folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The database was put back from a copy that is older than the log: the log is ahead, and nothing new is
/// taken for what was logged before.
#[tokio::test]
async fn a_store_from_a_backup_goes_on_with_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let key = fresh(folder.path());
    let path = place(folder.path()).0;
    let record = async |numbers: std::ops::RangeInclusive<u64>| {
        let store = open(folder.path(), &key);
        for number in numbers {
            store.record(events(number)).await.unwrap();
            store.flush_log().await.unwrap();
        }
    };
    record(1..=1).await;
    let copy = std::fs::read(&path).unwrap();
    record(2..=4).await;
    std::fs::write(&path, copy).unwrap();
    record(5..=6).await;
    check_goes_on(folder.path(), &key, 1..=6).await;
}
