//! The steps, one file each. A step's effect is *ensure*: doing it again does no harm.

mod check;
mod close;
mod confirm;
mod create;
mod deliver;
mod discard;
mod grace;
mod prove;
mod prove_dead;
mod reload;
mod remove;
mod restore;
mod retire;
mod sweep;

use std::sync::{Arc, Mutex, PoisonError};

use model::{
    Destination, DestinationError, Event, EventKind, Integration, Issuer, IssuerError, KeyModel, Report,
    Retry, SignedDuration, Step, StepKind, StoreError, StoreErrorKind, Timestamp,
};
use serde_json::Value;

use crate::error::{self, RotationError};
use crate::journal::{Journal, Write};
use crate::observer::Point;

pub(crate) use check::preview;
pub(crate) use grace::{CLOCK_TOLERANCE, is_astray};

/// What a step's effect came to.
pub(crate) enum Effect {
    /// It happened: the evidence, and what is written with it.
    Done(Value, Write),
    /// It needs time to pass; this is written now.
    Wait(Timestamp, Write),
    /// These steps have to be done again first.
    Reopen(Vec<usize>),
}

/// Why a step's effect could not be had.
pub(crate) struct StepFailure {
    pub(crate) report: Box<Report>,
    /// Steps that have to be done again before this one can be.
    pub(crate) reopen: Vec<usize>,
}

/// What came of one step.
pub(crate) enum Stepped {
    Done,
    Waits(Timestamp),
    Reopened,
    Failed(Report),
}

/// What a step's effect has at hand.
pub(crate) struct Turn<'t, 'e> {
    pub(crate) journal: &'t Journal<'e>,
    pub(crate) step: &'t Step,
    pub(crate) issuer: &'t dyn Issuer,
    pub(crate) integration: &'t Integration,
    /// Whether no earlier try can have had the effect.
    pub(crate) first_try: bool,
    /// What was done besides, told whether the step succeeds or not.
    noted: &'t Mutex<Vec<Event>>,
}

/// Tries of one step in one run, before the rotation stalls.
const TRIES: u32 = 3;
const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(250);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(65);

/// Journals, does and journals one step.
pub(crate) async fn advance(
    journal: &mut Journal<'_>,
    number: usize,
    issuer: &dyn Issuer,
    integration: &Integration,
) -> Result<Stepped, RotationError> {
    let planned = journal.step(number)?;
    let prepared = match planned.kind {
        StepKind::Deliver => deliver::prepare(journal, &planned, integration).await,
        _ => Ok((None, Write::default())),
    };
    let (evidence, write, unprepared) = match prepared {
        Ok((evidence, write)) => (evidence, write, None),
        Err(failure) => (None, Write::default(), Some(failure)),
    };
    let step = journal.start(number, evidence, write).await?;
    if let Some(failure) = unprepared {
        return fail(journal, number, failure, Vec::new()).await;
    }
    let mut wait = FIRST_WAIT;
    let noted = Mutex::default();
    for tried in 1.. {
        let first_try = step.attempts == 1 && tried == 1;
        let turn = Turn { journal, step: &step, issuer, integration, first_try, noted: &noted };
        let failure = match run(&turn).await {
            Ok(Effect::Done(evidence, mut write)) => {
                write.events.splice(0..0, take(&noted));
                return record(journal, number, issuer, evidence, write).await.map(|()| Stepped::Done);
            }
            Ok(Effect::Wait(until, write)) => {
                journal.watch(&step, Point::Waits(until));
                return journal.write(write).await.map(|()| Stepped::Waits(until));
            }
            Ok(Effect::Reopen(steps)) => return journal.reopen(&steps).await.map(|()| Stepped::Reopened),
            Err(failure) => failure,
        };
        let pause = match failure.report.retry {
            Retry::Later(asked) => asked.unwrap_or(wait),
            Retry::Never | Retry::AfterFix => SignedDuration::MAX,
        };
        if tried == TRIES || pause > LONGEST_WAIT || !failure.reopen.is_empty() {
            return fail(journal, number, failure, take(&noted)).await;
        }
        let until = journal.now().checked_add(pause).unwrap_or(Timestamp::MAX);
        journal.watch(&step, Point::Waits(until));
        journal.engine.clock.wait_until(until).await;
        journal.hold().await.map_err(error::store)?;
        wait *= 4;
    }
    Ok(Stepped::Done)
}

async fn fail(
    journal: &mut Journal<'_>,
    number: usize,
    failure: StepFailure,
    noted: Vec<Event>,
) -> Result<Stepped, RotationError> {
    journal.failed(number, &failure.report.line(), &failure.reopen, noted).await?;
    if failure.reopen.is_empty() { Ok(Stepped::Failed(*failure.report)) } else { Ok(Stepped::Reopened) }
}

fn take(noted: &Mutex<Vec<Event>>) -> Vec<Event> {
    std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Journals an effect. If the lease was lost meanwhile, a key that it made is nobody's: it is deleted.
async fn record(
    journal: &mut Journal<'_>,
    number: usize,
    issuer: &dyn Issuer,
    evidence: Value,
    write: Write,
) -> Result<(), RotationError> {
    let made = write.changes.iter().find_map(|change| match change {
        model::Change::KeyAdded(key, secret) => Some((key.clone(), secret.clone())),
        _ => None,
    });
    let result = journal.done(number, evidence, write).await;
    if let (Err(failure), Some((key, secret))) = (&result, made)
        && failure.kind == StoreErrorKind::LeaseLost
    {
        // Whoever took over looks for the label too; this only closes the window earlier.
        disown(journal, issuer, &key, &secret).await;
    }
    result.map_err(error::store)
}

/// Deletes a key that was made and could not be noted, as far as that goes.
async fn disown(journal: &Journal<'_>, issuer: &dyn Issuer, key: &model::Key, secret: &model::Secret) {
    // Where one key takes the place of another, its id may be another's by now; its text is its own.
    let ours = issuer.capabilities().keys != KeyModel::OneOverwritten
        || issuer.prove(secret, &key.scopes).await.is_ok();
    if ours && issuer.delete(&key.native_id).await.is_ok() {
        let event = journal.key_event(EventKind::OrphanRemoved, key).with("label", key.label.clone());
        drop(journal.engine.store.record(vec![event]).await);
    }
}

/// The list of steps.
async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    match turn.step.kind {
        StepKind::Check => check::run(turn).await,
        StepKind::Create => create::run(turn).await,
        StepKind::Prove => prove::run(turn).await,
        StepKind::Deliver => deliver::run(turn).await,
        StepKind::Confirm => confirm::run(turn).await,
        StepKind::Reload => reload::run(turn).await,
        StepKind::Grace => grace::run(turn).await,
        StepKind::Retire => retire::run(turn).await,
        StepKind::ProveDead => prove_dead::run(turn).await,
        StepKind::Restore => restore::run(turn).await,
        StepKind::Remove => remove::run(turn).await,
        StepKind::Close => close::run(turn).await,
    }
}

impl Turn<'_, '_> {
    /// Notes what was done besides the step's own effect.
    fn note(&self, event: Event) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// The step's destination, opened.
    fn destination(&self) -> Result<Arc<dyn Destination>, StepFailure> {
        destination(self.journal, self.step, self.integration)
    }

    /// The new key and its text.
    async fn new_key(&self) -> Result<(model::Key, model::Secret), StepFailure> {
        let key = self.journal.new_key().await?;
        let key = key.ok_or_else(|| lost("the new key's record"))?;
        let secret = self.journal.engine.store.key_secret(key.id).await?;
        Ok((key, secret.ok_or_else(|| lost("the new key's text"))?))
    }
}

fn destination(
    journal: &Journal<'_>,
    step: &Step,
    integration: &Integration,
) -> Result<Arc<dyn Destination>, StepFailure> {
    let address = step.destination.as_ref().ok_or_else(|| lost("the step's destination"))?;
    Ok(journal.engine.world.destination(address, integration, Some(journal.rotation.id))?)
}

fn lost(what: &str) -> StepFailure {
    let report = Report::new(model::Blame::Bug, Retry::AfterFix, format!("{what} is not in the store"))
        .mend("keywright log verify");
    StepFailure { report: Box::new(report), reopen: Vec::new() }
}

impl From<StoreError> for StepFailure {
    fn from(failure: StoreError) -> Self {
        Self { report: failure.report, reopen: Vec::new() }
    }
}

impl From<IssuerError> for StepFailure {
    fn from(failure: IssuerError) -> Self {
        Self { report: failure.report, reopen: Vec::new() }
    }
}

impl From<DestinationError> for StepFailure {
    fn from(failure: DestinationError) -> Self {
        Self { report: failure.report, reopen: Vec::new() }
    }
}
