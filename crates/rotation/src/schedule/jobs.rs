//! One piece of work: a rotation driven or begun, an instance asked.

use model::{InstanceName, IntegrationName, Mode, Rotation, RotationId, RotationStatus};

use super::Scheduler;
use super::state::after;
use crate::engine::Outcome;
use crate::error::{self, RotationError, RotationErrorKind};
use crate::request::Request;

/// Something to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Drive(RotationId, IntegrationName),
    Begin(IntegrationName),
    Survey(InstanceName),
}

/// A rotation that somebody else drives is looked at again after this.
const BUSY: model::SignedDuration = model::SignedDuration::from_secs(30);

impl Job {
    pub(crate) fn is_survey(&self) -> bool {
        matches!(self, Self::Survey(_))
    }
}

impl Scheduler {
    /// Notes that a job is in hand, so that it is not planned again.
    pub(crate) fn take_on(&self, job: &Job) {
        let mut state = self.state.lock();
        match job {
            Job::Drive(_, name) | Job::Begin(name) => state.rotating.insert(name.clone()),
            Job::Survey(name) => state.asking.insert(name.clone()),
        };
    }

    pub(crate) fn put_down(&self, job: &Job) {
        let mut state = self.state.lock();
        match job {
            Job::Drive(_, name) | Job::Begin(name) => state.rotating.remove(name),
            Job::Survey(name) => state.asking.remove(name),
        };
    }

    /// Does it. What fails is noted and tried again; it stops nothing else.
    pub(crate) async fn work(&self, job: &Job) {
        match job {
            Job::Survey(name) => {
                if self.survey(name).await.is_err() {
                    self.pulse.set(|pulse| pulse.store_failures += 1);
                }
            }
            Job::Drive(id, name) => self.drive(name, *id).await,
            Job::Begin(name) => self.begin(name).await,
        }
    }

    async fn begin(&self, name: &IntegrationName) {
        match self.engine.start(&Request::new(name.clone(), Mode::Graceful)).await {
            Ok(id) => {
                self.pulse.set(|pulse| pulse.begun += 1);
                self.drive(name, id).await;
            }
            // Somebody was faster.
            Err(failure) if matches!(failure.kind, RotationErrorKind::AlreadyOpen(_)) => {
                self.put_off(name, BUSY);
            }
            Err(failure) => self.failed(name, &failure),
        }
    }

    /// Whatever becomes of this process, people are told of the end.
    async fn drive(&self, name: &IntegrationName, id: RotationId) {
        let result = match self.owe(id).await {
            Ok(()) => Box::pin(self.engine.drive(id)).await,
            Err(failure) => Err(error::store(failure)),
        };
        self.driven(name, id, result);
    }

    fn driven(&self, name: &IntegrationName, id: RotationId, result: Result<Outcome, RotationError>) {
        let now = self.clock().now();
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(failure) => return self.failed(name, &failure),
        };
        {
            let mut state = self.state.lock();
            state.put_off.remove(name);
            state.driven.insert(id, now);
            if matches!(outcome, Outcome::Over(_)) {
                state.driven.remove(&id);
            }
        }
        match outcome {
            Outcome::Over(rotation) => self.over(&rotation),
            Outcome::Waiting(..) => {}
            Outcome::Stalled(..) => self.pulse.set(|pulse| pulse.stalled += 1),
        }
    }

    fn over(&self, rotation: &Rotation) {
        if rotation.status == RotationStatus::Aborted && rotation.mode != Mode::Deliver {
            // Somebody undid it: not at once again.
            self.put_off(&rotation.integration, model::BACKOFF_MAX);
        }
        if rotation.status == RotationStatus::Done {
            self.pulse.set(|pulse| pulse.done += 1);
        }
        self.state.queued.notify_one();
    }

    fn failed(&self, name: &IntegrationName, failure: &RotationError) {
        if matches!(failure.kind, RotationErrorKind::Busy(_) | RotationErrorKind::LeaseLost) {
            self.put_off(name, BUSY);
            return;
        }
        self.pulse.set(|pulse| pulse.failed += 1);
        let now = self.clock().now();
        let mut state = self.state.lock();
        let slot = state.put_off.entry(name.clone()).or_insert((now, 0));
        slot.1 = slot.1.saturating_add(1);
        // A store that hiccups is no reason to wait for long.
        let wait = match failure.kind {
            RotationErrorKind::Store => model::backoff(slot.1).min(BUSY),
            _ => model::backoff(slot.1),
        };
        slot.0 = after(now, wait);
    }

    fn put_off(&self, name: &IntegrationName, by: model::SignedDuration) {
        let until = after(self.clock().now(), by);
        self.state.lock().put_off.insert(name.clone(), (until, 0));
    }
}
