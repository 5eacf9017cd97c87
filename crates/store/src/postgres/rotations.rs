//! Rotations: beginning one, changing its journal, reading it.

use model::{
    Change, Fence, Rotation, RotationId, RotationStatus, StartOutcome, Step, StepState, StoreError, Timestamp,
};
use tokio_postgres::Row;

use super::connect::{Conn, get};
use super::lease;
use super::records::{add_key, erase_secret, one, put_integration, put_key};
use crate::error::{Constraint, bug, corrupt, illegal, not_found};
use crate::rows::{Sealed, Start, check_step, found, from_json, header_json, previous_row, state, step_json};

/// Begins it, or writes nothing.
pub(crate) async fn start(conn: &Conn, start: &Start) -> Result<StartOutcome, StoreError> {
    let rotation = &start.rotation;
    let open = lock_open_of(conn, rotation.integration.as_str()).await?;
    match open {
        Some(open) if start.supersede == Some(open) => supersede(conn, open, rotation.started_at).await?,
        Some(open) => return Ok(StartOutcome::AlreadyOpen(open)),
        None => {}
    }
    start.check(open)?;
    if let Some(integration) = &start.integration {
        put_integration(conn, integration).await?;
    }
    let id = rotation.id.to_string();
    let on = Constraint {
        missing: &format!("there is no integration `{}`", rotation.integration),
        taken: &format!("there is a rotation `{id}` already"),
    };
    let sql = "INSERT INTO rotation (id, integration, status, started_at, fence, holder, lease_until, record)
        VALUES ($1, $2, $3, $4, 1, $5, $6, $7)";
    let held = start.adopt.is_none();
    let (holder, until) = (held.then_some(&start.held_by.holder), held.then_some(start.held_by.until));
    let (integration, status) = (rotation.integration.as_str(), rotation.status.as_str());
    let (started_at, json) = (rotation.started_at.as_microsecond(), header_json(rotation)?);
    conn.execute(on, sql, &[&id, &integration, &status, &started_at, &holder, &until, &json]).await?;
    match &start.adopt {
        None => add_steps(conn, rotation.id, &rotation.steps).await?,
        Some((key, sealed)) => {
            insert_steps(conn, rotation.id, 0, &rotation.steps).await?;
            add_key(conn, key, sealed).await?;
        }
    }
    Ok(StartOutcome::Started(Fence { rotation: rotation.id, number: 1 }))
}

/// Writes changes under a fence.
pub(crate) async fn commit(
    conn: &Conn,
    fence: &Fence,
    changes: Vec<(Change, Option<Sealed>)>,
) -> Result<(), StoreError> {
    lease::check_newest(conn, fence).await?;
    for (change, sealed) in changes {
        apply(conn, fence.rotation, change, sealed.as_deref()).await?;
    }
    Ok(())
}

async fn apply(
    conn: &Conn,
    rotation: RotationId,
    change: Change,
    sealed: Option<&[u8]>,
) -> Result<(), StoreError> {
    match change {
        Change::Rotation(header) => put_header(conn, rotation, &header).await,
        Change::StepsAdded(steps) => add_steps(conn, rotation, &steps).await,
        Change::Step(step) => put_step(conn, rotation, &step).await,
        Change::Previous { step, .. } => {
            let sql = "UPDATE rotation_step SET previous = $3 WHERE rotation = $1 AND number = $2";
            let params = (rotation.to_string(), i64::from(step));
            let rows = conn.execute(Constraint::NONE, sql, &[&params.0, &params.1, &sealed]).await?;
            found(rows, || format!("rotation `{rotation}` has no step {step}"))
        }
        Change::KeyAdded(key, _) => add_key(conn, &key, sealed.unwrap_or_default()).await,
        Change::Key(key) => put_key(conn, &key).await,
        Change::SecretErased(id) => erase_secret(conn, id).await,
    }
}

/// The open rotation of an integration, its row locked. No other can begin until the transaction ends, even where
/// there is none whose row could be locked.
async fn lock_open_of(conn: &Conn, integration: &str) -> Result<Option<RotationId>, StoreError> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('keywright/rotation/' || $1, 0))";
    conn.rows(lock, &[&integration]).await?;
    let sql = "SELECT id FROM rotation
        WHERE integration = $1 AND status IN ('running', 'waiting', 'stalled', 'aborting')
        FOR NO KEY UPDATE";
    let Some(row) = conn.row(sql, &[&integration]).await? else { return Ok(None) };
    let id = get::<&str>(&row, 0)?.parse();
    id.map(Some).map_err(|_not_an_id| corrupt("rotation", "an id is not one"))
}

async fn supersede(conn: &Conn, id: RotationId, at: Timestamp) -> Result<(), StoreError> {
    let header = one::<Rotation>("rotation", &conn.rows(HEADER, &[&id.to_string()]).await?)?;
    let mut header = header.ok_or_else(|| not_found(format!("there is no rotation `{id}`")))?;
    header.status = RotationStatus::Superseded;
    header.finished_at = Some(at);
    header.next_try = None;
    put_header(conn, id, &header).await?;
    let sql = "UPDATE rotation SET fence = fence + 1 WHERE id = $1";
    conn.execute(Constraint::NONE, sql, &[&id.to_string()]).await.map(|_rows| ())
}

/// Replaces the header. A rotation that is over has no lease, and forgets what destinations held before.
async fn put_header(conn: &Conn, rotation: RotationId, header: &Rotation) -> Result<(), StoreError> {
    if header.id != rotation {
        return Err(bug(format!("rotation `{}` is changed under the lease of `{rotation}`", header.id)));
    }
    let id = rotation.to_string();
    let sql = "UPDATE rotation SET status = $2, record = $3 WHERE id = $1 AND integration = $4";
    let (integration, json) = (header.integration.as_str(), header_json(header)?);
    let rows =
        conn.execute(Constraint::NONE, sql, &[&id, &header.status.as_str(), &json, &integration]).await?;
    found(rows, || format!("there is no rotation `{id}` of integration `{}`", header.integration))?;
    if !header.status.is_open() {
        let end = "UPDATE rotation SET holder = NULL, lease_until = NULL WHERE id = $1";
        conn.execute(Constraint::NONE, end, &[&id]).await?;
        let forget = "UPDATE rotation_step SET previous = NULL WHERE rotation = $1 AND previous IS NOT NULL";
        conn.execute(Constraint::NONE, forget, &[&id]).await?;
    }
    Ok(())
}

async fn add_steps(conn: &Conn, rotation: RotationId, steps: &[Step]) -> Result<(), StoreError> {
    let id = rotation.to_string();
    let sql = "SELECT COALESCE(MAX(number) + 1, 0) FROM rotation_step WHERE rotation = $1";
    let row = conn.row(sql, &[&id]).await?;
    let first: i64 = row.as_ref().map_or(Ok(0), |row| get(row, 0))?;
    if let Some(step) = steps.iter().find(|step| step.state != StepState::Planned) {
        return Err(illegal(format!("step {} of rotation `{id}` begins as {:?}", step.number, step.state)));
    }
    insert_steps(conn, rotation, first, steps).await
}

async fn insert_steps(
    conn: &Conn,
    rotation: RotationId,
    first: i64,
    steps: &[Step],
) -> Result<(), StoreError> {
    let id = rotation.to_string();
    let sql = "INSERT INTO rotation_step (rotation, number, kind, state, record) VALUES ($1, $2, $3, $4, $5)";
    for (number, step) in (first..).zip(steps) {
        if i64::from(step.number) != number {
            return Err(illegal(format!("step {} of rotation `{id}` is not step {number}", step.number)));
        }
        let json = step_json(rotation, step)?;
        let params: [super::connect::Param<'_>; 5] =
            [&id, &number, &step.kind.as_str(), &state(step.state), &json];
        conn.execute(Constraint::NONE, sql, &params).await?;
    }
    Ok(())
}

async fn put_step(conn: &Conn, rotation: RotationId, step: &Step) -> Result<(), StoreError> {
    let id = rotation.to_string();
    let number = i64::from(step.number);
    let sql = "SELECT record FROM rotation_step WHERE rotation = $1 AND number = $2";
    let row = conn.row(sql, &[&id, &number]).await?;
    let row = row.ok_or_else(|| not_found(format!("rotation `{id}` has no step {number}")))?;
    let before: Step = from_json("rotation_step", &previous_row(rotation, step.number), get(&row, 0)?)?;
    check_step(rotation, &before, step)?;
    let sql = "UPDATE rotation_step SET state = $3, record = $4 WHERE rotation = $1 AND number = $2";
    let json = step_json(rotation, step)?;
    conn.execute(Constraint::NONE, sql, &[&id, &number, &state(step.state), &json]).await.map(|_rows| ())
}

const HEADER: &str = "SELECT id, record FROM rotation WHERE id = $1";

/// One rotation: its id, its header, and its steps in order, all of one moment.
pub(crate) const ONE: &str = "SELECT id, record, ARRAY(
        SELECT s.record FROM rotation_step s WHERE s.rotation = r.id ORDER BY s.number)
    FROM rotation r WHERE id = $1";

/// Oldest first.
pub(crate) const OPEN: &str = "SELECT id, record, ARRAY(
        SELECT s.record FROM rotation_step s WHERE s.rotation = r.id ORDER BY s.number)
    FROM rotation r WHERE status IN ('running', 'waiting', 'stalled', 'aborting') ORDER BY started_at, id";

/// Newest first.
pub(crate) const OF_INTEGRATION: &str = "SELECT id, record, ARRAY(
        SELECT s.record FROM rotation_step s WHERE s.rotation = r.id ORDER BY s.number)
    FROM rotation r WHERE integration = $1 ORDER BY started_at DESC, id DESC LIMIT $2";

/// Rotations, from rows as the queries above give them.
pub(crate) fn all(rows: &[Row]) -> Result<Vec<Rotation>, StoreError> {
    rows.iter()
        .map(|row| {
            let mut rotation: Rotation = from_json("rotation", get(row, 0)?, get(row, 1)?)?;
            for (number, json) in (0..).zip(get::<Vec<&str>>(row, 2)?) {
                let step = from_json("rotation_step", &previous_row(rotation.id, number), json)?;
                rotation.steps.push(step);
            }
            Ok(rotation)
        })
        .collect()
}
