//! One piece of work: a rotation driven or begun, an instance asked.

use model::{
    InstanceName, IntegrationName, Mode, NoticeKind, Rotation, RotationId, RotationStatus, StoreError,
    Timestamp,
};
use serde_json::json;

use super::Scheduler;
use super::state::after;
use crate::due::Served;
use crate::engine::Outcome;
use crate::error::{RotationError, RotationErrorKind};
use crate::request::Request;

/// Something to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Drive(RotationId, IntegrationName),
    /// For the time at which it was due.
    Begin(IntegrationName, Timestamp),
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
            Job::Drive(_, name) | Job::Begin(name, _) => state.rotating.insert(name.clone()),
            Job::Survey(name) => state.asking.insert(name.clone()),
        };
    }

    pub(crate) fn put_down(&self, job: &Job) {
        let mut state = self.state.lock();
        match job {
            Job::Drive(_, name) | Job::Begin(name, _) => state.rotating.remove(name),
            Job::Survey(name) => state.asking.remove(name),
        };
    }

    /// Does it. What fails is noted and tried again; it stops nothing else.
    pub(crate) async fn work(&self, job: &Job) {
        let noted = match job {
            Job::Survey(name) => self.survey(name).await,
            Job::Drive(id, name) => {
                let result = Box::pin(self.engine.drive(*id)).await;
                self.driven(name, *id, result).await
            }
            Job::Begin(name, due) => self.begin(name, *due).await,
        };
        if noted.is_err() {
            self.pulse.set(|pulse| pulse.store_failures += 1);
        }
    }

    async fn begin(&self, name: &IntegrationName, due: Timestamp) -> Result<(), StoreError> {
        let id = match self.engine.start(&Request::new(name.clone(), Mode::Graceful)).await {
            Ok(id) => id,
            // Somebody was faster.
            Err(failure) if matches!(failure.kind, RotationErrorKind::AlreadyOpen(_)) => {
                self.put_off(name, BUSY);
                return Ok(());
            }
            Err(failure) => {
                self.failed(name, &failure);
                return Ok(());
            }
        };
        self.pulse.set(|pulse| pulse.begun += 1);
        let memo = json!(Served { at: due, rotation: id });
        let noted = self.store().put_memo(&format!("due/{name}"), Some(&memo), Vec::new()).await;
        let result = Box::pin(self.engine.drive(id)).await;
        self.driven(name, id, result).await?;
        noted
    }

    async fn driven(
        &self,
        name: &IntegrationName,
        id: RotationId,
        result: Result<Outcome, RotationError>,
    ) -> Result<(), StoreError> {
        let now = self.clock().now();
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(failure) => {
                self.failed(name, &failure);
                return Ok(());
            }
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
            Outcome::Over(rotation) => self.over(&rotation).await,
            Outcome::Waiting(..) => Ok(()),
            Outcome::Stalled(..) => {
                self.pulse.set(|pulse| pulse.stalled += 1);
                Ok(())
            }
        }
    }

    async fn over(&self, rotation: &Rotation) -> Result<(), StoreError> {
        if rotation.status == RotationStatus::Aborted {
            // Somebody undid it: not at once again.
            self.put_off(&rotation.integration, model::BACKOFF_MAX);
        }
        if rotation.status != RotationStatus::Done {
            return Ok(());
        }
        self.pulse.set(|pulse| pulse.done += 1);
        let text = match rotation.mode {
            Mode::Revoke => format!("the key of `{}` is dead", rotation.integration),
            _ => format!("`{}` has a new key", rotation.integration),
        };
        let notice = self.notice(NoticeKind::Done, text).of_rotation(rotation);
        self.queue(notice.with("gap_ms", json!(rotation.gap_ms))).await
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
