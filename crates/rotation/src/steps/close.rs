//! `close`: dead keys' texts are forgotten, here and in places that keep versions; orphans are gone, the rotation is over.

use model::{
    Change, EventKind, Key, KeyModel, KeyState, Mode, Rotation, RotationStatus, Step, StepKind, Timestamp,
};
use serde_json::json;

use super::{Effect, StepFailure, Turn, discard, grace, sweep};
use crate::journal::Write;
use crate::lease::NOTICED_AFTER;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let journal = turn.journal;
    let rotation = &journal.rotation;
    let aborting = rotation.status == RotationStatus::Aborting;
    let mut write = Write::default();
    if !aborting && gave_way(turn).await? {
        let drifted = settled(turn).await?;
        if !drifted.is_empty() {
            return Ok(Effect::Reopen(drifted));
        }
    }
    // A person who was asked when the old keys were killed is not asked again.
    let asked_before = rotation.mode == Mode::Compromised && !turn.issuer.can_list();
    if !asked_before && rotation.mode != Mode::Deliver {
        sweep::forsaken(turn).await?;
    }
    let discarded = discard::run(turn).await?;
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
    let mut evidence = json!({ "gap_ms": gap_ms });
    discarded.note_in(&mut evidence);
    Ok(Effect::Done(evidence, write))
}

/// Whether a rotation that was delivering gave way to this one: whoever drove it may have been in the middle of
/// a write.
async fn gave_way(turn: &Turn<'_, '_>) -> Result<bool, StepFailure> {
    let rotation = &turn.journal.rotation;
    if rotation.mode != Mode::Compromised {
        return Ok(false);
    }
    let former = turn.journal.engine.store.rotations_of(&rotation.integration, 2).await?;
    Ok(former.iter().any(|former| {
        former.status == RotationStatus::Superseded
            && former.finished_at >= Some(rotation.started_at)
            && former.touched(StepKind::Deliver)
    }))
}

/// Lets the former driver notice that it has lost its lease, then reads every destination once more.
async fn settled(turn: &Turn<'_, '_>) -> Result<Vec<usize>, StepFailure> {
    let journal = turn.journal;
    let after = |at: Timestamp| at.checked_add(NOTICED_AFTER).unwrap_or(at);
    // No later than that from now: the clock may have stepped back since.
    let noticed = after(journal.rotation.started_at.min(journal.now()));
    journal.engine.clock.wait_until(noticed).await;
    journal.hold().await?;
    grace::drifted(turn, Some(noticed)).await
}

pub(super) fn is_buried(key: &Key) -> bool {
    key.state == KeyState::Retired && key.proved_dead_at.is_some()
}

/// From the moment when the old key was told to die, and did, to the last confirmed delivery and its hook.
fn gap_ms(turn: &Turn<'_, '_>) -> Option<u64> {
    let rotation = &turn.journal.rotation;
    let dies = match (rotation.mode, turn.issuer.capabilities().keys) {
        (Mode::Compromised, _) | (Mode::Graceful, KeyModel::OneRefused) => StepKind::Retire,
        (Mode::Graceful, KeyModel::OneOverwritten) => StepKind::Create,
        _ => return None,
    };
    let step = rotation.step(dies)?;
    let asked_at = step.evidence.get("asked_at").and_then(|at| at.as_str()).and_then(|at| at.parse().ok());
    let from: Timestamp = asked_at.or(step.started_at)?;
    let done =
        |kind: StepKind| rotation.steps.iter().filter(move |step| step.kind == kind).filter_map(done_at);
    let in_use = done(StepKind::Confirm).chain(done(StepKind::Reload));
    let until = in_use.chain(done(StepKind::Prove)).max()?;
    u64::try_from(until.duration_since(from).as_millis()).ok()
}

fn done_at(step: &Step) -> Option<Timestamp> {
    step.done_at
}
