//! What stands in rows, whatever database they are in: records as JSON, the places of sealed values, holders of
//! leases, events as they go into the log.

use model::{
    Blame, Change, Event, Fence, Integration, Key, Lease, LeaseHolder, Period, Report, Retry, Rotation,
    RotationId, Secret, Step, StepState, StoreError, StoreErrorKind, Timestamp,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{bug, corrupt, illegal, lease_lost, not_found};
use crate::log::EVENT_MAX_BYTES;
use crate::seal::{Place, Sealer};

/// What replaces a value in the database, sealed by the caller.
pub(crate) type Sealed = Vec<u8>;

/// Where a key's text is sealed.
pub(crate) fn secret_place(id: &str) -> Place<'_> {
    Place { table: "key", row: id, column: "secret" }
}

/// Where a named value is sealed.
pub(crate) fn sealed_place(name: &str) -> Place<'_> {
    Place { table: "sealed", row: name, column: "value" }
}

/// The row of a step, as its sealed value is bound to it.
pub(crate) fn previous_row(rotation: RotationId, step: u32) -> String {
    format!("{rotation}/{step}")
}

pub(crate) fn previous_place(row: &str) -> Place<'_> {
    Place { table: "rotation_step", row, column: "previous" }
}

pub(crate) fn to_json(table: &str, row: &str, record: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(record)
        .map_err(|error| bug(format!("cannot write `{table}/{row}` as JSON: {error}")))
}

pub(crate) fn from_json<T: DeserializeOwned>(table: &str, row: &str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| corrupt(&format!("{table}/{row}"), error.to_string()))
}

/// The steps are rows of their own.
pub(crate) fn header_json(rotation: &Rotation) -> Result<String, StoreError> {
    let header = Rotation { steps: Vec::new(), ..rotation.clone() };
    to_json("rotation", &rotation.id.to_string(), &header)
}

pub(crate) fn step_json(rotation: RotationId, step: &Step) -> Result<String, StoreError> {
    to_json("rotation_step", &previous_row(rotation, step.number), step)
}

pub(crate) fn state(state: StepState) -> &'static str {
    match state {
        StepState::Planned => "planned",
        StepState::Started => "started",
        StepState::Failed => "failed",
        StepState::Done => "done",
        StepState::Skipped => "skipped",
    }
}

/// A step may become this one.
pub(crate) fn check_step(rotation: RotationId, before: &Step, step: &Step) -> Result<(), StoreError> {
    let number = step.number;
    if (before.kind, &before.destination) != (step.kind, &step.destination) {
        return Err(illegal(format!("step {number} of rotation `{rotation}` cannot become another step")));
    }
    before
        .state
        .check_transition(step.state, step.kind)
        .map_err(|error| illegal(format!("step {number} of rotation `{rotation}`: {error}")))
}

/// Refuses a rotation that is over, before anything else of it is looked at.
pub(crate) fn check_open(id: RotationId, status: &str) -> Result<(), StoreError> {
    if ["running", "waiting", "stalled", "aborting"].contains(&status) {
        return Ok(());
    }
    Err(lease_lost(format!("rotation `{id}` is over: {status}")))
}

/// A statement had a row to change.
pub(crate) fn found(rows: usize, what: impl FnOnce() -> String) -> Result<(), StoreError> {
    if rows == 0 { Err(not_found(what())) } else { Ok(()) }
}

/// A rotation to begin, with all that its first transaction needs.
pub(crate) struct Start {
    pub(crate) rotation: Rotation,
    pub(crate) integration: Option<Integration>,
    pub(crate) supersede: Option<RotationId>,
    pub(crate) held_by: HeldBy,
    /// A key that exists, with its sealed text; the rotation is over as it begins.
    pub(crate) adopt: Option<(Key, Sealed)>,
}

impl Start {
    /// It can begin, where `open` is the integration's open rotation that gave way.
    pub(crate) fn check(&self, open: Option<RotationId>) -> Result<(), StoreError> {
        let rotation = &self.rotation;
        if let (None, Some(gone)) = (open, self.supersede) {
            // The events that came along say that it was superseded: they would not be true.
            return Err(illegal(format!("rotation `{gone}` is over and cannot give way")));
        }
        if rotation.status.is_open() == self.adopt.is_some() {
            let status = rotation.status.as_str();
            return Err(illegal(format!("rotation `{}` cannot begin as {status}", rotation.id)));
        }
        if let Some(other) = self.integration.as_ref().filter(|one| one.name != rotation.integration) {
            return Err(bug(format!("rotation `{}` is not of integration `{}`", rotation.id, other.name)));
        }
        match &self.adopt {
            Some((key, _)) if key.rotation != rotation.id || key.integration != rotation.integration => {
                Err(bug(format!("key `{}` is not of rotation `{}`", key.id, rotation.id)))
            }
            _ => Ok(()),
        }
    }
}

/// A lease as it is written.
pub(crate) struct HeldBy {
    pub(crate) holder: String,
    /// In microseconds.
    pub(crate) until: i64,
}

impl HeldBy {
    pub(crate) fn new(holder: &LeaseHolder, now: Timestamp, lease_for: Period) -> Result<Self, StoreError> {
        let until = until(now, lease_for)?;
        Ok(Self { holder: to_json("lease", &holder.nonce, holder)?, until })
    }
}

pub(crate) fn until(now: Timestamp, lease_for: Period) -> Result<i64, StoreError> {
    now.checked_add(lease_for.duration())
        .map(Timestamp::as_microsecond)
        .map_err(|error| bug(format!("a lease cannot last that long: {error}")))
}

pub(crate) fn same_holder(id: RotationId, one: &str, other: &str) -> Result<bool, StoreError> {
    Ok(holder(id, one)? == holder(id, other)?)
}

fn holder(id: RotationId, json: &str) -> Result<LeaseHolder, StoreError> {
    from_json("rotation", &format!("{id}/holder"), json)
}

/// Somebody else holds the lease.
pub(crate) fn held(fence: Fence, json: &str, until: i64) -> StoreError {
    let id = fence.rotation;
    let until = Timestamp::from_microsecond(until);
    let (holder, until) = match (holder(id, json), until) {
        (Ok(holder), Ok(until)) => (holder, until),
        (Err(error), _) => return error,
        (_, Err(error)) => return corrupt(&format!("rotation/{id}"), error.to_string()),
    };
    let what = format!("rotation `{id}` is driven by process {} on `{}`", holder.pid, holder.host);
    let report = Report::new(Blame::Operator, Retry::Later(None), what)
        .because(format!("it holds the lease until {until}, unless it prolongs it"));
    StoreError::new(StoreErrorKind::LeaseHeld(Box::new(Lease { fence, holder, until })), report)
}

/// The lease was taken over.
pub(crate) fn fence_passed(fence: &Fence, newest: u64) -> StoreError {
    let Fence { rotation, number } = fence;
    lease_lost(format!("the lease of rotation `{rotation}` was taken over: fence {number}, newest {newest}"))
}

/// Seals what a change brings, and takes its clear text out of it.
pub(crate) fn seal(
    sealer: &Sealer,
    rotation: RotationId,
    change: Change,
) -> Result<(Change, Option<Sealed>), StoreError> {
    Ok(match change {
        Change::Previous { step, value: Some(value) } => {
            let row = previous_row(rotation, step);
            let sealed = sealer.seal_text(previous_place(&row), &value)?;
            (Change::Previous { step, value: None }, Some(sealed))
        }
        Change::KeyAdded(key, secret) => {
            let id = key.id.to_string();
            let sealed = sealer.seal_text(secret_place(&id), &secret)?;
            (Change::KeyAdded(key, Secret::new("")), Some(sealed))
        }
        other => (other, None),
    })
}

/// An event as it will stand in the log.
pub(crate) struct PreparedEvent {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) json: String,
}

/// Writes events down, before they go to the database.
pub(crate) fn prepare(events: Vec<Event>) -> Result<Vec<PreparedEvent>, StoreError> {
    events
        .into_iter()
        .map(|event| {
            let id = event.id.to_string();
            let json = to_json("event", &id, &event)?;
            if json.len() > EVENT_MAX_BYTES {
                return Err(bug(format!("event `{id}` is longer than {EVENT_MAX_BYTES} bytes")));
            }
            Ok(PreparedEvent { id, at: event.at, json })
        })
        .collect()
}
