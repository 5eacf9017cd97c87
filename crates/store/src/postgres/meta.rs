//! The table `meta`: reading and writing the store's identity, and who may still write.

use model::StoreError;
use tokio_postgres::Row;

use super::connect::{Conn, get};
use crate::KeyMark;
use crate::error::{Constraint, corrupt};
use crate::identity::{KEY_ID, MOVED, MOVING, Meta, check_here, check_key};

/// All of it.
pub(crate) async fn read(conn: &Conn) -> Result<Meta, StoreError> {
    let rows = conn.rows("SELECT name, value FROM meta", &[]).await?;
    rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect()
}

/// Writes rows, in the place of those of the same names.
pub(crate) async fn write(conn: &Conn, meta: &Meta) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    for (name, value) in meta {
        conn.execute(Constraint::NONE, sql, &[name, value]).await?;
    }
    Ok(())
}

/// Removes a row, if it is there.
pub(crate) async fn forget(conn: &Conn, name: &str) -> Result<(), StoreError> {
    conn.execute(Constraint::NONE, "DELETE FROM meta WHERE name = $1", &[&name]).await.map(|_rows| ())
}

/// The store is still here, and still under this master key. Said under the writers' lock, it holds until the
/// transaction ends.
pub(crate) async fn check(conn: &Conn, mark: KeyMark) -> Result<(), StoreError> {
    let row = marks(conn).await?;
    check_here(get::<Option<&[u8]>>(&row, 1)?, get::<Option<&[u8]>>(&row, 2)?)?;
    check_key(mark, get::<Option<&[u8]>>(&row, 0)?.unwrap_or_default())
}

/// The store is still here.
pub(crate) async fn check_not_moved(conn: &Conn) -> Result<(), StoreError> {
    let row = marks(conn).await?;
    check_here(get::<Option<&[u8]>>(&row, 1)?, get::<Option<&[u8]>>(&row, 2)?)
}

async fn marks(conn: &Conn) -> Result<Row, StoreError> {
    let sql = "SELECT (SELECT value FROM meta WHERE name = $1), (SELECT value FROM meta WHERE name = $2),
        (SELECT value FROM meta WHERE name = $3)";
    let row = conn.row(sql, &[&KEY_ID, &MOVED, &MOVING]).await?;
    row.ok_or_else(|| corrupt("meta", "it cannot be read"))
}
