//! `deliver`: one destination holds the new key. What it held before is kept, sealed, until the rotation is
//! over.

use model::{Change, Fingerprint, Held, Integration, Step};
use serde_json::{Value, json};

use super::{Effect, StepFailure, Turn, destination};
use crate::journal::{Journal, Write, shown};

/// Looks at what the destination holds, before the step is journaled as started; only the first time, so that
/// a second try does not take the new key for the former content.
pub(super) async fn prepare(
    journal: &Journal<'_>,
    step: &Step,
    integration: &Integration,
) -> Result<(Option<Value>, Write), StepFailure> {
    if step.evidence.get("previous").is_some() {
        return Ok((None, Write::default()));
    }
    let held = destination(journal, step, integration)?.read().await?;
    let (previous, value) = match held {
        Held::Absent => (json!("absent"), None),
        Held::Unreadable => (json!("unreadable"), None),
        Held::Value(secret) => (shown(&Fingerprint::of(&secret)), Some(secret)),
    };
    let mut write = Write::default();
    if value.is_some() {
        write.changes.push(Change::Previous { step: step.number, value });
    }
    Ok((Some(json!({"previous": previous})), write))
}

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let (key, secret) = turn.new_key().await?;
    turn.destination()?.deliver(&secret).await?;
    let previous = turn.step.evidence.get("previous").cloned().unwrap_or(Value::Null);
    let evidence = json!({"previous": previous, "fingerprint": shown(&key.fingerprint)});
    Ok(Effect::Done(evidence, Write::default()))
}
