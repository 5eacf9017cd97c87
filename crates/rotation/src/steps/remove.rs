//! `remove` (undo): the new key is deleted, used and refused; the old one is the integration's key again.

use model::{Blame, KeyModel, KeyState, Mode, Report, Retry, StepKind};
use serde_json::json;

use super::{Effect, StepFailure, Turn, prove_dead, sweep};
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let journal = turn.journal;
    let mut write = Write::default();
    let mut proofs = Vec::new();
    if let Some(mut new) = journal.new_key().await? {
        let last = journal.rotation.mode == Mode::Graceful && journal.rotation.touched(StepKind::Deliver);
        if last && !new.has_ended(journal.now()) {
            former_works(turn).await?;
        }
        turn.issuer.delete(&new.native_id).await?;
        new.state = KeyState::Retired;
        new.retired_at = Some(journal.now());
        write.events.push(journal.key_event(model::EventKind::KeyRetired, &new));
        proofs.push(prove_dead::bury(turn, new, &mut write).await?);
    } else if journal.rotation.touched(StepKind::Create) {
        unknown(turn).await?;
    }
    for id in &journal.rotation.old_keys {
        if let Some(old) = journal.engine.store.key(*id).await?.filter(|key| key.state == KeyState::Retiring)
        {
            write.key(journal, old, KeyState::Active);
        }
    }
    Ok(Effect::Done(json!({ "proofs": proofs }), write))
}

/// The key that is gone back to still opens the door: it may have died since the undoing began.
async fn former_works(turn: &Turn<'_, '_>) -> Result<(), StepFailure> {
    for id in &turn.journal.rotation.old_keys {
        if let Some(secret) = turn.journal.engine.store.key_secret(*id).await?
            && turn.issuer.prove_dead(&secret).await.is_ok()
        {
            let name = &turn.integration.name;
            let what = format!("the new key of `{name}` is not deleted");
            let report = Report::new(Blame::Remote, Retry::AfterFix, what)
                .because("n8n refuses the old key by now: the new one is the last that works")
                .mend(format!(
                    "keywright rotate {name} --compromised   # makes another, and puts it everywhere"
                ));
            return Err(StepFailure { report: Box::new(report), reopen: Vec::new() });
        }
    }
    Ok(())
}

/// A key may have been made whose answer was lost.
async fn unknown(turn: &Turn<'_, '_>) -> Result<(), StepFailure> {
    if turn.issuer.capabilities().keys == KeyModel::OneOverwritten && turn.issuer.can_list() {
        // A first key that nobody knows the text of; an old one would have been past undoing.
        for key in turn.issuer.list().await? {
            sweep::remove(turn, &key).await?;
        }
        return Ok(());
    }
    sweep::own(turn).await
}
