//! `confirm`: the destination was read back and holds the new key.

use model::{Confirmation, DestinationErrorKind, Step, StepKind};
use serde_json::json;

use super::{Effect, StepFailure, Turn};
use crate::journal::{Write, shown};

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let (key, _) = turn.new_key().await?;
    match turn.destination()?.confirm(&key.fingerprint).await {
        Ok(confirmation) => {
            let how = match confirmation {
                Confirmation::ReadBack => json!("read back"),
                Confirmation::Seen(what) => json!({ "seen": what }),
            };
            let evidence = json!({"how": how, "fingerprint": shown(&key.fingerprint)});
            Ok(Effect::Done(evidence, Write::default()))
        }
        Err(failure) if failure.kind == DestinationErrorKind::NotConfirmed => {
            // Somebody wrote to it after us: it has to be delivered again.
            let same =
                |step: &&Step| step.kind == StepKind::Deliver && step.destination == turn.step.destination;
            let delivery = turn.journal.rotation.steps.iter().find(same);
            let reopen = delivery.and_then(|step| usize::try_from(step.number).ok()).into_iter().collect();
            Err(StepFailure { report: failure.report, reopen })
        }
        Err(failure) => Err(failure.into()),
    }
}

/// What a `confirm` that could not read back saw instead.
pub(super) fn seen(step: &Step) -> Option<&str> {
    step.evidence.get("how")?.get("seen")?.as_str()
}
