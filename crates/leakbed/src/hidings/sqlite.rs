//! Keys in `SQLite` databases, in rows that are there and in rows that were deleted.
use super::archives::gzip;
use super::encoded::dotenv;
use crate::chance::Chance;
use crate::hiding::Hiding;
use crate::trouble::{Doing as _, Result, Trouble};
use rusqlite::{Connection, params};

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::bytes("sqlite_row", "database.sqlite", &["sqlite"], |k, c| with_row(k, "", c)),
    Hiding::bytes("sqlite_row", "other.db", &["sqlite"], |k, c| {
        with_row(&format!("{{\"key\":\"{k}\"}}"), "", c)
    }),
    Hiding::bytes("sqlite_overflow", "long.sqlite", &["sqlite"], over_pages),
    Hiding::bytes("sqlite_overflow", "longer.sqlite", &["sqlite"], |k, c| {
        let value = format!("{}{k} {}", c.prose(30_000), c.prose(9000));
        with_row(&value, "", c)
    }),
    Hiding::bytes("sqlite_deleted", "deleted.sqlite", &["sqlite_free"], |k, c| {
        with_row(k, "DELETE FROM keys WHERE label = 'planted'", c)
    }),
    Hiding::bytes("sqlite_deleted", "dropped.sqlite", &["sqlite_free"], |k, c| {
        with_row(k, "DROP TABLE keys", c)
    }),
    Hiding::bytes("sqlite_deleted_overflow", "deleted-long.sqlite", &["sqlite_free"], |k, c| {
        let value = format!("{}{k}\n{}", c.prose(9000), c.prose(9000));
        let bytes = with_row(&value, "DELETE FROM keys WHERE label = 'planted'", c)?;
        if holds(&bytes, k) { Ok(bytes) } else { over_one_page_deleted(k, c) }
    })
    .extra(),
    Hiding::bytes("sqlite_utf16", "wide.sqlite", &["sqlite", "utf16le"], |k, c| {
        made("PRAGMA encoding = 'UTF-16le'", k.as_bytes(), "", Value::Text, c)
    })
    .extra(),
    Hiding::bytes("sqlite_blob", "cache.sqlite", &["sqlite", "gzip"], |k, c| {
        made("", &gzip(&dotenv(k)), "", Value::Blob, c)
    })
    .extra(),
    Hiding::bytes("sqlite_in_gzip", "database.sqlite.gz", &["gzip", "sqlite"], |k, c| {
        Ok(gzip(&with_row(k, "", c)?))
    })
    .extra(),
    Hiding::bytes("sqlite_write_ahead", "live.sqlite-wal", &["sqlite_wal"], write_ahead).extra().unsteady(),
];

#[derive(Debug, Clone, Copy)]
enum Value {
    Text,
    Blob,
}

fn with_row(value: &str, then: &str, chance: &mut Chance) -> Result<Vec<u8>> {
    made("", value.as_bytes(), then, Value::Text, chance)
}

/// The key begins in one overflow page and ends in the next: nowhere in the file is it in one piece.
fn over_pages(key: &str, chance: &mut Chance) -> Result<Vec<u8>> {
    let filler = chance.prose(12_000);
    for cut in (0..4096).step_by(key.len() / 3) {
        let value = format!("{} {key} {}", filler.get(cut..).unwrap_or_default(), &filler);
        let bytes = with_row(&value, "", &mut chance.clone())?;
        if !holds(&bytes, key) {
            return Ok(bytes);
        }
    }
    Err(Trouble::new("a row that lies over two pages", "no length of filler did it"))
}

fn over_one_page_deleted(key: &str, chance: &mut Chance) -> Result<Vec<u8>> {
    let filler = chance.prose(12_000);
    for cut in (0..4096).step_by(key.len() / 3) {
        let value = format!("{} {key} {}", filler.get(cut..).unwrap_or_default(), &filler);
        let bytes = with_row(&value, "DELETE FROM keys WHERE label = 'planted'", &mut chance.clone())?;
        if holds(&bytes, key) {
            return Ok(bytes);
        }
    }
    Err(Trouble::new("a deleted row in one piece", "no length of filler did it"))
}

fn holds(bytes: &[u8], key: &str) -> bool {
    bytes.windows(key.len()).any(|window| window == key.as_bytes())
}

fn made(first: &str, value: &[u8], then: &str, form: Value, chance: &mut Chance) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().doing("a folder for a database")?;
    let path = folder.path().join("db");
    let database = Connection::open(&path).doing("a database")?;
    fill(&database, first, value, form, chance).doing("rows of a database")?;
    database.execute_batch(then).doing("deleting rows")?;
    drop(database);
    std::fs::read(&path).doing("the database's file")
}

fn fill(
    database: &Connection,
    first: &str,
    value: &[u8],
    form: Value,
    chance: &mut Chance,
) -> rusqlite::Result<()> {
    database.execute_batch("PRAGMA synchronous = OFF")?;
    database.execute_batch(first)?;
    database.execute_batch(
        "PRAGMA page_size = 4096; PRAGMA secure_delete = OFF; PRAGMA auto_vacuum = NONE;
         CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
         CREATE TABLE keys (id INTEGER PRIMARY KEY, label TEXT, value TEXT);
         BEGIN;",
    )?;
    for id in 0..40 {
        let (name, label) = (chance.base62(12), chance.base62(8));
        database.execute("INSERT INTO users VALUES (?1, ?2)", params![id, name])?;
        let (label, value) = if id == 20 { ("planted", Some(value)) } else { (label.as_str(), None) };
        let text = value.map(|value| String::from_utf8_lossy(value).into_owned());
        match (form, value) {
            (Value::Blob, Some(value)) => {
                database.execute("INSERT INTO keys VALUES (?1, ?2, ?3)", params![id, label, value])?
            }
            _ => database.execute("INSERT INTO keys VALUES (?1, ?2, ?3)", params![id, label, text])?,
        };
    }
    database.execute_batch("COMMIT")
}

/// The log of a database that is in use: the row is nowhere else. Its salt differs from run to run.
fn write_ahead(key: &str, _: &mut Chance) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().doing("a folder for a database")?;
    let path = folder.path().join("db");
    let database = Connection::open(&path).doing("a database")?;
    let write = "PRAGMA journal_mode = WAL; CREATE TABLE keys (id INTEGER PRIMARY KEY, value TEXT);";
    database.execute_batch(write).doing("a write-ahead log")?;
    database.execute("INSERT INTO keys VALUES (1, ?1)", params![key]).doing("a row")?;
    std::fs::read(folder.path().join("db-wal")).doing("the write-ahead log")
}
