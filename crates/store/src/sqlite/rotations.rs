//! Rotations: beginning one, changing its journal, reading it.

use model::{
    Change, Fence, Rotation, RotationId, RotationStatus, StartOutcome, Step, StepState, StoreError, Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use super::lease;
use super::records::{add_key, erase_secret, execute, put_integration, put_key, select};
use crate::error::{Constraint, bug, illegal, not_found, sqlite};
use crate::rows::{Sealed, Start, check_step, found, from_json, header_json, previous_row, state, step_json};

/// Begins it, or writes nothing.
pub(crate) fn start(conn: &Connection, start: &Start) -> Result<StartOutcome, StoreError> {
    let rotation = &start.rotation;
    let open = open_of(conn, rotation.integration.as_str())?;
    match open {
        Some(open) if start.supersede == Some(open) => supersede(conn, open, rotation.started_at)?,
        Some(open) => return Ok(StartOutcome::AlreadyOpen(open)),
        None => {}
    }
    start.check(open)?;
    if let Some(integration) = &start.integration {
        put_integration(conn, integration)?;
    }
    let id = rotation.id.to_string();
    let on = Constraint {
        missing: &format!("there is no integration `{}`", rotation.integration),
        taken: &format!("there is a rotation `{id}` already"),
    };
    let sql = "INSERT INTO rotation (id, integration, status, started_at, fence, holder, lease_until, record)
        VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7)";
    let params = params![
        id,
        rotation.integration.as_str(),
        rotation.status.as_str(),
        rotation.started_at.as_microsecond(),
        start.adopt.is_none().then_some(&start.held_by.holder),
        start.adopt.is_none().then_some(start.held_by.until),
        header_json(rotation)?
    ];
    execute(conn, on, sql, params)?;
    match &start.adopt {
        None => add_steps(conn, rotation.id, &rotation.steps)?,
        Some((key, sealed)) => {
            insert_steps(conn, rotation.id, 0, &rotation.steps)?;
            add_key(conn, key, sealed)?;
        }
    }
    Ok(StartOutcome::Started(Fence { rotation: rotation.id, number: 1 }))
}

/// Writes changes under a fence.
pub(crate) fn commit(
    conn: &Connection,
    fence: &Fence,
    changes: Vec<(Change, Option<Sealed>)>,
) -> Result<(), StoreError> {
    lease::check_newest(conn, fence)?;
    for (change, sealed) in changes {
        apply(conn, fence.rotation, change, sealed.as_deref())?;
    }
    Ok(())
}

fn apply(
    conn: &Connection,
    rotation: RotationId,
    change: Change,
    sealed: Option<&[u8]>,
) -> Result<(), StoreError> {
    match change {
        Change::Rotation(header) => put_header(conn, rotation, &header),
        Change::StepsAdded(steps) => add_steps(conn, rotation, &steps),
        Change::Step(step) => put_step(conn, rotation, &step),
        Change::Previous { step, .. } => {
            let sql = "UPDATE rotation_step SET previous = ?3 WHERE rotation = ?1 AND number = ?2";
            let rows = execute(conn, Constraint::NONE, sql, params![rotation.to_string(), step, sealed])?;
            found(rows, || format!("rotation `{rotation}` has no step {step}"))
        }
        Change::KeyAdded(key, _) => add_key(conn, &key, sealed.unwrap_or_default()),
        Change::Key(key) => put_key(conn, &key),
        Change::SecretErased(id) => erase_secret(conn, id),
    }
}

fn open_of(conn: &Connection, integration: &str) -> Result<Option<RotationId>, StoreError> {
    let sql = "SELECT id FROM rotation
        WHERE integration = ?1 AND status IN ('running', 'waiting', 'stalled', 'aborting')";
    let id: Option<String> = conn
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([integration], |row| row.get(0)).optional())
        .map_err(|error| sqlite(&error))?;
    id.map(|id| id.parse().map_err(|_not_an_id| crate::error::corrupt("rotation", "an id is not one")))
        .transpose()
}

fn supersede(conn: &Connection, id: RotationId, at: Timestamp) -> Result<(), StoreError> {
    let mut header = header(conn, id)?.ok_or_else(|| not_found(format!("there is no rotation `{id}`")))?;
    header.status = RotationStatus::Superseded;
    header.finished_at = Some(at);
    header.next_try = None;
    put_header(conn, id, &header)?;
    let sql = "UPDATE rotation SET fence = fence + 1 WHERE id = ?1";
    execute(conn, Constraint::NONE, sql, [id.to_string()]).map(|_rows| ())
}

/// Replaces the header. A rotation that is over has no lease, and forgets what destinations held before.
fn put_header(conn: &Connection, rotation: RotationId, header: &Rotation) -> Result<(), StoreError> {
    if header.id != rotation {
        return Err(bug(format!("rotation `{}` is changed under the lease of `{rotation}`", header.id)));
    }
    let id = rotation.to_string();
    let sql = "UPDATE rotation SET status = ?2, record = ?3 WHERE id = ?1 AND integration = ?4";
    let params = params![id, header.status.as_str(), header_json(header)?, header.integration.as_str()];
    let rows = execute(conn, Constraint::NONE, sql, params)?;
    found(rows, || format!("there is no rotation `{id}` of integration `{}`", header.integration))?;
    if !header.status.is_open() {
        let end = "UPDATE rotation SET holder = NULL, lease_until = NULL WHERE id = ?1";
        execute(conn, Constraint::NONE, end, [&id])?;
        let forget = "UPDATE rotation_step SET previous = NULL WHERE rotation = ?1 AND previous IS NOT NULL";
        execute(conn, Constraint::NONE, forget, [&id])?;
    }
    Ok(())
}

fn add_steps(conn: &Connection, rotation: RotationId, steps: &[Step]) -> Result<(), StoreError> {
    let id = rotation.to_string();
    let first: u32 = conn
        .prepare_cached("SELECT COALESCE(MAX(number) + 1, 0) FROM rotation_step WHERE rotation = ?1")
        .and_then(|mut statement| statement.query_row([&id], |row| row.get(0)))
        .map_err(|error| sqlite(&error))?;
    if let Some(step) = steps.iter().find(|step| step.state != StepState::Planned) {
        return Err(illegal(format!("step {} of rotation `{id}` begins as {:?}", step.number, step.state)));
    }
    insert_steps(conn, rotation, first, steps)
}

fn insert_steps(
    conn: &Connection,
    rotation: RotationId,
    first: u32,
    steps: &[Step],
) -> Result<(), StoreError> {
    let id = rotation.to_string();
    let sql = "INSERT INTO rotation_step (rotation, number, kind, state, record) VALUES (?1, ?2, ?3, ?4, ?5)";
    for (number, step) in (first..).zip(steps) {
        if step.number != number {
            return Err(illegal(format!("step {} of rotation `{id}` is not step {number}", step.number)));
        }
        let params = params![id, number, step.kind.as_str(), state(step.state), step_json(rotation, step)?];
        execute(conn, Constraint::NONE, sql, params)?;
    }
    Ok(())
}

fn put_step(conn: &Connection, rotation: RotationId, step: &Step) -> Result<(), StoreError> {
    let id = rotation.to_string();
    let (number, row) = (step.number, previous_row(rotation, step.number));
    let sql = "SELECT record FROM rotation_step WHERE rotation = ?1 AND number = ?2";
    let json: String = conn
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![id, number], |row| row.get(0)).optional())
        .map_err(|error| sqlite(&error))?
        .ok_or_else(|| not_found(format!("rotation `{id}` has no step {number}")))?;
    let before: Step = from_json("rotation_step", &row, &json)?;
    check_step(rotation, &before, step)?;
    let sql = "UPDATE rotation_step SET state = ?3, record = ?4 WHERE rotation = ?1 AND number = ?2";
    let params = params![id, number, state(step.state), step_json(rotation, step)?];
    execute(conn, Constraint::NONE, sql, params).map(|_rows| ())
}

fn header(conn: &Connection, id: RotationId) -> Result<Option<Rotation>, StoreError> {
    let sql = "SELECT id, record FROM rotation WHERE id = ?1";
    select(conn, "rotation", sql, [id.to_string()]).map(|found| found.into_iter().next())
}

pub(crate) fn rotation(conn: &Connection, id: RotationId) -> Result<Option<Rotation>, StoreError> {
    let header = header(conn, id)?;
    header.map(|header| with_steps(conn, header)).transpose()
}

/// Oldest first.
pub(crate) fn open(conn: &Connection) -> Result<Vec<Rotation>, StoreError> {
    let sql = "SELECT id, record FROM rotation
        WHERE status IN ('running', 'waiting', 'stalled', 'aborting') ORDER BY started_at, id";
    all(conn, sql, [])
}

/// Newest first.
pub(crate) fn of_integration(conn: &Connection, name: &str, limit: u32) -> Result<Vec<Rotation>, StoreError> {
    let sql =
        "SELECT id, record FROM rotation WHERE integration = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2";
    all(conn, sql, params![name, limit])
}

fn all(conn: &Connection, sql: &str, params: impl Params) -> Result<Vec<Rotation>, StoreError> {
    let headers: Vec<Rotation> = select(conn, "rotation", sql, params)?;
    headers.into_iter().map(|header| with_steps(conn, header)).collect()
}

fn with_steps(conn: &Connection, mut header: Rotation) -> Result<Rotation, StoreError> {
    let sql = "SELECT number, record FROM rotation_step WHERE rotation = ?1 ORDER BY number";
    let id = header.id.to_string();
    let mut statement = conn.prepare_cached(sql).map_err(|error| sqlite(&error))?;
    let rows = statement
        .query_map([&id], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)))
        .map_err(|error| sqlite(&error))?;
    for row in rows {
        let (number, json) = row.map_err(|error| sqlite(&error))?;
        header.steps.push(from_json("rotation_step", &previous_row(header.id, number), &json)?);
    }
    Ok(header)
}
