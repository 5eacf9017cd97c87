//! Drives and undoes rotations.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use model::{
    Address, Blame, Clock, Destination, DestinationError, EventKind, Fence, Hook, Ids, Instance,
    InstanceName, Integration, IntegrationName, Issuer, LeaseHolder, Mode, Report, Retry, Rotation,
    RotationId, RotationStatus, StepKind, StepState, Store, Timestamp, plan_abort,
};

use crate::error::{self, RotationError, RotationErrorKind};
use crate::journal::{Journal, Write};
use crate::lease::{self, Liveness};
use crate::observer::{Observer, Point};
use crate::steps::{self, Stepped};

/// Opens what a rotation reaches out to.
#[async_trait::async_trait]
pub trait World: Send + Sync {
    /// Who makes and kills an instance's keys. Does not call it yet.
    async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, Report>;
    /// A place that holds the integration's key, for a rotation or outside of one. Does not touch it yet.
    fn destination(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Destination>, DestinationError>;
    /// What makes the integration's program take up a new key. Does not run it yet.
    fn hook(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Hook>, DestinationError>;
}

/// Drives rotations. Cheap to clone; all its parts are shared.
#[derive(Clone)]
pub struct Engine {
    /// The journal and all that is kept.
    pub store: Arc<dyn Store>,
    /// Instances and destinations.
    pub world: Arc<dyn World>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// Whether the holder of a lease is dead.
    pub liveness: Arc<dyn Liveness>,
    /// Who we are, to other drivers.
    pub holder: LeaseHolder,
    /// Who we are, in the log.
    pub actor: String,
}

/// What came of driving a rotation as far as it goes now.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is over: done, or undone.
    Over(Box<Rotation>),
    /// All is delivered; the old key works until then.
    Waiting(Box<Rotation>, Timestamp),
    /// It stopped at these problems. Nothing is lost; it is tried again at `next_try`.
    Stalled(Box<Rotation>, Vec<Report>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forward,
    Back,
}

enum Taken {
    Lease(Fence),
    Over(Box<Rotation>),
}

/// How often destinations that somebody else writes to are written again before the rotation stalls.
const MAX_REOPENED: u32 = 2;

impl Engine {
    /// Drives a rotation as far as it goes now: to its end, to its grace, or to a problem.
    pub async fn drive(&self, id: RotationId) -> Result<Outcome, RotationError> {
        match self.take(id).await? {
            Taken::Lease(fence) => self.under_lease(fence, Way::Forward).await,
            Taken::Over(rotation) => Ok(Outcome::Over(rotation)),
        }
    }

    /// Undoes a rotation while the old key lives: destinations hold again what they held, the new key is gone.
    pub async fn abort(&self, id: RotationId) -> Result<Outcome, RotationError> {
        match self.take(id).await? {
            Taken::Lease(fence) => self.under_lease(fence, Way::Back).await,
            Taken::Over(rotation) => Err(error::not_abortable(&rotation, rotation.status.as_str())),
        }
    }

    /// The lease, or the rotation if it is over: nobody can have a lease of that.
    async fn take(&self, id: RotationId) -> Result<Taken, RotationError> {
        let taken = lease::take(&*self.store, &*self.clock, &*self.liveness, &self.holder, id).await;
        let failure = match taken {
            Ok(fence) => return Ok(Taken::Lease(fence)),
            Err(failure) if failure.kind == RotationErrorKind::LeaseLost => failure,
            Err(failure) => return Err(failure),
        };
        let rotation = self.store.rotation(id).await.map_err(error::store)?;
        match rotation.filter(|rotation| !rotation.status.is_open()) {
            Some(rotation) => Ok(Taken::Over(Box::new(rotation))),
            None => Err(failure),
        }
    }

    async fn under_lease(&self, fence: Fence, way: Way) -> Result<Outcome, RotationError> {
        let work = async {
            let mut journal = self.open(fence).await?;
            let forward =
                journal.rotation.status.is_open() && journal.rotation.status != RotationStatus::Aborting;
            if way == Way::Back && forward {
                self.check_abortable(&journal.rotation).await?;
                let steps = plan_abort(&journal.rotation);
                journal.turn_round(steps, None).await?;
            } else if forward && self.is_stillborn(&journal).await? {
                let steps = plan_abort(&journal.rotation);
                journal.turn_round(steps, Some("the new key ended before it was in use everywhere")).await?;
            }
            self.run(&mut journal).await
        };
        // Boxed: many rotations are driven at once, and what one awaits is large.
        let held = Box::pin(lease::while_held(&*self.store, &*self.clock, &fence, work));
        let result = held.await;
        // The result matters more than a lease that could not be given back: that one expires.
        drop(self.store.release_lease(&fence).await);
        result
    }

    /// Whether the new key ended by its own date before it took the old one's place, as after a long outage, or before it
    /// was delivered everywhere. It works for nobody any more, and another can only be made by another rotation.
    async fn is_stillborn(&self, journal: &Journal<'_>) -> Result<bool, RotationError> {
        let rotation = &journal.rotation;
        let makes = matches!(rotation.mode, Mode::Graceful | Mode::Create | Mode::Deliver);
        let followed = rotation.step(StepKind::Retire).is_some_and(|step| step.state == StepState::Done);
        if !makes || followed {
            return Ok(false);
        }
        let new = journal.new_key().await.map_err(error::store)?;
        let Some(new) = new.filter(|new| new.has_ended(self.clock.now())) else { return Ok(false) };
        let Some(secret) = self.store.key_secret(new.id).await.map_err(error::store)? else {
            return Ok(false);
        };
        let instance = self.instance(&rotation.instance).await?;
        // Our clock may be wrong: what n8n says counts.
        Ok(self.issuer(&instance).await?.prove_dead(&secret).await.is_ok())
    }

    /// Drives several at once, at most `at_once` together, and gives what came of each as it comes. One
    /// failure does not stop the others.
    pub fn drive_each(
        &self,
        ids: Vec<RotationId>,
        at_once: usize,
    ) -> impl Stream<Item = (RotationId, Result<Outcome, RotationError>)> {
        futures_util::stream::iter(ids)
            .map(move |id| async move { (id, self.drive(id).await) })
            .buffer_unordered(at_once.max(1))
    }

    /// The same, all results together.
    pub async fn drive_all(
        &self,
        ids: Vec<RotationId>,
        at_once: usize,
    ) -> Vec<(RotationId, Result<Outcome, RotationError>)> {
        self.drive_each(ids, at_once).collect().await
    }

    pub(crate) async fn instance(&self, name: &InstanceName) -> Result<Instance, RotationError> {
        let instance = self.store.instance(name).await.map_err(error::store)?;
        instance.ok_or_else(|| {
            let report =
                Report::new(Blame::Operator, Retry::AfterFix, format!("there is no instance `{name}`"))
                    .mend(format!("keywright connect {name} https://…"));
            model::Failure::new(RotationErrorKind::NotFound, report)
        })
    }

    pub(crate) async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, RotationError> {
        let opened = self.world.issuer(instance).await;
        opened.map_err(|report| model::Failure::new(RotationErrorKind::Instance, report))
    }

    async fn open(&self, fence: Fence) -> Result<Journal<'_>, RotationError> {
        let rotation = self.store.rotation(fence.rotation).await.map_err(error::store)?;
        let rotation = rotation.ok_or_else(|| {
            error::not_possible(
                format!("there is no rotation `{}`", fence.rotation),
                "the store does not know it",
            )
        })?;
        Ok(Journal { engine: self, fence, rotation })
    }

    /// The loop: the first step that is not done, again and again. A destination that fails blocks its own
    /// steps and what comes after all of them, not the other destinations.
    async fn run(&self, journal: &mut Journal<'_>) -> Result<Outcome, RotationError> {
        if let Some(outcome) = self.settled(journal) {
            return Ok(outcome);
        }
        let integration =
            self.store.integration(&journal.rotation.integration).await.map_err(error::store)?;
        let integration = integration.ok_or_else(|| error::no_integration(&journal.rotation.integration))?;
        let instance = self.instance(&journal.rotation.instance).await?;
        let issuer = self.issuer(&instance).await?;
        self.take_up(journal).await?;
        let mut blocked: Vec<(Option<Address>, Report)> = Vec::new();
        let mut reopened = 0;
        loop {
            let is_blocked =
                |to: &Option<Address>| to.is_some() && blocked.iter().any(|(address, _)| address == to);
            let open = |step: &model::Step| !matches!(step.state, StepState::Done | StepState::Skipped);
            let steps = &journal.rotation.steps;
            let Some(next) = steps.iter().position(|step| open(step) && !is_blocked(&step.destination))
            else {
                return Ok(Outcome::Over(Box::new(journal.rotation.clone())));
            };
            let destination = steps.get(next).and_then(|step| step.destination.clone());
            if destination.is_none() && !blocked.is_empty() {
                return self.stall(journal, blocked).await;
            }
            match steps::advance(journal, next, &*issuer, &integration).await? {
                Stepped::Done => {}
                Stepped::Waits(until) => {
                    return Ok(Outcome::Waiting(Box::new(journal.rotation.clone()), until));
                }
                Stepped::Reopened if reopened < MAX_REOPENED => reopened += 1,
                Stepped::Reopened => {
                    let report = Report::new(
                        Blame::Remote,
                        Retry::Later(None),
                        "a destination does not keep the new key",
                    )
                    .because("something else writes to it each time after us");
                    let alone = destination.is_none();
                    blocked.push((destination, report));
                    if alone {
                        return self.stall(journal, blocked).await;
                    }
                }
                Stepped::Failed(report) => {
                    let alone = destination.is_none();
                    blocked.push((destination, report));
                    if alone {
                        return self.stall(journal, blocked).await;
                    }
                }
            }
        }
    }

    /// What there is to say without doing anything.
    fn settled(&self, journal: &Journal<'_>) -> Option<Outcome> {
        let rotation = &journal.rotation;
        match (rotation.status, rotation.grace_until) {
            (status, _) if !status.is_open() => Some(Outcome::Over(Box::new(rotation.clone()))),
            (RotationStatus::Waiting, Some(until))
                if self.clock.now() < until && !steps::is_astray(until, rotation.grace, self.clock.now()) =>
            {
                Some(Outcome::Waiting(Box::new(rotation.clone()), until))
            }
            _ => None,
        }
    }

    /// Notes that a rotation goes on: one that stalled or waited runs again, one that died is taken over.
    async fn take_up(&self, journal: &mut Journal<'_>) -> Result<(), RotationError> {
        let mut write = Write::default();
        if matches!(journal.rotation.status, RotationStatus::Stalled | RotationStatus::Waiting) {
            write.header = Some(Rotation {
                status: RotationStatus::Running,
                next_try: None,
                ..journal.rotation.clone()
            });
        } else if let Some(step) =
            journal.rotation.next_step().filter(|step| step.state == StepState::Started)
        {
            write.events.push(journal.step_event(EventKind::RotationTakenOver, step));
        } else {
            return Ok(());
        }
        journal.write(write).await
    }

    async fn stall(
        &self,
        journal: &mut Journal<'_>,
        blocked: Vec<(Option<Address>, Report)>,
    ) -> Result<Outcome, RotationError> {
        let reports: Vec<Report> = blocked.into_iter().map(|(_, report)| report).collect();
        let attempts = journal.rotation.attempts.saturating_add(1);
        let asked = reports.iter().filter_map(|report| match report.retry {
            Retry::Later(wait) => wait,
            _ => None,
        });
        let wait = asked.fold(model::backoff(attempts), Ord::max);
        let status = match journal.rotation.status {
            RotationStatus::Aborting => RotationStatus::Aborting,
            _ => RotationStatus::Stalled,
        };
        let problem = reports.iter().map(Report::line).collect::<Vec<_>>().join("; ");
        let header = Rotation {
            status,
            attempts,
            next_try: journal.now().checked_add(wait).ok(),
            problem: Some(problem.clone()),
            ..journal.rotation.clone()
        };
        let mut write = Write { header: Some(header), ..Write::default() };
        write.events.push(
            journal.event(EventKind::RotationStalled).with("problem", problem).with("attempts", attempts),
        );
        journal.write(write).await?;
        if let Some(step) = journal.rotation.next_step() {
            journal.watch(step, Point::Stalled);
        }
        Ok(Outcome::Stalled(Box::new(journal.rotation.clone()), reports))
    }

    async fn check_abortable(&self, rotation: &Rotation) -> Result<(), RotationError> {
        let instance = self.instance(&rotation.instance).await?;
        let overlaps = instance.capabilities.keys.overlaps();
        let killed = rotation.touched(StepKind::Retire)
            || (rotation.mode == Mode::Graceful && !overlaps && rotation.touched(StepKind::Create));
        if matches!(rotation.mode, Mode::Compromised | Mode::Revoke) {
            return Err(error::not_abortable(rotation, "to kill a key, which is not taken back"));
        }
        // What a person was told to do may not be done.
        if killed && !(instance.is_assisted() && self.old_keys_work(rotation, &instance).await?) {
            return Err(error::not_abortable(rotation, "past the killing of the old key"));
        }
        if rotation.mode == Mode::Graceful && rotation.touched(StepKind::Deliver) {
            let issuer = self.issuer(&instance).await?;
            for id in &rotation.old_keys {
                let secret = self.store.key_secret(*id).await.map_err(error::store)?;
                // It may have expired, or somebody deleted it: going back would leave the clients with nothing.
                if let Some(secret) = secret
                    && issuer.prove_dead(&secret).await.is_ok()
                {
                    return Err(error::not_abortable(rotation, "past its old key, which n8n refuses"));
                }
            }
        }
        Ok(())
    }

    async fn old_keys_work(&self, rotation: &Rotation, instance: &Instance) -> Result<bool, RotationError> {
        let issuer = self.issuer(instance).await?;
        for id in &rotation.old_keys {
            let (key, secret) = (
                self.store.key(*id).await.map_err(error::store)?,
                self.store.key_secret(*id).await.map_err(error::store)?,
            );
            let (Some(key), Some(secret)) = (key, secret) else { return Ok(false) };
            if issuer.prove(&secret, &key.scopes).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Open rotations, oldest first; all of them, or one integration's.
    pub async fn open_rotations(&self, of: Option<&IntegrationName>) -> Result<Vec<Rotation>, RotationError> {
        let mut open = self.store.open_rotations().await.map_err(error::store)?;
        open.retain(|rotation| of.is_none_or(|name| rotation.integration == *name));
        Ok(open)
    }
}
