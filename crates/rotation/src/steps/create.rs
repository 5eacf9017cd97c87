//! `create`: makes the new key, exactly one.

use model::{
    Change, EventKind, Fingerprint, IssuedKey, IssuerErrorKind, Key, KeyModel, KeyState, NewKey, Report,
    Retry, Rotation, SignedDuration, label_for,
};
use serde_json::json;

use super::{Effect, StepFailure, Turn, sweep};
use crate::journal::{Write, shown};

/// Tries to get a text that no other key has, before giving up.
const TRIES: u32 = 6;
/// Two keys of one user made in the same second can be the same text (n8n 1.x).
const NEXT_SECOND: SignedDuration = SignedDuration::from_millis(1_100);

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    // A person who made a key and did not come to giving its text may still do so: its label is the same.
    if !turn.first_try && turn.issuer.can_list() {
        // An earlier try may have made a key whose answer was lost: its text is gone, so it goes too.
        sweep::own(turn).await?;
    }
    let asked_at = turn.journal.now().to_string();
    let (issued, fingerprint) = issue(turn).await?;
    let now = turn.journal.now();
    let key = Key {
        id: turn.journal.engine.ids.key(now),
        integration: turn.integration.name.clone(),
        rotation: turn.journal.rotation.id,
        native_id: issued.native_id,
        label: label(turn, &issued.label),
        fingerprint,
        tail: issued.secret.tail(),
        scopes: issued.scopes,
        state: KeyState::Pending,
        created_at: now,
        expires_at: issued.expires_at,
        last_used_at: None,
        retired_at: None,
        proved_dead_at: None,
    };
    let evidence = json!({
        "native_id": key.native_id,
        "label": key.label,
        "asked_at": asked_at,
        "fingerprint": shown(&key.fingerprint),
        "expires_at": key.expires_at.map(|at| at.to_string()),
    });
    let header = Rotation { new_key: Some(key.id), ..turn.journal.rotation.clone() };
    let mut write = Write { header: Some(header), ..Write::default() };
    write.events.push(turn.journal.key_event(EventKind::KeyCreated, &key));
    write.changes.push(Change::KeyAdded(Box::new(key), issued.secret));
    Ok(Effect::Done(evidence, write))
}

/// The label that the key has: what was asked for, or, where n8n fixes it, what it says, cut to what is legal.
fn label(turn: &Turn<'_, '_>, said: &str) -> String {
    match turn.issuer.capabilities().keys {
        KeyModel::Many => label_for(&turn.integration.name, turn.journal.rotation.id),
        _ => said.chars().take(model::LABEL_MAX_CHARS).collect(),
    }
}

/// A person gave a key that another integration has.
fn given_twice(turn: &Turn<'_, '_>, issued: &IssuedKey) -> StepFailure {
    let what = format!("the key given for `{}` is another integration's", turn.integration.name);
    let report = Report::new(model::Blame::Operator, Retry::AfterFix, what)
        .because(format!("a key with the same text, …{}, is in use already", issued.secret.tail()))
        .mend(format!("keywright rotate --resume {}   # and give a key of its own", turn.integration.name));
    StepFailure { report: Box::new(report), reopen: Vec::new() }
}

async fn issue(turn: &Turn<'_, '_>) -> Result<(IssuedKey, Fingerprint), StepFailure> {
    let journal = turn.journal;
    for _ in 0..TRIES {
        let lives = turn.integration.expires_after.map(model::Period::duration);
        let wanted = NewKey {
            label: label_for(&turn.integration.name, journal.rotation.id),
            scopes: turn.integration.scopes.clone(),
            expires_at: lives.and_then(|lives| journal.now().checked_add(lives).ok()),
        };
        match turn.issuer.create(&wanted).await {
            Ok(issued) => {
                let fingerprint = Fingerprint::of(&issued.secret);
                let twin = journal.engine.store.key_with_fingerprint(&fingerprint).await?;
                if twin.is_none() {
                    return Ok((issued, fingerprint));
                }
                if !turn.issuer.can_list() {
                    return Err(given_twice(turn, &issued));
                }
                // The text of a key that we had, alive again: it must not stay so for a moment.
                turn.issuer.delete(&issued.native_id).await?;
                let event = journal.event(EventKind::OrphanRemoved).with("label", issued.label);
                turn.note(event.with("native_id", issued.native_id).with("text_of", shown(&fingerprint)));
            }
            Err(failure) if failure.kind == IssuerErrorKind::Clash => sweep::own(turn).await?,
            Err(failure) => return Err(failure.into()),
        }
        let next = journal.now().checked_add(NEXT_SECOND).unwrap_or_else(|_late| journal.now());
        journal.engine.clock.wait_until(next).await;
        journal.hold().await?;
    }
    let what = format!("`{}` gives no key whose text is new", turn.integration.instance);
    let report = Report::new(model::Blame::Remote, Retry::Later(None), what)
        .because(format!("{TRIES} tries, a second apart, gave a label or a text that exists"));
    Err(StepFailure { report: Box::new(report), reopen: Vec::new() })
}
