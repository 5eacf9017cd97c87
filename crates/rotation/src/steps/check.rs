//! `check`: everything that the rotation will touch is there and can be written, and hooks can be run. Changes nothing.

use model::{
    Address, Blame, DestinationError, Integration, Issuer, IssuerErrorKind, Key, KeyId, Mode, Report, Retry,
    Rotation, RotationId, StepKind,
};
use serde_json::json;

use super::{Effect, StepFailure, Turn};
use crate::due::active;
use crate::engine::Engine;
use crate::error::RotationError;
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let rotation = &turn.journal.rotation;
    let mode = rotation.mode;
    turn.issuer.check().await?;
    let mut write = Write::default();
    match mode {
        Mode::Compromised => {}
        Mode::Deliver => {
            write.header = Some(Rotation { new_key: Some(current(turn).await?), ..rotation.clone() });
        }
        _ => {
            let living = living(turn).await?;
            no_stranger(turn, &living).await?;
            let old_keys = living.iter().map(|key| key.id).collect();
            write.header = Some(Rotation { old_keys, ..rotation.clone() });
        }
    }
    let mut unwritable = Vec::new();
    let deliveries = || rotation.steps.iter().filter(|step| step.kind == StepKind::Deliver);
    for address in deliveries().filter_map(|step| step.destination.as_ref()) {
        let checked = place(turn.journal.engine, turn.integration, address, Some(rotation.id)).await;
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
        "destinations": deliveries().count(),
        "unwritable": unwritable,
    });
    Ok(Effect::Done(evidence, write))
}

/// One destination, and the hook that runs after it.
async fn place(
    engine: &Engine,
    integration: &Integration,
    address: &Address,
    during: Option<RotationId>,
) -> Result<(), DestinationError> {
    engine.world.destination(address, integration, during)?.check().await?;
    match integration.reload.get(address) {
        Some(hook) => engine.world.hook(hook, integration, during)?.check().await,
        None => Ok(()),
    }
}

/// The key that is delivered, read under the lease: another may have followed it since this was asked for.
async fn current(turn: &Turn<'_, '_>) -> Result<KeyId, StepFailure> {
    let keys = turn.journal.engine.store.keys(Some(&turn.integration.name)).await?;
    let key = active(turn.integration, &keys).map(|key| key.id);
    key.ok_or_else(|| {
        let name = &turn.integration.name;
        let what = format!("`{name}` has no key any more");
        let report = Report::new(Blame::Operator, Retry::AfterFix, what)
            .because("it was retired since this was asked for")
            .mend(format!("keywright rotate {name} --abort"));
        StepFailure { report: Box::new(report), reopen: Vec::new() }
    })
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
    destinations: &[Address],
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
    for address in destinations.iter().filter(|_| mode != Mode::Revoke) {
        match place(engine, integration, address, None).await {
            Err(failure) if mode == Mode::Compromised => unwritable.push(*failure.report),
            other => other.map_err(|failure| refused(failure.report))?,
        }
    }
    Ok(unwritable)
}
