//! `reload`: the program that reads a destination takes up what it holds now.

use model::{Address, StepKind, Timestamp};
use serde_json::json;

use super::{Effect, StepFailure, Turn, lost};
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let to = turn.step.destination.as_ref().ok_or_else(|| lost("the step's destination"))?;
    let Some(address) = turn.integration.reload.get(to) else {
        let evidence = json!({"hook": null, "seen": "its hook is not declared any more: nothing was run"});
        return Ok(Effect::Done(evidence, Write::default()));
    };
    let journal = turn.journal;
    let hook = journal.engine.world.hook(address, turn.integration, Some(journal.rotation.id))?;
    let seen = match delivered(turn, to) {
        Some(delivered) if !turn.first_try => hook.run_again(delivered).await?,
        _ => hook.run().await?,
    };
    Ok(Effect::Done(json!({"hook": address.to_string(), "seen": seen}), Write::default()))
}

/// When the destination was given what it holds now.
fn delivered(turn: &Turn<'_, '_>, to: &Address) -> Option<Timestamp> {
    let gives = |kind| matches!(kind, StepKind::Deliver | StepKind::Restore);
    let steps = turn.journal.rotation.steps.iter();
    let steps = steps.filter(|step| gives(step.kind) && step.destination.as_ref() == Some(to));
    steps.filter_map(|step| step.done_at).max()
}
