//! What `close` asks of the places that keep versions: that they let go of those that hold a dead key.

use std::collections::BTreeMap;

use model::{Address, DestinationError, Fingerprint, Mode, RotationStatus, StepKind};
use serde_json::{Value, json};

use super::close::is_buried;
use super::{StepFailure, Turn};

/// What the places said.
#[derive(Default)]
pub(super) struct Discarded {
    done: BTreeMap<String, String>,
    failed: BTreeMap<String, String>,
}

impl Discarded {
    /// Adds it to a step's evidence, if there is anything to tell.
    pub(super) fn note_in(self, evidence: &mut Value) {
        let Some(fields) = evidence.as_object_mut() else { return };
        let found = [("discarded", self.done), ("not_discarded", self.failed)];
        for (name, told) in found.into_iter().filter(|(_, told)| !told.is_empty()) {
            fields.insert(name.to_owned(), json!(told));
        }
    }
}

/// Asks every place that this rotation delivered to. A key that was only revoked is dead whatever becomes of its places,
/// which may be gone with it: there, a failure is noted and stops nothing.
pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Discarded, StepFailure> {
    let (dead, revoked) = (dead(turn).await?, turn.journal.rotation.mode == Mode::Revoke);
    let mut discarded = Discarded::default();
    if dead.is_empty() {
        return Ok(discarded);
    }
    for address in places(turn) {
        match discard(turn, address, &dead).await {
            Ok(Some(said)) => drop(discarded.done.insert(address.to_string(), said)),
            Ok(None) => {}
            Err(failure) if revoked => {
                discarded.failed.insert(address.to_string(), failure.report.line());
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(discarded)
}

async fn discard(
    turn: &Turn<'_, '_>,
    address: &Address,
    dead: &[Fingerprint],
) -> Result<Option<String>, DestinationError> {
    let journal = turn.journal;
    let destination =
        journal.engine.world.destination(address, turn.integration, Some(journal.rotation.id))?;
    destination.discard(dead).await
}

fn places<'t>(turn: &'t Turn<'_, '_>) -> Vec<&'t Address> {
    let rotation = &turn.journal.rotation;
    if rotation.mode == Mode::Revoke {
        return turn.integration.destinations.iter().collect();
    }
    let touched = |step: &&model::Step| step.kind == StepKind::Deliver && step.attempts > 0;
    rotation.steps.iter().filter(touched).filter_map(|step| step.destination.as_ref()).collect()
}

/// The keys that this rotation proved dead: the old ones, or, undone, its own.
async fn dead(turn: &Turn<'_, '_>) -> Result<Vec<Fingerprint>, StepFailure> {
    let rotation = &turn.journal.rotation;
    let ids = match rotation.status {
        RotationStatus::Aborting => rotation.new_key.into_iter().collect(),
        _ => rotation.old_keys.clone(),
    };
    let mut dead = Vec::new();
    for id in ids {
        let key = turn.journal.engine.store.key(id).await?;
        dead.extend(key.filter(is_buried).map(|key| key.fingerprint));
    }
    Ok(dead)
}
