//! The schema: numbered migrations, in one transaction under a lock that all processes on the database heed.

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};

use super::connect::{Conn, get};
use crate::error::{Constraint, exists, not_found};

/// In order. What was released is never changed.
const MIGRATIONS: [(i64, &str); 1] = [(1, include_str!("schema/0001.sql"))];
const NEWEST: i64 = 1;
/// Who makes or changes the schema holds it.
const SCHEMA: i64 = 0x4b79_7772_0000_0002;

/// Makes the schema where there is none, in the caller's transaction.
pub(crate) async fn make(conn: &Conn, shown: &str) -> Result<(), StoreError> {
    lock(conn).await?;
    if version(conn).await?.is_some() {
        return Err(exists(format!("there is a store at `{shown}` already")));
    }
    let there = conn.row("SELECT 1 FROM pg_namespace WHERE nspname = 'keywright'", &[]).await?;
    if there.is_none() {
        conn.batch("CREATE SCHEMA keywright").await?;
    }
    conn.batch(
        "CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (0)",
    )
    .await?;
    migrate(conn, 0).await
}

/// Brings an old schema up to date, in the caller's transaction; refuses one that is newer, or none.
pub(crate) async fn bring_up_to_date(conn: &Conn, shown: &str) -> Result<(), StoreError> {
    if checked(conn, shown).await? == NEWEST {
        return Ok(());
    }
    lock(conn).await?;
    // Another process may have done it while we waited for the lock.
    let version = checked(conn, shown).await?;
    migrate(conn, version).await
}

async fn lock(conn: &Conn) -> Result<(), StoreError> {
    conn.batch(&format!("SELECT pg_advisory_xact_lock({SCHEMA})")).await
}

async fn migrate(conn: &Conn, version: i64) -> Result<(), StoreError> {
    for (number, script) in MIGRATIONS {
        if number > version {
            conn.batch(script).await?;
            let sql = "UPDATE schema_version SET version = $1";
            conn.execute(Constraint::NONE, sql, &[&number]).await?;
        }
    }
    Ok(())
}

/// `None` if there is no store.
async fn version(conn: &Conn) -> Result<Option<i64>, StoreError> {
    let there = "SELECT to_regclass('keywright.schema_version') IS NOT NULL";
    let Some(row) = conn.row(there, &[]).await? else { return Ok(None) };
    if !get::<bool>(&row, 0)? {
        return Ok(None);
    }
    let row = conn.row("SELECT version FROM schema_version", &[]).await?;
    row.map(|row| get(&row, 0)).transpose()
}

async fn checked(conn: &Conn, shown: &str) -> Result<i64, StoreError> {
    let Some(version) = version(conn).await? else {
        let mut error = not_found(format!("there is no store at `{shown}`"));
        error.report.mend.push("keywright init".to_owned());
        return Err(error);
    };
    if version > NEWEST {
        let what = format!("the store `{shown}` was made by a newer Keywright");
        let report = Report::new(Blame::Operator, Retry::AfterFix, what)
            .because(format!("its schema has version {version}, this program knows up to {NEWEST}"))
            .mend("use the newer Keywright, or put the store back from a backup made before the upgrade");
        return Err(StoreError::new(StoreErrorKind::Schema, report));
    }
    Ok(version)
}
