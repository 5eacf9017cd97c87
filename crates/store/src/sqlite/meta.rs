//! The table `meta`: reading and writing the store's identity, and who may still write.

use model::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::KeyMark;
use crate::error::sqlite;
use crate::identity::{KEY_ID, MOVED, MOVING, Meta, check_here, check_key};

/// All of it.
pub(crate) fn read(conn: &Connection) -> Result<Meta, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT name, value FROM meta").map_err(|error| sqlite(&error))?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(|error| sqlite(&error))?;
    rows.collect::<rusqlite::Result<Meta>>().map_err(|error| sqlite(&error))
}

/// Writes rows, in the place of those of the same names.
pub(crate) fn write(conn: &Connection, meta: &Meta) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    for (name, value) in meta {
        conn.execute(sql, params![name, value]).map_err(|error| sqlite(&error))?;
    }
    Ok(())
}

/// Removes a row, if it is there.
pub(crate) fn forget(conn: &Connection, name: &str) -> Result<(), StoreError> {
    conn.execute("DELETE FROM meta WHERE name = ?1", [name]).map(|_rows| ()).map_err(|error| sqlite(&error))
}

/// The store is still here, and still under this master key; said in a write, it holds until that ends.
pub(crate) fn check(conn: &Connection, mark: KeyMark) -> Result<(), StoreError> {
    check_not_moved(conn)?;
    check_key(mark, &value(conn, KEY_ID)?.unwrap_or_default())
}

/// The store is still here.
pub(crate) fn check_not_moved(conn: &Connection) -> Result<(), StoreError> {
    check_here(value(conn, MOVED)?.as_deref(), value(conn, MOVING)?.as_deref())
}

fn value(conn: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .map_err(|error| sqlite(&error))
}
