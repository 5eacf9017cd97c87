//! Another master key: every sealed value is opened and sealed again, in one transaction.

use model::StoreError;
use rusqlite::{Connection, params};

use super::meta;
use super::records::execute;
use crate::MasterKey;
use crate::error::{Constraint, sqlite};
use crate::identity::rekeyed;
use crate::rows::{previous_place, sealed_place, secret_place};
use crate::seal::Sealer;

/// All or nothing.
pub(crate) fn rekey(conn: &Connection, old: &Sealer, new: &MasterKey) -> Result<(), StoreError> {
    meta::check(conn, old.mark())?;
    let next = old.under(new);
    for (name, _, sealed) in values(conn, "SELECT name, 0, value FROM sealed")? {
        let sealed = old.reseal(sealed_place(&name), &sealed, &next)?;
        let sql = "UPDATE sealed SET value = ?2 WHERE name = ?1";
        execute(conn, Constraint::NONE, sql, params![name, sealed])?;
    }
    for (id, _, sealed) in values(conn, "SELECT id, 0, secret FROM key WHERE secret IS NOT NULL")? {
        let sealed = old.reseal(secret_place(&id), &sealed, &next)?;
        let sql = "UPDATE key SET secret = ?2 WHERE id = ?1";
        execute(conn, Constraint::NONE, sql, params![id, sealed])?;
    }
    let held = "SELECT rotation, number, previous FROM rotation_step WHERE previous IS NOT NULL";
    for (rotation, number, sealed) in values(conn, held)? {
        let sealed = old.reseal(previous_place(&format!("{rotation}/{number}")), &sealed, &next)?;
        let sql = "UPDATE rotation_step SET previous = ?3 WHERE rotation = ?1 AND number = ?2";
        execute(conn, Constraint::NONE, sql, params![rotation, number, sealed])?;
    }
    meta::write(conn, &rekeyed(&meta::read(conn)?, old, new)?)
}

/// Rows of a name, a number, and what is sealed.
fn values(conn: &Connection, sql: &str) -> Result<Vec<(String, u32, Vec<u8>)>, StoreError> {
    let mut statement = conn.prepare(sql).map_err(|error| sqlite(&error))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let rows = rows.map_err(|error| sqlite(&error))?;
    rows.collect::<rusqlite::Result<_>>().map_err(|error| sqlite(&error))
}
