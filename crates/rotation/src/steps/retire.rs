//! `retire`: the old keys are deleted at n8n, and seen to be gone.

use model::{Key, KeyState, Mode, Rotation};
use serde_json::json;

use super::{Effect, StepFailure, Turn, sweep};
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let mut write = Write::default();
    let old = to_retire(turn).await?;
    let mut deleted = Vec::new();
    for key in &old {
        turn.issuer.delete(&key.native_id).await?;
        deleted.push(json!({"native_id": key.native_id, "label": key.label}));
    }
    if urgent(turn) {
        sweep::superseded(turn, &mut write).await?;
    }
    let ids = old.iter().map(|key| key.id).collect();
    write.header = Some(Rotation { old_keys: ids, ..turn.journal.rotation.clone() });
    for key in old {
        write.key(turn.journal, key, KeyState::Retired);
    }
    Ok(Effect::Done(json!({"deleted": deleted, "looked_again": true}), write))
}

fn urgent(turn: &Turn<'_, '_>) -> bool {
    matches!(turn.journal.rotation.mode, Mode::Compromised | Mode::Revoke)
}

/// The keys that go. A rotation that this one superseded may have made one after ours was planned, so an
/// urgent rotation takes every key that lives.
async fn to_retire(turn: &Turn<'_, '_>) -> Result<Vec<Key>, StepFailure> {
    let rotation = &turn.journal.rotation;
    let keys = turn.journal.engine.store.keys(Some(&rotation.integration)).await?;
    let goes = |key: &Key| {
        let listed = rotation.old_keys.contains(&key.id);
        listed || (urgent(turn) && key.state.lives() && key.rotation != rotation.id)
    };
    Ok(keys.into_iter().filter(goes).collect())
}
