//! `grace`: the new key is in place; the old one works on until the grace ends. Then every destination is read
//! once more, since the old key goes next.

use model::{
    Confirmation, DestinationErrorKind, KeyState, Period, Rotation, RotationStatus, SignedDuration, Step,
    StepKind, StepState, Timestamp,
};
use serde_json::json;

use super::{Effect, StepFailure, Turn};
use crate::journal::Write;

/// Clocks are set right by so much all the time.
pub(crate) const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// A delivery confirmed this recently is not read again.
const STILL_FRESH: SignedDuration = SignedDuration::from_secs(10);

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let journal = turn.journal;
    let now = journal.now();
    let mut write = Write::default();
    let latest = now.checked_add(journal.rotation.grace.duration()).unwrap_or(now);
    let until = if let Some(until) = journal.rotation.grace_until {
        if is_astray(until, journal.rotation.grace, now) {
            write.header = Some(Rotation { grace_until: Some(latest), ..journal.rotation.clone() });
            latest
        } else {
            until
        }
    } else {
        begin(turn, &mut write).await?;
        write.header = Some(Rotation { grace_until: Some(latest), ..journal.rotation.clone() });
        latest
    };
    if now < until {
        let header = write.header.unwrap_or_else(|| journal.rotation.clone());
        write.header = Some(Rotation {
            status: RotationStatus::Waiting,
            attempts: 0,
            next_try: None,
            problem: None,
            ..header
        });
        let event = journal.event(model::EventKind::RotationWaiting);
        write.events.push(event.with("until", until.to_string()));
        return Ok(Effect::Wait(until, write));
    }
    // A grace is time in which anything may be written: what was read before it does not count.
    let trusted = if journal.rotation.grace == Period::ZERO { lately(turn) } else { None };
    let drifted = drifted(turn, trusted).await?;
    if !drifted.is_empty() {
        return Ok(Effect::Reopen(drifted));
    }
    Ok(Effect::Done(json!({"until": until.to_string()}), write))
}

/// Whether a grace would end later than it can: the clock stepped back in it. It then begins again.
pub(crate) fn is_astray(until: Timestamp, grace: Period, now: Timestamp) -> bool {
    until.duration_since(now) > grace.duration() + CLOCK_TOLERANCE
}

/// The new key takes the old one's place.
async fn begin(turn: &Turn<'_, '_>, write: &mut Write) -> Result<(), StepFailure> {
    let (new, _) = turn.new_key().await?;
    write.key(turn.journal, new, KeyState::Active);
    for id in &turn.journal.rotation.old_keys {
        if let Some(old) = turn.journal.engine.store.key(*id).await?.filter(|key| key.state.lives()) {
            write.key(turn.journal, old, KeyState::Retiring);
        }
    }
    Ok(())
}

/// Since when what was read is still believed.
pub(super) fn lately(turn: &Turn<'_, '_>) -> Option<Timestamp> {
    turn.journal.now().checked_sub(STILL_FRESH).ok()
}

/// The steps of destinations that do not hold the new key any more, as far as can be seen. Those read after `trusted` are not read
/// again; all are if it is `None`.
pub(super) async fn drifted(
    turn: &Turn<'_, '_>,
    trusted: Option<Timestamp>,
) -> Result<Vec<usize>, StepFailure> {
    let (key, _) = turn.new_key().await?;
    let mut steps = Vec::new();
    let read_at = turn.journal.rotation.step(StepKind::Grace).and_then(|step| step.done_at);
    for step in turn.journal.rotation.steps.iter().filter(|step| step.kind == StepKind::Confirm) {
        if trusted.is_some_and(|trusted| step.done_at.max(read_at) > Some(trusted)) {
            continue;
        }
        let destination = super::destination(turn.journal, step, turn.integration)?;
        let holds = match destination.confirm(&key.fingerprint).await {
            Ok(Confirmation::ReadBack) => true,
            // It cannot be read: somebody wrote to it if it does not look as it did when it was confirmed.
            Ok(Confirmation::Seen(now)) => super::confirm::seen(step) == Some(&now),
            Err(failure) if failure.kind == DestinationErrorKind::NotConfirmed => false,
            Err(failure) => return Err(failure.into()),
        };
        if !holds {
            let same = |other: &&Step| {
                other.destination == step.destination
                    && other.state == StepState::Done
                    && matches!(other.kind, StepKind::Deliver | StepKind::Confirm | StepKind::Reload)
            };
            let numbers = turn.journal.rotation.steps.iter().filter(same).map(|step| step.number);
            steps.extend(numbers.filter_map(|number| usize::try_from(number).ok()));
        }
    }
    Ok(steps)
}
