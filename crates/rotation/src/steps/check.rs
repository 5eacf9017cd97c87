//! `check`: everything that the rotation will touch is there and can be written. Changes nothing.

use model::{Blame, Integration, Issuer, IssuerErrorKind, Key, Mode, Report, Retry, Rotation};
use serde_json::json;

use super::{Effect, StepFailure, Turn};
use crate::engine::Engine;
use crate::error::RotationError;
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let mode = turn.journal.rotation.mode;
    turn.issuer.check().await?;
    let mut write = Write::default();
    if mode != Mode::Compromised {
        let living = living(turn).await?;
        no_stranger(turn, &living).await?;
        let old_keys = living.iter().map(|key| key.id).collect();
        write.header = Some(Rotation { old_keys, ..turn.journal.rotation.clone() });
    }
    let mut unwritable = Vec::new();
    for address in &turn.integration.destinations {
        let opened =
            turn.journal.engine.world.destination(address, turn.integration, Some(turn.journal.rotation.id));
        let checked = match opened {
            Ok(destination) => destination.check().await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = checked {
            // A leaked key is replaced wherever it can be; what cannot be written fails at its own delivery.
            if mode != Mode::Compromised {
                return Err(failure.into());
            }
            unwritable.push(json!({"destination": address.to_string(), "problem": failure.report.line()}));
        }
    }
    let evidence = json!({
        "instance": "answers, and refuses a made-up key",
        "destinations": turn.integration.destinations.len(),
        "unwritable": unwritable,
    });
    Ok(Effect::Done(evidence, write))
}

/// The integration's keys that live, read again under the lease: another rotation may have come and gone
/// between the planning of this one and its beginning.
async fn living(turn: &Turn<'_, '_>) -> Result<Vec<Key>, StepFailure> {
    let rotation = &turn.journal.rotation;
    let mut keys = turn.journal.engine.store.keys(Some(&rotation.integration)).await?;
    keys.retain(|key| key.state.lives());
    match keys.first() {
        Some(key) if rotation.mode == Mode::Create => {
            let what = format!("`{}` has a key by now", rotation.integration);
            let report = Report::new(Blame::Operator, Retry::AfterFix, what)
                .because(format!("key {} is {}", key.id, key.state.as_str()))
                .mend(format!("keywright rotate {} --abort", rotation.integration));
            Err(StepFailure { report: Box::new(report), reopen: Vec::new() })
        }
        _ => Ok(keys),
    }
}

/// Where a user may have one key only, a key that is not ours must not be overwritten.
async fn no_stranger(turn: &Turn<'_, '_>, living: &[Key]) -> Result<(), StepFailure> {
    // Where nobody can list keys, the person who makes ours sees a stranger's.
    let overlaps = turn.issuer.capabilities().keys.overlaps();
    if overlaps || !turn.issuer.can_list() || turn.issuer.list().await?.is_empty() {
        return Ok(());
    }
    // A key that we had must still be the one that is there: its text opens the door.
    for key in living {
        let Some(secret) = turn.journal.engine.store.key_secret(key.id).await? else { continue };
        match turn.issuer.prove(&secret, &key.scopes).await {
            Ok(_) => return Ok(()),
            Err(failure) if failure.kind == IssuerErrorKind::NotProved => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(StepFailure { report: Box::new(stranger(turn.integration)), reopen: Vec::new() })
}

fn stranger(integration: &Integration) -> Report {
    let what =
        format!("`{}` allows one key per user, and there is one that we did not make", integration.instance);
    Report::new(Blame::Operator, Retry::AfterFix, what)
        .because("making ours would kill it, and whatever uses it")
        .mend("delete the key in n8n's settings, once nothing uses it")
        .mend(format!(
            "keywright connect {} --email …   # as a user of its own, without a key",
            integration.instance
        ))
}

/// The same checks without a rotation; only reads. Gives the destinations that would fail at their delivery.
pub(crate) async fn preview(
    engine: &Engine,
    issuer: &dyn Issuer,
    integration: &Integration,
    mode: Mode,
) -> Result<Vec<Report>, RotationError> {
    let refused =
        |report: Box<Report>| model::Failure { kind: crate::RotationErrorKind::NotPossible, report };
    let checked = issuer.check().await;
    checked.map_err(|failure| match failure.kind {
        IssuerErrorKind::Unreachable => {
            model::Failure { kind: crate::RotationErrorKind::Instance, report: failure.report }
        }
        _ => refused(failure.report),
    })?;
    let mut unwritable = Vec::new();
    for address in integration.destinations.iter().filter(|_| mode != Mode::Revoke) {
        let checked = match engine.world.destination(address, integration, None) {
            Ok(destination) => destination.check().await,
            Err(failure) => Err(failure),
        };
        match checked {
            Err(failure) if mode == Mode::Compromised => unwritable.push(*failure.report),
            other => other.map_err(|failure| refused(failure.report))?,
        }
    }
    Ok(unwritable)
}
