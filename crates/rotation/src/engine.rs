//! Begins, drives, previews and undoes rotations.

use std::sync::Arc;

use futures_util::StreamExt as _;
use model::{
    Address, Blame, Clock, Destination, DestinationError, Event, EventKind, Fence, Ids, Instance,
    InstanceName, Integration, IntegrationName, Issuer, Key, LeaseHolder, Mode, NewRotation, Report, Retry,
    Rotation, RotationId, RotationStatus, StartOutcome, StepKind, StepState, Store, StoreErrorKind,
    Timestamp, plan, plan_abort,
};

use crate::error::{self, RotationError, RotationErrorKind};
use crate::journal::{Journal, Write};
use crate::lease::{self, LEASE, Liveness};
use crate::observer::Observer;
use crate::request::{Preview, Request};
use crate::steps::{self, Stepped};

/// Opens what a rotation reaches out to.
#[async_trait::async_trait]
pub trait World: Send + Sync {
    /// Who makes and kills an instance's keys. Does not call it yet.
    async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, Report>;
    /// A place that holds the integration's key. Does not touch it yet.
    fn destination(&self, to: &Address, of: &Integration) -> Result<Arc<dyn Destination>, DestinationError>;
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

enum Taken {
    Lease(Fence),
    Over(Box<Rotation>),
}

/// How often destinations that somebody else writes to are written again before the rotation stalls.
const MAX_REOPENED: u32 = 2;

impl Engine {
    /// Begins a rotation: writes its plan, and holds its lease. Drive it next.
    pub async fn start(&self, request: &Request) -> Result<RotationId, RotationError> {
        let (integration, instance, keys) = self.subject(request).await?;
        let living: Vec<&Key> = keys.iter().filter(|key| key.state.lives()).collect();
        check_startable(request, &integration, &living)?;
        let at = self.clock.now();
        let rotation = Rotation {
            id: self.ids.rotation(at),
            integration: integration.name.clone(),
            instance: instance.name.clone(),
            mode: request.mode,
            status: RotationStatus::Running,
            old_keys: living.iter().map(|key| key.id).collect(),
            new_key: None,
            grace: request.grace.unwrap_or(integration.grace),
            grace_until: None,
            attempts: 0,
            next_try: None,
            problem: None,
            gap_ms: None,
            started_at: at,
            finished_at: None,
            steps: plan(request.mode, instance.capabilities.keys, &integration.destinations),
        };
        let id = rotation.id;
        let mut new = NewRotation {
            rotation,
            integration: request.declare.clone(),
            supersede: None,
            holder: self.holder.clone(),
            lease_for: LEASE,
        };
        // Each turn either begins it, fails, or names the open rotation that gives way in the next.
        for _ in 0..8 {
            let events = self.start_events(&new);
            match self.store.start_rotation(new.clone(), events).await {
                Ok(StartOutcome::Started(_)) => return Ok(id),
                Ok(StartOutcome::AlreadyOpen(open)) => {
                    new.supersede = Some(self.yielding(request, open).await?);
                }
                // The one that was to give way is over by now.
                Err(failure)
                    if failure.kind == StoreErrorKind::IllegalTransition && new.supersede.is_some() =>
                {
                    new.supersede = None;
                }
                Err(failure) => return Err(error::store(failure)),
            }
        }
        let report = Report::new(
            Blame::Operator,
            Retry::Later(None),
            format!("`{}` is being rotated again and again", integration.name),
        )
        .because("other processes keep beginning rotations of it");
        Err(model::Failure::new(RotationErrorKind::NotPossible, report))
    }

    /// The open rotation that gives way to the asked one, if it is to.
    async fn yielding(&self, request: &Request, open: RotationId) -> Result<RotationId, RotationError> {
        let rotation = self.store.rotation(open).await.map_err(error::store)?;
        match rotation {
            Some(rotation) if gives_way(&rotation, request.mode) => Ok(open),
            rotation => {
                let status = rotation.map_or(RotationStatus::Running, |rotation| rotation.status);
                Err(error::already_open(&request.integration, open, status))
            }
        }
    }

    fn start_events(&self, new: &NewRotation) -> Vec<Event> {
        let at = new.rotation.started_at;
        let event = |kind| {
            let mut event = Event::new(self.ids.event(at), at, kind, self.actor.clone());
            event.instance = Some(new.rotation.instance.clone());
            event.integration = Some(new.rotation.integration.clone());
            event.rotation = Some(new.rotation.id);
            event
        };
        let mut events = Vec::new();
        if let Some(integration) = &new.integration {
            let scopes: Vec<&str> = integration.scopes.iter().map(model::Scope::as_str).collect();
            let to: Vec<String> = integration.destinations.iter().map(Address::to_string).collect();
            events
                .push(event(EventKind::IntegrationDeclared).with("scopes", scopes).with("destinations", to));
        }
        if let Some(id) = new.supersede {
            events.push(Event {
                rotation: Some(id),
                ..event(EventKind::RotationSuperseded).with("by", new.rotation.id.to_string())
            });
        }
        let old: Vec<String> = new.rotation.old_keys.iter().map(ToString::to_string).collect();
        events.push(
            event(EventKind::RotationStarted).with("mode", new.rotation.mode.as_str()).with("old_keys", old),
        );
        events
    }

    /// Drives a rotation as far as it goes now: to its end, to its grace, or to a problem.
    pub async fn drive(&self, id: RotationId) -> Result<Outcome, RotationError> {
        match self.take(id).await? {
            Taken::Lease(fence) => self.under_lease(fence, None).await,
            Taken::Over(rotation) => Ok(Outcome::Over(rotation)),
        }
    }

    /// Undoes a rotation while the old key lives: destinations hold again what they held, the new key is gone.
    pub async fn abort(&self, id: RotationId) -> Result<Outcome, RotationError> {
        match self.take(id).await? {
            Taken::Lease(fence) => self.under_lease(fence, Some(())).await,
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

    async fn under_lease(&self, fence: Fence, undo: Option<()>) -> Result<Outcome, RotationError> {
        let work = async {
            let mut journal = self.open(fence).await?;
            if undo.is_some() && journal.rotation.status != RotationStatus::Aborting {
                self.check_abortable(&journal.rotation).await?;
                let steps = plan_abort(&journal.rotation);
                journal.turn_round(steps).await?;
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

    /// Drives several at once, at most `at_once` together. One failure does not stop the others.
    pub async fn drive_all(
        &self,
        ids: Vec<RotationId>,
        at_once: usize,
    ) -> Vec<(RotationId, Result<Outcome, RotationError>)> {
        futures_util::stream::iter(ids)
            .map(|id| async move { (id, self.drive(id).await) })
            .buffer_unordered(at_once.max(1))
            .collect()
            .await
    }

    /// What a rotation would do: its plan, after all checks that change nothing.
    pub async fn preview(&self, request: &Request) -> Result<Preview, RotationError> {
        let (integration, instance, keys) = self.subject(request).await?;
        let living: Vec<&Key> = keys.iter().filter(|key| key.state.lives()).collect();
        check_startable(request, &integration, &living)?;
        let issuer = self.issuer(&instance).await?;
        steps::preview(self, &*issuer, &integration, request.mode).await?;
        let steps = plan(request.mode, instance.capabilities.keys, &integration.destinations);
        let gap = request.mode == Mode::Compromised
            || (request.mode == Mode::Graceful && !instance.capabilities.keys.overlaps());
        let grace = request.grace.unwrap_or(integration.grace);
        let dies = match request.mode {
            Mode::Create => None,
            Mode::Graceful if !gap => self.clock.now().checked_add(grace.duration()).ok(),
            _ => Some(self.clock.now()),
        };
        Ok(Preview { integration, mode: request.mode, steps, has_gap: gap, old_key_dies_at: dies })
    }

    async fn subject(&self, request: &Request) -> Result<(Integration, Instance, Vec<Key>), RotationError> {
        let known = self.store.integration(&request.integration).await.map_err(error::store)?;
        let integration =
            request.declare.clone().or(known).ok_or_else(|| error::no_integration(&request.integration))?;
        let instance = self.instance(&integration.instance).await?;
        let keys = self.store.keys(Some(&integration.name)).await.map_err(error::store)?;
        Ok((integration, instance, keys))
    }

    async fn instance(&self, name: &InstanceName) -> Result<Instance, RotationError> {
        let instance = self.store.instance(name).await.map_err(error::store)?;
        instance.ok_or_else(|| {
            let report =
                Report::new(Blame::Operator, Retry::AfterFix, format!("there is no instance `{name}`"))
                    .mend(format!("keywright connect {name} https://…"));
            model::Failure::new(RotationErrorKind::NotFound, report)
        })
    }

    async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, RotationError> {
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
            (RotationStatus::Waiting, Some(until)) if self.clock.now() < until => {
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
        Ok(Outcome::Stalled(Box::new(journal.rotation.clone()), reports))
    }

    async fn check_abortable(&self, rotation: &Rotation) -> Result<(), RotationError> {
        let instance = self.instance(&rotation.instance).await?;
        let overlaps = instance.capabilities.keys.overlaps();
        let killed = rotation.touched(StepKind::Retire)
            || (rotation.mode == Mode::Graceful && !overlaps && rotation.touched(StepKind::Create));
        if killed || matches!(rotation.mode, Mode::Compromised | Mode::Revoke) {
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

    /// Open rotations, oldest first; all of them, or one integration's.
    pub async fn open_rotations(&self, of: Option<&IntegrationName>) -> Result<Vec<Rotation>, RotationError> {
        let mut open = self.store.open_rotations().await.map_err(error::store)?;
        open.retain(|rotation| of.is_none_or(|name| rotation.integration == *name));
        Ok(open)
    }
}

/// Whether an open rotation gives way to one of this mode.
fn gives_way(open: &Rotation, mode: Mode) -> bool {
    match (open.mode, mode) {
        (Mode::Create | Mode::Graceful, Mode::Compromised | Mode::Revoke)
        | (Mode::Compromised, Mode::Revoke) => true,
        // Stuck behind a destination, and its new key leaked too.
        (Mode::Compromised, Mode::Compromised) => {
            open.status == RotationStatus::Stalled && open.new_key.is_some()
        }
        _ => false,
    }
}

/// Whether the integration's keys allow what is asked.
fn check_startable(
    request: &Request,
    integration: &Integration,
    living: &[&Key],
) -> Result<(), RotationError> {
    let name = &integration.name;
    match (request.mode, living) {
        (Mode::Create, [key, ..]) => {
            let what = format!("`{name}` has a key already");
            let mut failure = error::not_possible(what, format!("key {} is {}", key.id, key.state.as_str()));
            failure.report.mend.push(format!("keywright rotate {name}"));
            Err(failure)
        }
        (Mode::Graceful | Mode::Compromised | Mode::Revoke, []) => {
            let mut failure =
                error::not_possible(format!("`{name}` has no key"), "none was made, or all are retired");
            failure.report.mend.push(format!("keywright key create {name} --help"));
            Err(failure)
        }
        _ => Ok(()),
    }
}
