//! Finds keys at the instance that a rotation of this integration made and nobody knows, and deletes them.

use std::collections::BTreeSet;

use model::{
    EventKind, KeyModel, KeyState, ListedKey, RotationId, RotationStatus, SignedDuration, StepKind,
    label_for, rotation_in_label,
};

use super::{StepFailure, Turn};

/// How far back interrupted rotations are looked for.
const LOOK_BACK: u32 = 50;
/// How far the instance's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// Deletes what earlier tries of this rotation made.
pub(super) async fn own(turn: &Turn<'_, '_>) -> Result<(), StepFailure> {
    if !turn.issuer.can_list() {
        return by_hand(turn, turn.journal.rotation.id).await;
    }
    if turn.issuer.capabilities().keys.overlaps() {
        let own = BTreeSet::from([turn.journal.rotation.id]);
        return labelled(turn, &own).await;
    }
    // One key per user, with a fixed label. A key older than the first try to make one is not ours: `check` saw
    // none of others, but one may have been made since. Where making overwrites, no room has to be made.
    let made_since = turn.journal.rotation.step(StepKind::Create).and_then(|step| step.started_at);
    if let (KeyModel::OneRefused, Some(since)) = (turn.issuer.capabilities().keys, made_since) {
        for key in turn.issuer.list().await? {
            let ours = key.created_at.is_some_and(|at| at.duration_since(since) >= -SKEW);
            if ours || was_retired(turn, &key).await? {
                remove(turn, &key).await?;
            }
        }
    }
    Ok(())
}

/// Whether it is a key that was deleted before, come back with a restored backup.
async fn was_retired(turn: &Turn<'_, '_>, listed: &ListedKey) -> Result<bool, StepFailure> {
    let keys = turn.journal.engine.store.keys(Some(&turn.integration.name)).await?;
    Ok(keys.iter().any(|key| key.state == KeyState::Retired && key.native_id == listed.native_id))
}

/// Deletes what rotations made that gave way or were undone before they could note it.
pub(super) async fn forsaken(turn: &Turn<'_, '_>) -> Result<(), StepFailure> {
    let rotations = turn.journal.engine.store.rotations_of(&turn.integration.name, LOOK_BACK).await?;
    let lost = rotations.iter().filter(|rotation| {
        matches!(rotation.status, RotationStatus::Superseded | RotationStatus::Aborted)
            && rotation.touched(StepKind::Create)
            && rotation.new_key.is_none()
    });
    if !turn.issuer.can_list() {
        // The undoing of a rotation asked before, and so did whoever followed one that gave way. Where a user has one
        // key, what the other made was overwritten or deleted with the old one.
        let ours = lost.filter(|rotation| {
            rotation.status == RotationStatus::Superseded
                && rotation.finished_at >= Some(turn.journal.rotation.started_at)
        });
        for rotation in ours.filter(|_| turn.issuer.capabilities().keys.overlaps()) {
            by_hand(turn, rotation.id).await?;
        }
        return Ok(());
    }
    let lost: BTreeSet<RotationId> = lost.map(|rotation| rotation.id).collect();
    if lost.is_empty() { Ok(()) } else { labelled(turn, &lost).await }
}

/// Has a person see that the key of a rotation, whose text nobody knows, is gone.
async fn by_hand(turn: &Turn<'_, '_>, of: RotationId) -> Result<(), StepFailure> {
    let label = label_for(&turn.integration.name, of);
    turn.issuer.see_gone(&label).await?;
    turn.note(turn.journal.event(EventKind::DoneByHand).with("gone", label));
    Ok(())
}

async fn labelled(turn: &Turn<'_, '_>, of: &BTreeSet<RotationId>) -> Result<(), StepFailure> {
    let mut known = BTreeSet::new();
    for key in turn.journal.engine.store.keys(Some(&turn.integration.name)).await? {
        if key.state != KeyState::Retired {
            known.insert(key.native_id);
        }
    }
    for key in turn.issuer.list().await? {
        let made_by = rotation_in_label(&key.label);
        if made_by.is_some_and(|id| of.contains(&id)) && !known.contains(&key.native_id) {
            remove(turn, &key).await?;
        }
    }
    Ok(())
}

/// Deletes a key that nobody knows, and notes it.
pub(super) async fn remove(turn: &Turn<'_, '_>, key: &ListedKey) -> Result<(), StepFailure> {
    turn.issuer.delete(&key.native_id).await?;
    let event = turn.journal.event(EventKind::OrphanRemoved);
    turn.note(event.with("native_id", key.native_id.clone()).with("label", key.label.clone()));
    Ok(())
}
