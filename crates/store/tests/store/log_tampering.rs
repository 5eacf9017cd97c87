//! Each kind of tampering is found, and named by its file and line.

use std::path::PathBuf;

use model::Store as _;
use store::log::{Fault, FaultKind, LogConfig, LogHead, LogPublicKey, VerifyErrorKind, verify};
use store::{MasterKey, SqliteStore};

use crate::fixture::{Place as _, event};
use crate::sqlite_place::SqlitePlace;

/// A closed log with its key and head, to be tampered with.
pub(crate) struct Log {
    pub(crate) place: SqlitePlace,
    pub(crate) key: LogPublicKey,
    pub(crate) head: LogHead,
}

impl Log {
    /// Batches of these sizes.
    pub(crate) async fn of(batches: &[u64], segment_max_bytes: u64) -> Self {
        let place = SqlitePlace::with_segments_of(segment_max_bytes);
        let store = place.open();
        for (number, size) in (1..).zip(batches) {
            store.record((0..*size).map(|n| event(number * 100 + n)).collect()).await.unwrap();
            store.flush_log().await.unwrap();
        }
        let (key, head) = (store.log_public_key(), store.log_head().await.unwrap().unwrap());
        drop(store);
        Self { place, key, head }
    }

    pub(crate) fn segment(&self, number: usize) -> PathBuf {
        self.place.segments()[number - 1].clone()
    }

    pub(crate) fn lines(&self, segment: usize) -> Vec<String> {
        let text = std::fs::read_to_string(self.segment(segment)).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    /// Writes a segment anew.
    pub(crate) fn put(&self, segment: usize, lines: &[String]) {
        std::fs::write(self.segment(segment), lines.concat()).unwrap();
    }

    pub(crate) fn fault(&self, head: Option<&LogHead>) -> Option<Fault> {
        match verify(&self.place.log.folder, &self.key, head) {
            Ok(_) => None,
            Err(error) => match error.kind {
                VerifyErrorKind::Broken(fault) => Some(*fault),
                VerifyErrorKind::Unavailable => panic!("{error}"),
            },
        }
    }

    /// The fault is of this kind, in this line of this segment, with and without the head.
    fn check(&self, segment: usize, line: u64, kind: FaultKind) {
        for head in [None, Some(&self.head)] {
            let fault = self.fault(head).expect("not found");
            let file = self.segment(segment).file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!(
                (fault.file.as_str(), fault.line, fault.kind),
                (file.as_str(), line, kind),
                "{fault:?}"
            );
        }
    }
}

/// Lines: 1 segment, 2 to 4 events, 5 batch, 6 to 8 events, 9 batch, 10 to 12 events, 13 batch.
async fn three_batches() -> Log {
    Log::of(&[3, 3, 3], 8 * 1024 * 1024).await
}

/// Each batch in a segment of its own. Lines of each: 1 segment, 2 and 3 events, 4 batch, 5 checkpoint.
async fn three_segments() -> Log {
    Log::of(&[2, 2, 2], 1).await
}

#[tokio::test]
async fn what_nobody_touched_is_good() {
    let log = three_batches().await;
    let report = verify(&log.place.log.folder, &log.key, Some(&log.head)).unwrap();
    assert_eq!((report.segments, report.batches, report.events, report.head_compared), (1, 3, 9, true));
    assert_eq!(report.node.as_deref(), Some(log.head.node.as_str()));
    let log = three_segments().await;
    let report = verify(&log.place.log.folder, &log.key, None).unwrap();
    assert_eq!((report.segments, report.batches, report.events, report.head_compared), (3, 3, 6, false));
    assert_eq!(log.lines(1).len(), 5);
}

#[tokio::test]
async fn a_changed_line_is_named() {
    let log = three_batches().await;
    let good = log.lines(1);
    for (line, kind) in
        [(1, FaultKind::LineChanged), (7, FaultKind::LineChanged), (9, FaultKind::LineChanged)]
    {
        let mut lines = good.clone();
        lines[line - 1] = lines[line - 1].replacen(":\"", ":\"x", 1);
        log.put(1, &lines);
        log.check(1, line as u64, kind);
    }
}

#[tokio::test]
async fn a_removed_reordered_or_doubled_event_is_named() {
    let log = three_batches().await;
    let good = log.lines(1);
    // Whichever event of the batch it was, the fault is at the line that came up in its place.
    for line in [6, 7, 8] {
        let mut lines = good.clone();
        lines.remove(line - 1);
        log.put(1, &lines);
        log.check(1, line as u64, FaultKind::LineRemoved);
    }
    let mut lines = good.clone();
    lines.swap(6, 7);
    log.put(1, &lines);
    log.check(1, 7, FaultKind::LinesReordered);
    let mut lines = good.clone();
    lines.insert(6, good[5].clone());
    log.put(1, &lines);
    log.check(1, 7, FaultKind::LineInserted);
    let mut lines = good.clone();
    lines.insert(8, good[10].clone());
    log.put(1, &lines);
    log.check(1, 9, FaultKind::LineInserted);
}

#[tokio::test]
async fn a_removed_or_doubled_batch_is_named() {
    let log = three_batches().await;
    let good = log.lines(1);
    log.put(1, &[&good[..5], &good[9..]].concat());
    log.check(1, 6, FaultKind::BatchRemoved);
    log.put(1, &[&good[..8], &good[9..]].concat());
    log.check(1, 6, FaultKind::BatchRemoved);
    log.put(1, &[&good[..9], &good[5..]].concat());
    log.check(1, 10, FaultKind::LineInserted);
    log.put(1, &[&good[..5], &good[9..], &good[5..9]].concat());
    log.check(1, 6, FaultKind::BatchRemoved);
    log.put(1, &good[1..]);
    log.check(1, 1, FaultKind::LineRemoved);
}

#[tokio::test]
async fn a_removed_or_renamed_segment_is_named() {
    let log = three_segments().await;
    let (first, second, third) = (log.segment(1), log.segment(2), log.segment(3));
    let aside = log.place.folder.path().join("aside");
    std::fs::rename(&second, &aside).unwrap();
    log.check(2, 1, FaultKind::SegmentRemoved);
    std::fs::rename(&third, &second).unwrap();
    log.check(2, 1, FaultKind::SegmentRemoved);
    std::fs::rename(&second, &third).unwrap();
    std::fs::rename(&aside, &second).unwrap();
    std::fs::remove_file(&first).unwrap();
    log.check(1, 1, FaultKind::SegmentRemoved);
}

#[tokio::test]
async fn a_segment_without_its_end_is_named() {
    let log = three_segments().await;
    let good = log.lines(2);
    log.put(2, &good[..4]);
    log.check(3, 1, FaultKind::SegmentRemoved);
    log.put(2, &good[..3]);
    log.check(2, 2, FaultKind::SegmentRemoved);
    log.put(2, &[&good[..1], &good[4..]].concat());
    log.check(2, 2, FaultKind::BatchRemoved);
    std::fs::write(log.segment(2), "").unwrap();
    log.check(2, 1, FaultKind::TornTail);
}

#[tokio::test]
async fn what_another_key_signed_is_foreign() {
    let (log, other) = (three_batches().await, three_batches().await);
    std::fs::copy(other.segment(1), log.segment(1)).unwrap();
    log.check(1, 1, FaultKind::Foreign);
    // The same store's key, but another chain's segment beside it.
    let log = three_batches().await;
    let stray = log.place.log.folder.join(format!("zz{}-00000001.jsonl", log.head.node));
    std::fs::copy(log.segment(1), stray).unwrap();
    log.check(2, 1, FaultKind::SegmentRemoved);
}

/// Two histories that the same key signed, from one store that was copied, do not pass for one.
#[tokio::test]
async fn two_histories_of_one_key_cannot_be_mixed() {
    for segment_max_bytes in [1, 1_000_000] {
        let log = Log::of(&[2], segment_max_bytes).await;
        let start = (std::fs::read(log.place.path()).unwrap(), log.lines(1));
        let mut histories = Vec::new();
        for first in [200, 300] {
            std::fs::write(log.place.path(), &start.0).unwrap();
            log.place.segments().iter().skip(1).for_each(|path| std::fs::remove_file(path).unwrap());
            log.put(1, &start.1);
            let store = log.place.open();
            for n in [first, first + 1] {
                store.record(vec![event(n)]).await.unwrap();
                store.flush_log().await.unwrap();
            }
            let head = store.log_head().await.unwrap().unwrap();
            drop(store);
            let segments = log.place.segments().len();
            histories.push(((1..=segments).map(|n| log.lines(n)).collect::<Vec<_>>(), head));
        }
        let [(one, _), (other, head)] = histories.try_into().unwrap();
        if segment_max_bytes == 1 {
            log.put(2, &one[1]);
            log.put(1, &other[0]);
            log.check(2, 1, FaultKind::Foreign);
            continue;
        }
        log.put(1, &[&one[0][..6], &other[0][6..]].concat());
        log.check(1, 7, FaultKind::Foreign);
        log.put(1, &one[0]);
        assert_eq!(log.fault(None), None);
        let fault = log.fault(Some(&head)).unwrap();
        assert_eq!((fault.line, fault.kind), (8, FaultKind::TailCut), "{fault:?}");
    }
}

#[tokio::test]
async fn a_torn_tail_is_named_and_the_next_write_mends_it() {
    let log = three_batches().await;
    let good = log.lines(1);
    let half = [good.concat(), good[5].clone(), good[6].clone()].concat();
    std::fs::write(log.segment(1), &half).unwrap();
    log.check(1, 14, FaultKind::TornTail);
    std::fs::write(log.segment(1), half.strip_suffix("0}}}\n").unwrap_or(half.trim_end())).unwrap();
    log.check(1, 14, FaultKind::TornTail);

    let store = log.place.open();
    store.record(vec![event(900)]).await.unwrap();
    store.flush_log().await.unwrap();
    drop(store);
    let report = log.place.verify().await.unwrap();
    assert_eq!((report.batches, report.events), (4, 10));
    assert_eq!(log.lines(1)[..13], good[..]);
}

#[tokio::test]
async fn a_cut_tail_shows_only_beside_the_head() {
    let log = three_batches().await;
    let good = log.lines(1);
    log.put(1, &good[..9]);
    assert_eq!(log.fault(None), None, "a shorter log is a good log");
    let fault = log.fault(Some(&log.head)).unwrap();
    assert_eq!((fault.line, fault.kind), (9, FaultKind::TailCut));
    std::fs::remove_file(log.segment(1)).unwrap();
    assert_eq!(log.fault(None), None);
    assert_eq!(log.fault(Some(&log.head)).unwrap().kind, FaultKind::TailCut);
}

/// Whatever was done to the log, nothing is appended to it until it is as the store knows it.
#[tokio::test]
async fn a_log_that_was_cut_or_changed_is_not_written_on() {
    let log = three_batches().await;
    let good = log.lines(1);
    let mut changed = good.clone();
    changed[12] = changed[12].replacen("\"count\":3", "\"count\":2", 1);
    for bad in [good[..9].to_vec(), good[..12].to_vec(), changed, Vec::new()] {
        log.put(1, &bad);
        let store = log.place.open();
        store.record(vec![event(900)]).await.unwrap_or_default();
        let error = store.flush_log().await.unwrap_err();
        assert!(error.report.mend.iter().any(|mend| mend.contains("log verify")), "{error}");
        drop(store);
        assert_eq!(log.lines(1), bad);
    }
    // Put back, it goes on, and no event was lost or doubled.
    log.put(1, &good);
    let store = log.place.open();
    store.flush_log().await.unwrap();
    drop(store);
    assert_eq!(log.place.verify().await.unwrap().events, 10);
}

/// A long line costs no memory, and a file that is not a segment is not looked at.
#[tokio::test]
async fn hostile_files_are_bounded() {
    let log = three_batches().await;
    let mut text = log.lines(1).concat();
    text.push_str(&"x".repeat(store::log::LINE_MAX_BYTES * 3));
    std::fs::write(log.segment(1), text).unwrap();
    log.check(1, 14, FaultKind::LineChanged);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "a-1.jsonl", "a-00000001.json", "-00000001.jsonl", "a/"] {
        if let Some(name) = name.strip_suffix('/') {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        } else {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
    }
    assert_eq!(verify(folder.path(), &log.key, None).unwrap().segments, 0);
    std::fs::create_dir(folder.path().join("a-00000001.jsonl")).unwrap();
    let error = verify(folder.path(), &log.key, None).unwrap_err();
    assert_eq!(error.kind, VerifyErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_store_is_not_made_over_a_log_that_is_there() {
    let log = three_batches().await;
    let path = log.place.folder.path().join("other/keywright.db");
    let key = MasterKey::generate().unwrap();
    let config = LogConfig::new(&log.place.log.folder);
    let error = SqliteStore::create(&path, &key, &config).err().unwrap();
    assert_eq!(error.kind, model::StoreErrorKind::Exists, "{error}");
    assert!(!path.exists());
}
