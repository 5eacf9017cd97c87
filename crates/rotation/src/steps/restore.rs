//! `restore` (undo): one destination holds again what it held before.

use model::{Fingerprint, Held, Secret, StepKind};
use serde_json::json;

use super::{Effect, StepFailure, Turn};
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let done = |what: &str| Ok(Effect::Done(json!({ "restored": what }), Write::default()));
    let journal = turn.journal;
    let same =
        |step: &&model::Step| step.kind == StepKind::Deliver && step.destination == turn.step.destination;
    let Some(delivery) = journal.rotation.steps.iter().find(same) else {
        return done("nothing was delivered");
    };
    let Some(previous) = delivery.evidence.get("previous").and_then(|previous| previous.as_str()) else {
        return done("nothing was delivered");
    };
    let destination = turn.destination()?;
    let new = journal.new_key().await?;
    if let (Held::Value(held), Some(new)) = (destination.read().await?, &new)
        && Fingerprint::of(&held) != new.fingerprint
    {
        return done("left alone: it does not hold the new key");
    }
    match previous {
        "absent" => destination.restore(None).await?,
        "unreadable" => match old_text(turn).await? {
            Some(old) => destination.restore(Some(&old)).await?,
            None => return done("left alone: what it held could not be read, and there was no old key"),
        },
        _ => {
            let text = journal.engine.store.previous(journal.rotation.id, delivery.number).await?;
            let text = text.ok_or_else(|| super::lost("what the destination held before"))?;
            destination.restore(Some(&text)).await?;
        }
    }
    done("what it held before")
}

/// The text of the key that the integration had.
async fn old_text(turn: &Turn<'_, '_>) -> Result<Option<Secret>, StepFailure> {
    match turn.journal.rotation.old_keys.last() {
        Some(id) => Ok(turn.journal.engine.store.key_secret(*id).await?),
        None => Ok(None),
    }
}
