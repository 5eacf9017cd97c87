//! `reload`: the program that reads a destination takes up what it holds now.

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
    let seen = hook.run().await?;
    Ok(Effect::Done(json!({"hook": address.to_string(), "seen": seen}), Write::default()))
}
