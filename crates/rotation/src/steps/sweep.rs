//! Finds keys at the instance that a rotation of this integration made and nobody knows, and deletes them.

use std::collections::BTreeSet;

use model::{EventKind, KeyState, ListedKey, RotationId, RotationStatus, StepKind, rotation_in_label};

use super::{StepFailure, Turn};
use crate::journal::Write;

/// How far back interrupted rotations are looked for.
const LOOK_BACK: u32 = 50;

/// Deletes what earlier tries of this rotation made.
pub(super) async fn own(turn: &Turn<'_, '_>, write: &mut Write) -> Result<(), StepFailure> {
    if turn.issuer.capabilities().keys.overlaps() {
        let own = BTreeSet::from([turn.journal.rotation.id]);
        return labelled(turn, &own, write).await;
    }
    // One key per user, with a fixed label. A key older than this step's first start is not ours: `check` saw
    // none of others, but one may have been made since. Where making overwrites, no room has to be made.
    if turn.issuer.capabilities().keys == model::KeyModel::OneRefused {
        for key in turn.issuer.list().await? {
            let since = turn.step.started_at;
            if key.created_at.is_some() && key.created_at >= since {
                remove(turn, &key, write).await?;
            }
        }
    }
    Ok(())
}

/// Deletes what rotations made that gave way before they could note it.
pub(super) async fn superseded(turn: &Turn<'_, '_>, write: &mut Write) -> Result<(), StepFailure> {
    let rotations = turn.journal.engine.store.rotations_of(&turn.integration.name, LOOK_BACK).await?;
    let lost = rotations.iter().filter(|rotation| {
        rotation.status == RotationStatus::Superseded
            && rotation.touched(StepKind::Create)
            && rotation.new_key.is_none()
    });
    let lost: BTreeSet<RotationId> = lost.map(|rotation| rotation.id).collect();
    if lost.is_empty() { Ok(()) } else { labelled(turn, &lost, write).await }
}

async fn labelled(
    turn: &Turn<'_, '_>,
    of: &BTreeSet<RotationId>,
    write: &mut Write,
) -> Result<(), StepFailure> {
    let mut known = BTreeSet::new();
    for key in turn.journal.engine.store.keys(Some(&turn.integration.name)).await? {
        if key.state != KeyState::Retired {
            known.insert(key.native_id);
        }
    }
    for key in turn.issuer.list().await? {
        let made_by = rotation_in_label(&key.label);
        if made_by.is_some_and(|id| of.contains(&id)) && !known.contains(&key.native_id) {
            remove(turn, &key, write).await?;
        }
    }
    Ok(())
}

async fn remove(turn: &Turn<'_, '_>, key: &ListedKey, write: &mut Write) -> Result<(), StepFailure> {
    turn.issuer.delete(&key.native_id).await?;
    let event = turn.journal.event(EventKind::OrphanRemoved);
    write.events.push(event.with("native_id", key.native_id.clone()).with("label", key.label.clone()));
    Ok(())
}
