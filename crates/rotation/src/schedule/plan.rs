//! What is to be done now, and when to look again.

use std::collections::BTreeMap;

use model::{
    BACKOFF_MAX, Event, EventKind, Instance, InstanceName, Integration, IntegrationName, Key, Mode, Rotation,
    RotationStatus, SignedDuration, StoreError, Timestamp,
};

use super::drifted::is_delivered_to;
use super::jobs::Job;
use super::state::{after, sound};
use super::{Scheduler, warn};
use crate::due::{active, next_due, next_due_after};
use crate::steps::{CLOCK_TOLERANCE, is_astray};

/// How long a rotation that somebody undid is not begun again.
const UNDONE_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Behind how many mere deliveries a rotation that turns a key is looked for.
const LOOK_BACK: u32 = 20;

/// Everything, as it was at one moment.
pub(crate) struct Look {
    pub(crate) now: Timestamp,
    pub(crate) instances: BTreeMap<InstanceName, Instance>,
    pub(crate) integrations: Vec<Integration>,
    pub(crate) keys: Vec<Key>,
    pub(crate) open: Vec<Rotation>,
    /// When the rotation began that made an integration's key, where the calendar says that it is due.
    pub(crate) begun: BTreeMap<IntegrationName, Timestamp>,
    /// Until when a key that is due is left alone, as somebody undid its rotation.
    pub(crate) undone: BTreeMap<IntegrationName, Timestamp>,
}

/// What came of looking.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    pub(crate) jobs: Vec<Job>,
    pub(crate) next: Option<Timestamp>,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Timestamp, now: Timestamp, job: Job) {
        if at <= now { self.jobs.push(job) } else { self.again(at) }
    }

    pub(crate) fn again(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

impl Look {
    pub(crate) fn instance_of(&self, of: &Integration) -> Option<&Instance> {
        self.instances.get(&of.instance).filter(|instance| instance.retired_at.is_none())
    }

    pub(crate) fn integration(&self, name: &IntegrationName) -> Option<&Integration> {
        self.integrations.iter().find(|of| of.name == *name)
    }

    pub(crate) fn next_due(&self, of: &Integration) -> Option<Timestamp> {
        next_due_after(of, &self.keys, self.begun.get(&of.name).copied())
    }
}

impl Scheduler {
    /// Looks at everything.
    pub(crate) async fn plan(&self) -> Result<Agenda, StoreError> {
        let look = self.look().await?;
        let mut agenda = Agenda::default();
        let mut by_hand = Vec::new();
        for rotation in &look.open {
            self.plan_open(&look, rotation, &mut agenda);
        }
        for of in look.integrations.iter().filter(|of| of.retired_at.is_none()) {
            let Some(instance) = look.instance_of(of) else { continue };
            if look.open.iter().any(|rotation| rotation.integration == of.name) {
                continue;
            }
            if of.is_told_by_hand() || instance.is_assisted() {
                by_hand.push(of);
            } else if let Some(due) = look.next_due(of) {
                self.plan_due(&look, of, due, &mut agenda);
            }
        }
        self.plan_surveys(&look, &mut agenda);
        self.warn(&look, &by_hand, &mut agenda).await?;
        Ok(agenda)
    }

    async fn look(&self) -> Result<Look, StoreError> {
        let store = self.store();
        // Rotations last: one that ended since leaves newer keys than are seen here, so keys come after them.
        let open = store.open_rotations().await?;
        let integrations = store.integrations().await?;
        let instances = store.instances().await?.into_iter();
        let mut look = Look {
            now: self.clock().now(),
            instances: instances.map(|instance| (instance.name.clone(), instance)).collect(),
            integrations,
            keys: store.living_keys().await?,
            open,
            begun: BTreeMap::new(),
            undone: BTreeMap::new(),
        };
        self.redate(&mut look).await?;
        self.look_back(&mut look).await?;
        self.respect_undoing(&mut look).await?;
        Ok(look)
    }

    /// What made the keys that the calendar says are due.
    async fn look_back(&self, look: &mut Look) -> Result<(), StoreError> {
        let due = |of: &&Integration| next_due(of, &look.keys).is_some_and(|due| due <= look.now);
        let by_calendar = look.integrations.iter().filter(|of| of.rotate_on.is_some()).filter(due);
        let keys: Vec<_> = by_calendar.filter_map(|of| active(of, &look.keys)).collect();
        let mut begun = BTreeMap::new();
        for key in keys {
            let rotation = self.store().rotation(key.rotation).await?;
            if let Some(rotation) = rotation.filter(|rotation| rotation.mode != Mode::Adopt) {
                begun.insert(key.integration.clone(), rotation.started_at);
            }
        }
        look.begun = begun;
        Ok(())
    }

    /// Somebody undid a rotation, and had a reason: it is not begun again on the same day.
    async fn respect_undoing(&self, look: &mut Look) -> Result<(), StoreError> {
        let due = |of: &&Integration| next_due(of, &look.keys).is_some_and(|due| due <= look.now);
        let mut undone = BTreeMap::new();
        for of in look.integrations.iter().filter(|of| of.retired_at.is_none()).filter(due) {
            let last = self.store().rotations_of(&of.name, LOOK_BACK).await?;
            let last = last.iter().find(|rotation| rotation.mode != Mode::Deliver);
            let Some(last) = last.filter(|rotation| rotation.status == RotationStatus::Aborted) else {
                continue;
            };
            let new = match last.new_key {
                Some(new) => self.store().key(new).await?,
                None => None,
            };
            // Nobody undid one whose new key had ended: it could only be begun anew.
            let ended = |key: &Key| last.finished_at.is_some_and(|at| key.has_ended(at));
            if let Some(at) = last.finished_at.filter(|_| !new.as_ref().is_some_and(ended)) {
                undone.insert(of.name.clone(), sound(after(at, UNDONE_FOR), look.now, UNDONE_FOR));
            }
        }
        look.undone = undone;
        Ok(())
    }

    /// A key that was made in the future: the clock stepped back since. It counts from now.
    async fn redate(&self, look: &mut Look) -> Result<(), StoreError> {
        let now = look.now;
        for key in &mut look.keys {
            if key.created_at.duration_since(now) <= CLOCK_TOLERANCE {
                continue;
            }
            let mut event = self.event(EventKind::KeyRedated, now);
            event.integration = Some(key.integration.clone());
            event.key = Some(key.id);
            event.fingerprint = Some(key.fingerprint);
            let event = event.with("from", key.created_at.to_string());
            self.store().redate_key(key.id, now, vec![event]).await?;
            key.created_at = now;
        }
        Ok(())
    }

    pub(crate) fn event(&self, kind: EventKind, at: Timestamp) -> Event {
        Event::new(self.ids().event(at), at, kind, self.engine.actor.clone())
    }

    fn plan_open(&self, look: &Look, rotation: &Rotation, agenda: &mut Agenda) {
        let Some(of) =
            look.integration(&rotation.integration).filter(|of| is_ours_to_drive(look, of, rotation))
        else {
            return;
        };
        let now = look.now;
        let state = self.state.lock();
        if state.rotating.contains(&of.name) {
            return;
        }
        let driven = state.driven.get(&rotation.id).filter(|at| **at <= now);
        let wanted = match (rotation.status, rotation.grace_until, rotation.next_try) {
            (RotationStatus::Waiting, Some(until), _) if is_astray(until, rotation.grace, now) => now,
            (RotationStatus::Waiting, Some(until), _) => until,
            // Set further ahead than we wait: by a clock that stepped back, or by who asked to be left alone.
            (_, _, Some(at)) if at.duration_since(now) > BACKOFF_MAX + CLOCK_TOLERANCE => {
                driven.map_or(now, |at| after(*at, BACKOFF_MAX))
            }
            (_, _, Some(at)) => at,
            _ => now,
        };
        let put_off = state.put_off.get(&of.name).map(|(at, _)| sound(*at, now, BACKOFF_MAX));
        agenda.add(
            put_off.map_or(wanted, |at| at.max(wanted)),
            now,
            Job::Drive(rotation.id, of.name.clone()),
        );
    }

    fn plan_due(&self, look: &Look, of: &Integration, due: Timestamp, agenda: &mut Agenda) {
        let state = self.state.lock();
        if state.rotating.contains(&of.name) {
            return;
        }
        let put_off = state.put_off.get(&of.name).map(|(at, _)| sound(*at, look.now, BACKOFF_MAX));
        let due = look.undone.get(&of.name).map_or(due, |at| due.max(*at));
        agenda.add(put_off.map_or(due, |at| at.max(due)), look.now, Job::Begin(of.name.clone()));
    }

    fn plan_surveys(&self, look: &Look, agenda: &mut Agenda) {
        let mut state = self.state.lock();
        let asked = |one: &&Instance| !one.is_assisted() || is_delivered_to(one, &look.integrations);
        let served = look.instances.values().filter(|one| one.retired_at.is_none()).filter(asked);
        for instance in served {
            if state.asking.contains(&instance.name) {
                continue;
            }
            let every = self.config.survey_every.duration();
            let slot = state.surveys.entry(instance.name.clone()).or_default();
            // Each instance at another moment.
            let first = after(look.now, spread(&instance.name, (every / 10).min(model::BACKOFF_FIRST)));
            let at = sound(*slot.next_at.get_or_insert(first), look.now, every);
            agenda.add(at, look.now, Job::Survey(instance.name.clone()));
        }
    }
}

/// Always the same part of `most`, another for each name.
pub(crate) fn spread(name: &InstanceName, most: SignedDuration) -> SignedDuration {
    let hash = name.as_str().bytes().fold(7_i64, |hash, byte| (hash * 31 + i64::from(byte)) % 1_000);
    SignedDuration::from_millis(i64::try_from(most.as_millis()).unwrap_or(0) / 1_000 * hash)
}

/// Whether a person has to make or delete a key in it.
pub(crate) fn needs_person(instance: &Instance, rotation: &Rotation) -> bool {
    instance.is_assisted() && rotation.mode != Mode::Deliver
}

/// Whether it goes on without a person.
fn is_ours_to_drive(look: &Look, of: &Integration, rotation: &Rotation) -> bool {
    let Some(instance) = look.instances.get(&rotation.instance) else { return false };
    let kills = rotation.mode == Mode::Revoke || rotation.status == RotationStatus::Aborting;
    let serves = of.retired_at.is_none() || kills;
    // The text of a key that is told by hand is told by the command that makes it.
    let makes = !kills && rotation.mode != Mode::Deliver;
    let reaches = !of.is_told_by_hand() || !makes || rotation.grace_until.is_some();
    instance.retired_at.is_none() && !needs_person(instance, rotation) && serves && reaches
}

impl Look {
    /// The key that a person has to turn, and when it is too late.
    pub(crate) fn by_hand(&self, of: &Integration) -> Option<warn::ByHand<'_>> {
        let key = active(of, &self.keys)?;
        let due = self.next_due(of);
        due.map(|due| warn::ByHand { key, due })
    }
}
