//! The schema: numbered migrations, each in one transaction.

use std::path::Path;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};
use rusqlite::{Connection, TransactionBehavior};

use crate::error::sqlite;

/// `Kywr`, in the header of our files.
const APPLICATION_ID: i32 = 0x4b79_7772;

/// In order. What was released is never changed.
const MIGRATIONS: [(i64, &str); 2] =
    [(1, include_str!("schema/0001.sql")), (2, include_str!("schema/0002.sql"))];

/// The schema's version, as the file says it.
const NEWEST: i64 = 2;

/// Makes the schema of a new file, in the caller's transaction.
pub(crate) fn make(conn: &Connection) -> Result<(), StoreError> {
    set_pragma(conn, "application_id", i64::from(APPLICATION_ID))?;
    migrate(conn, 0)
}

/// Brings an old schema up to date; refuses one that is newer or not ours.
pub(crate) fn bring_up_to_date(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if checked_version(conn, path)? == NEWEST {
        return Ok(());
    }
    let transaction =
        conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| sqlite(&error))?;
    // Another process may have done it while we waited for the lock.
    let version = checked_version(&transaction, path)?;
    migrate(&transaction, version)?;
    transaction.commit().map_err(|error| sqlite(&error))
}

fn migrate(conn: &Connection, version: i64) -> Result<(), StoreError> {
    for (number, script) in MIGRATIONS {
        if number > version {
            conn.execute_batch(script).map_err(|error| sqlite(&error))?;
            set_pragma(conn, "user_version", number)?;
        }
    }
    Ok(())
}

fn checked_version(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let shown = path.display();
    let refused = |report| Err(StoreError::new(StoreErrorKind::Schema, report));
    if pragma(conn, "application_id")? != i64::from(APPLICATION_ID) {
        let what = format!("`{shown}` is not a store of Keywright");
        let report = Report::new(Blame::Operator, Retry::AfterFix, what).mend("keywright init");
        return refused(report);
    }
    let version = pragma(conn, "user_version")?;
    if version > NEWEST {
        let what = format!("the store `{shown}` was made by a newer Keywright");
        let report = Report::new(Blame::Operator, Retry::AfterFix, what)
            .because(format!("its schema has version {version}, this program knows up to {NEWEST}"))
            .mend("use the newer Keywright, or put the store back from a backup made before the upgrade");
        return refused(report);
    }
    if version < 1 {
        let what = format!("the store `{shown}` has no schema");
        return refused(Report::new(Blame::Operator, Retry::AfterFix, what).mend("keywright init"));
    }
    Ok(version)
}

fn pragma(conn: &Connection, name: &str) -> Result<i64, StoreError> {
    conn.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| sqlite(&error))
}

fn set_pragma(conn: &Connection, name: &str, value: i64) -> Result<(), StoreError> {
    conn.pragma_update(None, name, value).map_err(|error| sqlite(&error))
}
