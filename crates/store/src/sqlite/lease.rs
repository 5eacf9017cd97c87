//! Leases: who drives a rotation, and the fence that proves it.

use model::{Fence, RotationId, StoreError, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::records::execute;
use crate::error::{Constraint, lease_lost, not_found, sqlite};
use crate::rows::{HeldBy, check_open, fence_passed, held, same_holder};

struct Row {
    status: String,
    fence: u64,
    held: Option<(String, i64)>,
}

fn row(conn: &Connection, id: RotationId) -> Result<Option<Row>, StoreError> {
    let sql = "SELECT status, fence, holder, lease_until FROM rotation WHERE id = ?1";
    conn.prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_row([id.to_string()], |row| {
                    let held = row.get::<_, Option<String>>(2)?.zip(row.get(3)?);
                    Ok(Row { status: row.get(0)?, fence: row.get(1)?, held })
                })
                .optional()
        })
        .map_err(|error| sqlite(&error))
}

/// The fence is the rotation's newest, and the rotation is open.
pub(crate) fn check_newest(conn: &Connection, fence: &Fence) -> Result<(), StoreError> {
    let id = fence.rotation;
    let row = row(conn, id)?.ok_or_else(|| not_found(format!("there is no rotation `{id}`")))?;
    check_open(id, &row.status)?;
    if row.fence == fence.number {
        return Ok(());
    }
    Err(fence_passed(fence, row.fence))
}

pub(crate) fn take(
    conn: &Connection,
    id: RotationId,
    by: &HeldBy,
    now: Timestamp,
    over: Option<Fence>,
) -> Result<Fence, StoreError> {
    let row = row(conn, id)?.ok_or_else(|| not_found(format!("there is no rotation `{id}`")))?;
    check_open(id, &row.status)?;
    let newest = Fence { rotation: id, number: row.fence };
    if let Some((holder, until)) = &row.held {
        let ours = same_holder(id, holder, &by.holder)?;
        if !ours && now.as_microsecond() < *until && over != Some(newest) {
            return Err(held(newest, holder, *until));
        }
    }
    let sql = "UPDATE rotation SET fence = fence + 1, holder = ?2, lease_until = ?3 WHERE id = ?1";
    execute(conn, Constraint::NONE, sql, params![id.to_string(), by.holder, by.until])?;
    Ok(Fence { rotation: id, number: row.fence + 1 })
}

pub(crate) fn renew(conn: &Connection, fence: &Fence, until: i64) -> Result<(), StoreError> {
    check_newest(conn, fence)?;
    let sql = "UPDATE rotation SET lease_until = ?3 WHERE id = ?1 AND fence = ?2 AND holder IS NOT NULL";
    let params = params![fence.rotation.to_string(), fence.number, until];
    match execute(conn, Constraint::NONE, sql, params)? {
        0 => Err(lease_lost(format!("the lease of rotation `{}` was given back", fence.rotation))),
        _ => Ok(()),
    }
}

pub(crate) fn release(conn: &Connection, fence: &Fence) -> Result<(), StoreError> {
    let sql = "UPDATE rotation SET holder = NULL, lease_until = NULL WHERE id = ?1 AND fence = ?2";
    let params = params![fence.rotation.to_string(), fence.number];
    execute(conn, Constraint::NONE, sql, params).map(|_rows| ())
}
