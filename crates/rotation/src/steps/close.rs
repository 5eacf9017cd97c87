//! `close`: dead keys' texts are forgotten, orphans are gone, the rotation is over.

use model::{
    Change, EventKind, Key, KeyModel, KeyState, Mode, Rotation, RotationStatus, Step, StepKind, Timestamp,
};
use serde_json::json;

use super::{Effect, StepFailure, Turn, sweep};
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let journal = turn.journal;
    let rotation = &journal.rotation;
    let aborting = rotation.status == RotationStatus::Aborting;
    let mut write = Write::default();
    sweep::forsaken(turn).await?;
    // All of the integration's, since a rotation that gave way forgot nothing.
    for key in journal.engine.store.keys(Some(&rotation.integration)).await? {
        if is_buried(&key) && journal.engine.store.key_secret(key.id).await?.is_some() {
            write.changes.push(Change::SecretErased(key.id));
        }
    }
    if let Some(new) = journal.new_key().await?.filter(|new| new.state == KeyState::Pending) {
        write.key(journal, new, KeyState::Active);
    }
    let gap_ms = if aborting { None } else { gap_ms(turn) };
    let (status, kind) = if aborting {
        (RotationStatus::Aborted, EventKind::RotationAborted)
    } else {
        (RotationStatus::Done, EventKind::RotationDone)
    };
    let header = Rotation {
        status,
        gap_ms,
        finished_at: Some(journal.now()),
        attempts: 0,
        next_try: None,
        problem: None,
        ..rotation.clone()
    };
    write.header = Some(header);
    write.events.push(journal.event(kind).with("gap_ms", gap_ms));
    Ok(Effect::Done(json!({ "gap_ms": gap_ms }), write))
}

fn is_buried(key: &Key) -> bool {
    key.state == KeyState::Retired && key.proved_dead_at.is_some()
}

/// From the moment when the old key was first told to die to the last confirmed delivery.
fn gap_ms(turn: &Turn<'_, '_>) -> Option<u64> {
    let rotation = &turn.journal.rotation;
    let dies = match (rotation.mode, turn.issuer.capabilities().keys) {
        (Mode::Compromised, _) | (Mode::Graceful, KeyModel::OneRefused) => StepKind::Retire,
        (Mode::Graceful, KeyModel::OneOverwritten) => StepKind::Create,
        _ => return None,
    };
    let from = rotation.step(dies)?.started_at?;
    let done =
        |kind: StepKind| rotation.steps.iter().filter(move |step| step.kind == kind).filter_map(done_at);
    let until = done(StepKind::Confirm).chain(done(StepKind::Prove)).max()?;
    u64::try_from(until.duration_since(from).as_millis()).ok()
}

fn done_at(step: &Step) -> Option<Timestamp> {
    step.done_at
}
