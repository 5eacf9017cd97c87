//! `retire`: the old keys are deleted at n8n, and seen to be gone.

use model::{Key, KeyState, Mode, Rotation, StepKind};
use serde_json::json;

use super::{Effect, StepFailure, Turn, grace, sweep};
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let mut write = Write::default();
    if turn.journal.rotation.step(StepKind::Grace).is_some() {
        let drifted = grace::drifted(turn, grace::lately(turn)).await?;
        if !drifted.is_empty() {
            return Ok(Effect::Reopen(drifted));
        }
        follower_works(turn).await?;
    }
    let asked_at = turn.journal.now().to_string();
    let old = to_retire(turn).await?;
    let mut deleted = Vec::new();
    let mut failed = None;
    for key in &old {
        match turn.issuer.delete(&key.native_id).await {
            Ok(()) => deleted.push(json!({"native_id": key.native_id, "label": key.label})),
            // One that cannot be deleted does not save the others.
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    if let Some(failure) = failed {
        return Err(failure.into());
    }
    if urgent(turn) {
        sweep::forsaken(turn).await?;
    } else if !turn.issuer.can_list() && !deleted.is_empty() {
        // A person may have deleted the one that was to stay.
        new_key_works(turn).await?;
    }
    let ids = old.iter().map(|key| key.id).collect();
    write.header = Some(Rotation { old_keys: ids, ..turn.journal.rotation.clone() });
    for key in old.into_iter().filter(|key| key.state.lives()) {
        write.key(turn.journal, key, KeyState::Retired);
    }
    Ok(Effect::Done(json!({"deleted": deleted, "looked_again": true, "asked_at": asked_at}), write))
}

/// The key that is to follow still opens the door: it may have been deleted, or have expired, in the grace.
async fn follower_works(turn: &Turn<'_, '_>) -> Result<(), StepFailure> {
    let proved_at = turn.journal.rotation.step(StepKind::Prove).and_then(|step| step.done_at);
    if proved_at <= grace::lately(turn) { new_key_works(turn).await } else { Ok(()) }
}

async fn new_key_works(turn: &Turn<'_, '_>) -> Result<(), StepFailure> {
    if turn.journal.new_key().await?.is_some() {
        let (key, secret) = turn.new_key().await?;
        turn.issuer.prove(&secret, &key.scopes).await?;
    }
    Ok(())
}

fn urgent(turn: &Turn<'_, '_>) -> bool {
    matches!(turn.journal.rotation.mode, Mode::Compromised | Mode::Revoke)
}

/// The keys that go. A rotation that this one superseded may have made one after ours was planned, or died
/// before it proved one dead, so an urgent rotation takes every key that may live.
async fn to_retire(turn: &Turn<'_, '_>) -> Result<Vec<Key>, StepFailure> {
    let rotation = &turn.journal.rotation;
    let keys = turn.journal.engine.store.keys(Some(&rotation.integration)).await?;
    let goes = |key: &Key| {
        let listed = rotation.old_keys.contains(&key.id);
        let buried = key.state == KeyState::Retired && key.proved_dead_at.is_some();
        listed || (urgent(turn) && !buried && key.rotation != rotation.id)
    };
    Ok(keys.into_iter().filter(goes).collect())
}
