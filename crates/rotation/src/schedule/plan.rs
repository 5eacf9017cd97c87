//! What is to be done now, and when to look again.

use std::collections::BTreeMap;

use model::{
    BACKOFF_MAX, Event, EventKind, Instance, InstanceName, Integration, IntegrationName, Key, Mode, Rotation,
    RotationStatus, StoreError, Timestamp,
};

use super::jobs::Job;
use super::state::{after, sound};
use super::{Scheduler, warn};
use crate::due::{Served, active, next_due_after};
use crate::steps::{CLOCK_TOLERANCE, is_astray};

/// Everything, as it was at one moment.
pub(crate) struct Look {
    pub(crate) now: Timestamp,
    pub(crate) instances: BTreeMap<InstanceName, Instance>,
    pub(crate) integrations: Vec<Integration>,
    pub(crate) keys: Vec<Key>,
    pub(crate) open: Vec<Rotation>,
    pub(crate) served: BTreeMap<String, Served>,
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
        next_due_after(of, &self.keys, self.served.get(of.name.as_str()).copied())
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
        let served = store.memos("due/").await?.into_iter().filter_map(|(name, memo)| {
            Some((name.strip_prefix("due/")?.to_owned(), serde_json::from_value(memo).ok()?))
        });
        let mut look = Look {
            now: self.clock().now(),
            instances: instances.map(|instance| (instance.name.clone(), instance)).collect(),
            integrations,
            keys: store.keys(None).await?,
            open,
            served: served.collect(),
        };
        look.keys.retain(|key| key.state.lives());
        self.redate(&mut look).await?;
        Ok(look)
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
        agenda.add(put_off.map_or(due, |at| at.max(due)), look.now, Job::Begin(of.name.clone(), due));
    }

    fn plan_surveys(&self, look: &Look, agenda: &mut Agenda) {
        let mut state = self.state.lock();
        let served = look.instances.values().filter(|one| one.retired_at.is_none() && !one.is_assisted());
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
pub(crate) fn spread(name: &InstanceName, most: model::SignedDuration) -> model::SignedDuration {
    let hash = name.as_str().bytes().fold(7_i64, |hash, byte| (hash * 31 + i64::from(byte)) % 1_000);
    model::SignedDuration::from_millis(i64::try_from(most.as_millis()).unwrap_or(0) / 1_000 * hash)
}

/// Whether it goes on without a person.
fn is_ours_to_drive(look: &Look, of: &Integration, rotation: &Rotation) -> bool {
    let Some(instance) = look.instances.get(&rotation.instance) else { return false };
    let kills = rotation.mode == Mode::Revoke || rotation.status == RotationStatus::Aborting;
    let serves = of.retired_at.is_none() || kills;
    // The text of a key that is told by hand is told by the command that makes it.
    let reaches = !of.is_told_by_hand() || kills || rotation.grace_until.is_some();
    instance.retired_at.is_none() && !instance.is_assisted() && serves && reaches
}

impl Look {
    /// The key that a person has to turn, and when it is too late.
    pub(crate) fn by_hand(&self, of: &Integration) -> Option<warn::ByHand<'_>> {
        let key = active(of, &self.keys)?;
        let due = self.next_due(of);
        due.map(|due| warn::ByHand { key, due })
    }
}
