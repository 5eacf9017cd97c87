//! Writes a rotation's journal: every write is fenced, and carries its events with it.

use model::{
    Change, Event, EventKind, Fence, Fingerprint, Key, KeyState, Rotation, RotationStatus, Step, StepState,
    StoreError, Timestamp,
};
use serde_json::Value;

use crate::engine::Engine;
use crate::error::{self, RotationError};
use crate::lease::LEASE;
use crate::observer::{Moment, Point};

/// One rotation being driven: what the journal says, and the lease to write it with.
pub(crate) struct Journal<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) fence: Fence,
    pub(crate) rotation: Rotation,
}

/// What goes into one write besides the step itself.
#[derive(Default)]
pub(crate) struct Write {
    pub(crate) changes: Vec<Change>,
    pub(crate) events: Vec<Event>,
    /// The rotation's own fields, its steps left out.
    pub(crate) header: Option<Rotation>,
}

impl Journal<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    pub(crate) fn watch(&self, step: &Step, point: Point) {
        self.engine.observer.at(Moment { rotation: &self.rotation, step, point });
    }

    /// An event of this rotation.
    pub(crate) fn event(&self, kind: EventKind) -> Event {
        let at = self.now();
        let mut event = Event::new(self.engine.ids.event(at), at, kind, self.engine.actor.clone());
        event.instance = Some(self.rotation.instance.clone());
        event.integration = Some(self.rotation.integration.clone());
        event.rotation = Some(self.rotation.id);
        event
    }

    /// An event of one of its steps.
    pub(crate) fn step_event(&self, kind: EventKind, step: &Step) -> Event {
        let mut event = self.event(kind).with("step", step.kind.as_str()).with("number", step.number);
        event.destination.clone_from(&step.destination);
        event
    }

    /// An event of one of its keys.
    pub(crate) fn key_event(&self, kind: EventKind, key: &Key) -> Event {
        let mut event = self.event(kind).with("native_id", key.native_id.clone());
        event.key = Some(key.id);
        event.fingerprint = Some(key.fingerprint);
        event
    }

    /// Writes, and keeps what is in memory as it is on disk.
    async fn commit(&mut self, steps: Vec<Step>, write: Write) -> Result<(), StoreError> {
        let mut changes = write.changes;
        changes.extend(steps.iter().map(|step| Change::Step(Box::new(step.clone()))));
        changes.extend(write.header.iter().map(|header| Change::Rotation(Box::new(header.clone()))));
        self.engine.store.commit(&self.fence, changes, write.events).await?;
        if let Some(header) = write.header {
            self.rotation = Rotation { steps: std::mem::take(&mut self.rotation.steps), ..header };
        }
        for step in steps {
            if let Some(slot) = self.rotation.steps.iter_mut().find(|slot| slot.number == step.number) {
                *slot = step;
            }
        }
        Ok(())
    }

    /// Journals that a step is about to have its effect.
    pub(crate) async fn start(
        &mut self,
        number: usize,
        evidence: Option<Value>,
        mut write: Write,
    ) -> Result<Step, RotationError> {
        let mut step = self.step(number)?;
        self.watch(&step, Point::Before);
        step.state = StepState::Started;
        step.attempts = step.attempts.saturating_add(1);
        step.started_at = step.started_at.or(Some(self.now()));
        step.problem = None;
        if let Some(evidence) = evidence {
            step.evidence = evidence;
        }
        write.events.push(self.step_event(EventKind::StepStarted, &step).with("attempt", step.attempts));
        self.commit(vec![step.clone()], write).await.map_err(error::store)?;
        self.watch(&step, Point::Started);
        Ok(step)
    }

    /// Journals that a step had its effect. The raw error is given back, so that what the effect made can be
    /// unmade when the lease was lost meanwhile.
    pub(crate) async fn done(
        &mut self,
        number: usize,
        evidence: Value,
        mut write: Write,
    ) -> Result<(), StoreError> {
        let Ok(mut step) = self.step(number) else { return Ok(()) };
        step.state = StepState::Done;
        step.done_at = Some(self.now());
        step.evidence = evidence;
        self.watch(&step, Point::Effected);
        let event = self.step_event(EventKind::StepDone, &step).with("evidence", step.evidence.clone());
        write.events.push(event);
        self.commit(vec![step.clone()], write).await?;
        self.watch(&step, Point::Done);
        Ok(())
    }

    /// Journals that a step failed; `reopened` steps have to be done again.
    pub(crate) async fn failed(
        &mut self,
        number: usize,
        problem: &str,
        reopened: &[usize],
        events: Vec<Event>,
    ) -> Result<(), RotationError> {
        let mut step = self.step(number)?;
        step.state = StepState::Failed;
        step.problem = Some(problem.to_owned());
        let mut write = Write { events, ..Write::default() };
        write.events.push(self.step_event(EventKind::StepFailed, &step).with("problem", problem));
        let mut steps = vec![step.clone()];
        for number in reopened {
            let again = Step { state: StepState::Planned, ..self.step(*number)? };
            write.events.push(self.step_event(EventKind::StepReopened, &again));
            steps.push(again);
        }
        self.commit(steps, write).await.map_err(error::store)?;
        self.watch(&step, Point::Failed);
        Ok(())
    }

    /// Plans done deliveries again.
    pub(crate) async fn reopen(&mut self, numbers: &[usize]) -> Result<(), RotationError> {
        let mut write = Write::default();
        let mut steps = Vec::new();
        for number in numbers {
            let again = Step { state: StepState::Planned, ..self.step(*number)? };
            write.events.push(self.step_event(EventKind::StepReopened, &again));
            steps.push(again);
        }
        self.commit(steps, write).await.map_err(error::store)
    }

    /// Makes sure, after a wait, that the lease is still ours.
    pub(crate) async fn hold(&self) -> Result<(), StoreError> {
        self.engine.store.renew_lease(&self.fence, self.now(), LEASE).await
    }

    /// Writes what belongs to no step.
    pub(crate) async fn write(&mut self, write: Write) -> Result<(), RotationError> {
        self.commit(Vec::new(), write).await.map_err(error::store)
    }

    /// Turns the rotation round: what is not done is skipped, and the steps that undo it follow.
    pub(crate) async fn turn_round(
        &mut self,
        undo: Vec<Step>,
        because: Option<&str>,
    ) -> Result<(), RotationError> {
        let open = |step: &&Step| !matches!(step.state, StepState::Done | StepState::Skipped);
        let skip = |step: &Step| Step { state: StepState::Skipped, ..step.clone() };
        let skipped: Vec<Step> = self.rotation.steps.iter().filter(open).map(skip).collect();
        let header = Rotation {
            status: RotationStatus::Aborting,
            attempts: 0,
            next_try: None,
            problem: None,
            ..self.rotation.clone()
        };
        let mut write = Write::default();
        write.changes.push(Change::StepsAdded(undo.clone()));
        write.header = Some(header);
        let event = self.event(EventKind::RotationAborting);
        write.events.push(match because {
            Some(because) => event.with("because", because),
            None => event,
        });
        self.commit(skipped, write).await.map_err(error::store)?;
        self.rotation.steps.extend(undo);
        Ok(())
    }

    pub(crate) fn step(&self, number: usize) -> Result<Step, RotationError> {
        self.rotation.steps.get(number).cloned().ok_or_else(|| {
            error::not_possible(
                format!("rotation `{}` has no step {number}", self.rotation.id),
                "its journal is incomplete",
            )
        })
    }

    /// The record of the key that follows.
    pub(crate) async fn new_key(&self) -> Result<Option<Key>, StoreError> {
        match self.rotation.new_key {
            Some(id) => self.engine.store.key(id).await,
            None => Ok(None),
        }
    }
}

impl Write {
    /// A key in another state, with the event that says so.
    pub(crate) fn key(&mut self, journal: &Journal<'_>, mut key: Key, state: KeyState) {
        let now = journal.now();
        let kind = match state {
            KeyState::Pending => EventKind::KeyCreated,
            KeyState::Active => EventKind::KeyActivated,
            KeyState::Retiring => EventKind::KeyRetiring,
            KeyState::Retired => EventKind::KeyRetired,
        };
        key.state = state;
        if state == KeyState::Retired && key.retired_at.is_none() {
            key.retired_at = Some(now);
        }
        self.events.push(journal.key_event(kind, &key));
        self.changes.push(Change::Key(Box::new(key)));
    }
}

/// A fingerprint, as evidence.
pub(crate) fn shown(fingerprint: &Fingerprint) -> Value {
    Value::String(fingerprint.to_string())
}
