//! `prove-dead`: the old keys were used, and refused.

use model::{Change, EventKind, IssuerErrorKind, Key, KeyModel, KeyState, Mode, Secret};
use serde_json::{Value, json};

use super::{Effect, StepFailure, Turn};
use crate::journal::{Write, shown};

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let mut write = Write::default();
    let mut proofs = Vec::new();
    for id in &turn.journal.rotation.old_keys {
        let Some(key) = turn.journal.engine.store.key(*id).await? else { continue };
        proofs.push(bury(turn, key, &mut write).await?);
    }
    Ok(Effect::Done(json!({ "proofs": proofs }), write))
}

/// Proves one key dead and notes it.
pub(super) async fn bury(turn: &Turn<'_, '_>, mut key: Key, write: &mut Write) -> Result<Value, StepFailure> {
    let Some(secret) = turn.journal.engine.store.key_secret(key.id).await? else {
        return Ok(json!({"fingerprint": shown(&key.fingerprint), "proved": "before"}));
    };
    let proof = proof(turn, &key, &secret).await?;
    let now = turn.journal.now();
    key.proved_dead_at = Some(now);
    write.events.push(turn.journal.key_event(EventKind::KeyProvedDead, &key).with("status", proof.status));
    if key.state == KeyState::Retired {
        write.changes.push(Change::Key(Box::new(key.clone())));
    } else {
        // Overwritten by its follower: there was nothing to delete.
        write.key(turn.journal, key.clone(), KeyState::Retired);
    }
    Ok(json!({
        "fingerprint": shown(&key.fingerprint),
        "call": proof.call,
        "status": proof.status,
    }))
}

/// Whether the id is surely that of the key that still works, and not its follower's, which took it over.
fn may_delete(turn: &Turn<'_, '_>) -> bool {
    turn.issuer.capabilities().keys != KeyModel::OneOverwritten
        || turn.journal.rotation.mode != Mode::Graceful
}

async fn proof(turn: &Turn<'_, '_>, key: &Key, secret: &Secret) -> Result<model::ProofOfDeath, StepFailure> {
    match turn.issuer.prove_dead(secret).await {
        // A restored backup, or an answer that lied: delete it once more, then believe only the refusal.
        Err(failure) if failure.kind == IssuerErrorKind::StillAlive && may_delete(turn) => {
            turn.issuer.delete(&key.native_id).await?;
            Ok(turn.issuer.prove_dead(secret).await?)
        }
        other => Ok(other?),
    }
}
