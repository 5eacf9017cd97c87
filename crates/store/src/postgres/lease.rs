//! Leases: who drives a rotation, and the fence that proves it. The rotation's row is locked from the look at its
//! fence until the transaction ends.

use model::{Fence, RotationId, StoreError, Timestamp};

use super::connect::{Conn, get, signed, unsigned};
use crate::error::{Constraint, lease_lost, not_found};
use crate::rows::{HeldBy, check_open, fence_passed, held, same_holder};

struct Row {
    status: String,
    fence: u64,
    held: Option<(String, i64)>,
}

async fn lock(conn: &Conn, id: RotationId) -> Result<Row, StoreError> {
    let sql = "SELECT status, fence, holder, lease_until FROM rotation WHERE id = $1 FOR NO KEY UPDATE";
    let row = conn.row(sql, &[&id.to_string()]).await?;
    let row = row.ok_or_else(|| not_found(format!("there is no rotation `{id}`")))?;
    let held = get::<Option<String>>(&row, 2)?.zip(get(&row, 3)?);
    Ok(Row { status: get(&row, 0)?, fence: unsigned("rotation", get(&row, 1)?)?, held })
}

/// The fence is the rotation's newest, and the rotation is open.
pub(crate) async fn check_newest(conn: &Conn, fence: &Fence) -> Result<(), StoreError> {
    let row = lock(conn, fence.rotation).await?;
    check_open(fence.rotation, &row.status)?;
    if row.fence == fence.number { Ok(()) } else { Err(fence_passed(fence, row.fence)) }
}

pub(crate) async fn take(
    conn: &Conn,
    id: RotationId,
    by: &HeldBy,
    now: Timestamp,
    over: Option<Fence>,
) -> Result<Fence, StoreError> {
    let row = lock(conn, id).await?;
    check_open(id, &row.status)?;
    let newest = Fence { rotation: id, number: row.fence };
    if let Some((holder, until)) = &row.held {
        let ours = same_holder(id, holder, &by.holder)?;
        if !ours && now.as_microsecond() < *until && over != Some(newest) {
            return Err(held(newest, holder, *until));
        }
    }
    let sql = "UPDATE rotation SET fence = fence + 1, holder = $2, lease_until = $3 WHERE id = $1";
    conn.execute(Constraint::NONE, sql, &[&id.to_string(), &by.holder, &by.until]).await?;
    Ok(Fence { rotation: id, number: row.fence + 1 })
}

pub(crate) async fn renew(conn: &Conn, fence: &Fence, until: i64) -> Result<(), StoreError> {
    check_newest(conn, fence).await?;
    let sql = "UPDATE rotation SET lease_until = $3 WHERE id = $1 AND fence = $2 AND holder IS NOT NULL";
    let params = (fence.rotation.to_string(), signed(fence.number)?);
    match conn.execute(Constraint::NONE, sql, &[&params.0, &params.1, &until]).await? {
        0 => Err(lease_lost(format!("the lease of rotation `{}` was given back", fence.rotation))),
        _ => Ok(()),
    }
}

pub(crate) async fn release(conn: &Conn, fence: &Fence) -> Result<(), StoreError> {
    let sql = "UPDATE rotation SET holder = NULL, lease_until = NULL WHERE id = $1 AND fence = $2";
    let params = (fence.rotation.to_string(), signed(fence.number)?);
    conn.execute(Constraint::NONE, sql, &[&params.0, &params.1]).await.map(|_rows| ())
}
