use std::path::Path;

use rusqlite::{Connection, params};

use super::made::{gzip, key, tar, text};
use super::{contents, limits, search, secrets, whys, wrapping_of};
use crate::Why;
use crate::contents::Seen;

/// A row whose key lies across the border of each page that it spills to, for some of the lengths before it.
fn fill(database: &Connection) {
    database
        .execute_batch(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, body); CREATE INDEX by_body ON notes (body)",
        )
        .unwrap();
    for seed in 0..60 {
        let body =
            format!("{} {} {}", "a".repeat(usize::try_from(seed).unwrap() * 17), key(seed), "b".repeat(3000));
        database.execute("INSERT INTO notes (body) VALUES (?)", params![body]).unwrap();
    }
}

fn made(path: &Path, page_bytes: u32) -> Connection {
    let database = Connection::open(path).unwrap();
    database.execute_batch(&format!("PRAGMA page_size={page_bytes}; PRAGMA secure_delete=off")).unwrap();
    database
}

fn keys() -> Vec<String> {
    let mut keys: Vec<_> = (0..60).map(key).collect();
    keys.sort_unstable();
    keys
}

fn distinct(seen: &Seen) -> Vec<&str> {
    let mut secrets = secrets(seen);
    secrets.dedup();
    secrets
}

#[test]
fn rows_that_spill_over_pages_are_read_whole() {
    for page_bytes in [512, 1024, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        fill(&made(&path, page_bytes));
        let bytes = std::fs::read(&path).unwrap();
        // Without it, some lie across a border: else this would show nothing.
        let raw = contents(limits()).detector.search(&bytes).hits;
        assert!(
            page_bytes == 4096
                || (0..60).any(|seed| raw.iter().all(|hit| hit.token.secret.expose() != key(seed)))
        );
        let seen = search(&bytes);
        assert_eq!(distinct(&seen), keys(), "{page_bytes}");
        assert_eq!(seen.unread, []);
    }
}

#[test]
fn rows_that_were_deleted_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let database = made(&path, 1024);
    fill(&database);
    database.execute_batch("DROP TABLE notes").unwrap();
    drop(database);
    let bytes = std::fs::read(&path).unwrap();
    let found = distinct(&search(&bytes)).len();
    assert!(found > 50, "{found}");
}

#[test]
fn write_ahead_logs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let database = made(&path, 1024);
    database.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0").unwrap();
    fill(&database);
    let log = std::fs::read(folder.path().join("data-wal")).unwrap();
    let seen = search(&log);
    assert_eq!(distinct(&seen), keys());
    assert_eq!(seen.unread, []);
}

#[test]
fn archives_in_blobs_are_unpacked() {
    for filler in [0, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let database = made(&path, 4096);
        database
            .execute_batch("CREATE TABLE files (id INTEGER, name TEXT, size REAL, content BLOB, x)")
            .unwrap();
        let noise: Vec<u8> =
            (0..filler).flat_map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let blob = gzip(&tar(&[("noise", &noise), ("a", &text(1))]));
        database.execute("INSERT INTO files VALUES (1, 'n', 2.5, ?, 7)", params![blob]).unwrap();
        drop(database);
        let seen = search(&std::fs::read(&path).unwrap());
        assert_eq!(seen.sightings.iter().map(wrapping_of).collect::<Vec<_>>(), ["sqlite gzip tar:a"]);
        assert_eq!(seen.unread, []);
    }
}

#[test]
fn rings_of_pages_and_damaged_headers_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    fill(&made(&path, 1024));
    let sound = std::fs::read(&path).unwrap();
    let mut ring = sound.clone();
    // Each page says that it goes on with the third.
    for page in ring.chunks_mut(1024).skip(1).filter(|page| page[0] == 0) {
        page[..4].copy_from_slice(&3_u32.to_be_bytes());
    }
    search(&ring);

    let mut damaged = sound;
    damaged[16..18].copy_from_slice(&[3, 7]);
    assert!(matches!(whys(&search(&damaged))[..], [Why::Broken(_)]));
}

/// A page of 64 KiB, most of it pointers to one record of nearly its size: read each time, it would be 1.6 GB.
#[test]
fn records_that_lie_over_each_other_are_bounded() {
    let mut page = vec![0; 1 << 16];
    page[..16].copy_from_slice(b"SQLite format 3\0");
    page[16..18].copy_from_slice(&[0, 1]);
    page[100] = 0x0d;
    page[103..105].copy_from_slice(&28_672_u16.to_be_bytes());
    for pointer in page[108..108 + 2 * 28_672].chunks_exact_mut(2) {
        pointer.copy_from_slice(&5_000_u16.to_be_bytes());
    }
    // Its size, of which 57,199 bytes are on the page, and its row.
    page[5_000..5_004].copy_from_slice(&[0x87, 0xbe, 0x6b, 1]);
    let seen = search(&page);
    assert!(seen.tally.bytes < 1 << 20, "{}", seen.tally.bytes);
    assert!(matches!(whys(&seen)[..], [Why::Broken(_)]), "{:?}", seen.unread);
}
