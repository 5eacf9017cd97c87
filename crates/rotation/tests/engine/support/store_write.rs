//! The store's transactions: all of a write, or nothing.

use model::{
    Change, Event, Fence, Key, KeyId, Lease, LeaseHolder, NewRotation, Period, Rotation, RotationId,
    RotationStatus, Secret, StartOutcome, StepState, StoreError, StoreErrorKind as Kind, Timestamp,
};

use super::store::{Kept, error};

impl Kept {
    pub(crate) fn start(&mut self, new: NewRotation, events: Vec<Event>) -> Result<StartOutcome, StoreError> {
        let NewRotation { rotation, integration, supersede, holder, lease_for, adopt } = new;
        match self.open_of(&rotation.integration) {
            Some(open) if supersede == Some(open) => self.supersede(open, rotation.started_at),
            Some(open) => return Ok(StartOutcome::AlreadyOpen(open)),
            None if supersede.is_some() => {
                return Err(error(Kind::IllegalTransition, "what is to give way is over"));
            }
            None => {}
        }
        if let Some(integration) = integration {
            self.integrations.retain(|known| known.name != integration.name);
            self.integrations.push(integration);
        }
        assert!(self.integrations.iter().any(|known| known.name == rotation.integration));
        let fence = Fence { rotation: rotation.id, number: 1 };
        if let Some(adopted) = adopt {
            let (key, secret) = *adopted;
            self.check_new(&key)?;
            assert!(!rotation.status.is_open(), "an adoption is over as it begins");
            self.keys.push((key, Some(secret)));
            self.rotations.push(rotation);
            self.told(events);
            return Ok(StartOutcome::Started(fence));
        }
        let until = rotation.started_at.checked_add(lease_for.duration()).unwrap();
        self.fences.insert(rotation.id, 1);
        self.leases.insert(rotation.id, Lease { fence, holder, until });
        self.rotations.push(rotation);
        self.told(events);
        Ok(StartOutcome::Started(fence))
    }

    fn check_new(&self, key: &Key) -> Result<(), StoreError> {
        let twin = |(known, _): &(Key, _)| known.id == key.id || known.fingerprint == key.fingerprint;
        if self.keys.iter().any(twin) {
            return Err(error(Kind::Exists, "a key with this id or this text exists"));
        }
        Ok(())
    }

    fn supersede(&mut self, id: RotationId, at: Timestamp) {
        if let Some(rotation) = self.rotations.iter_mut().find(|rotation| rotation.id == id) {
            rotation.status = RotationStatus::Superseded;
            rotation.finished_at = Some(at);
            rotation.next_try = None;
        }
        *self.fences.entry(id).or_default() += 1;
        self.over(id);
    }

    /// A rotation that is over has no lease, and forgets what destinations held before.
    fn over(&mut self, id: RotationId) {
        self.leases.remove(&id);
        self.previous.retain(|(rotation, _), _| *rotation != id);
    }

    fn check_newest(&self, fence: &Fence) -> Result<(), StoreError> {
        let rotation = self.rotation(fence.rotation)?;
        if !rotation.status.is_open() || self.fences.get(&rotation.id) != Some(&fence.number) {
            return Err(error(Kind::LeaseLost, format!("rotation `{}` is not ours any more", rotation.id)));
        }
        Ok(())
    }

    pub(crate) fn take(
        &mut self,
        id: RotationId,
        holder: &LeaseHolder,
        now: Timestamp,
        lease_for: Period,
        over: Option<Fence>,
    ) -> Result<Fence, StoreError> {
        if !self.rotation(id)?.status.is_open() {
            return Err(error(Kind::LeaseLost, format!("rotation `{id}` is over")));
        }
        if let Some(lease) = self.leases.get(&id) {
            let free = lease.holder == *holder || now >= lease.until || over == Some(lease.fence);
            if !free {
                return Err(error(Kind::LeaseHeld(Box::new(lease.clone())), "somebody else drives it"));
            }
        }
        let number = self.fences.entry(id).or_default();
        *number += 1;
        let fence = Fence { rotation: id, number: *number };
        let until = now.checked_add(lease_for.duration()).unwrap();
        self.leases.insert(id, Lease { fence, holder: holder.clone(), until });
        Ok(fence)
    }

    pub(crate) fn renew(
        &mut self,
        fence: &Fence,
        now: Timestamp,
        lease_for: Period,
    ) -> Result<(), StoreError> {
        self.check_newest(fence)?;
        let lease = self.leases.get_mut(&fence.rotation);
        let lease = lease.ok_or_else(|| error(Kind::LeaseLost, "the lease was given back"))?;
        lease.until = now.checked_add(lease_for.duration()).unwrap();
        Ok(())
    }

    pub(crate) fn release(&mut self, fence: &Fence) {
        if self.leases.get(&fence.rotation).is_some_and(|lease| lease.fence == *fence) {
            self.leases.remove(&fence.rotation);
        }
    }

    pub(crate) fn commit(
        &mut self,
        fence: &Fence,
        changes: Vec<Change>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        self.check_newest(fence)?;
        let mut rotation = self.rotation(fence.rotation)?.clone();
        let before = (self.keys.clone(), self.previous.clone());
        for change in changes {
            if let Err(failure) = self.apply(&mut rotation, change) {
                (self.keys, self.previous) = before;
                return Err(failure);
            }
        }
        let (id, open) = (rotation.id, rotation.status.is_open());
        if let Some(slot) = self.rotations.iter_mut().find(|slot| slot.id == id) {
            *slot = rotation;
        }
        if !open {
            self.over(id);
        }
        self.told(events);
        Ok(())
    }

    fn apply(&mut self, rotation: &mut Rotation, change: Change) -> Result<(), StoreError> {
        let illegal = |what: String| Err(error(Kind::IllegalTransition, what));
        match change {
            Change::Rotation(header) => {
                if header.id != rotation.id
                    || (rotation.new_key.is_some() && header.new_key != rotation.new_key)
                {
                    return illegal(format!("rotation `{}` cannot become another", rotation.id));
                }
                *rotation = Rotation { steps: std::mem::take(&mut rotation.steps), ..*header };
            }
            Change::StepsAdded(steps) => {
                for step in steps {
                    let number = usize::try_from(step.number).unwrap();
                    if number != rotation.steps.len() || step.state != StepState::Planned {
                        return illegal(format!("step {number} does not follow"));
                    }
                    rotation.steps.push(step);
                }
            }
            Change::Step(step) => {
                let slot = rotation.steps.iter_mut().find(|slot| slot.number == step.number);
                let slot = slot.ok_or_else(|| error(Kind::NotFound, "no such step"))?;
                if let Err(wrong) = slot.state.check_transition(step.state, step.kind) {
                    return illegal(wrong.to_string());
                }
                if (slot.kind, &slot.destination) != (step.kind, &step.destination) {
                    return illegal("a step cannot become another".into());
                }
                *slot = *step;
            }
            Change::Previous { step, value } => {
                let place = (rotation.id, step);
                match value {
                    Some(value) => self.previous.insert(place, value),
                    None => self.previous.remove(&place),
                };
            }
            Change::KeyAdded(key, secret) => {
                self.check_new(&key)?;
                self.keys.push((*key, Some(secret)));
            }
            Change::Key(key) => {
                let slot = self.keys.iter_mut().find(|(slot, _)| slot.id == key.id);
                let (slot, _) = slot.ok_or_else(|| error(Kind::NotFound, "no such key"))?;
                if !slot.state.lives() && key.state.lives() {
                    return illegal(format!("key {} cannot rise from the dead", key.id));
                }
                *slot = *key;
            }
            Change::SecretErased(id) => {
                let slot = self.keys.iter_mut().find(|(slot, _)| slot.id == id);
                slot.ok_or_else(|| error(Kind::NotFound, "no such key"))?.1 = None;
            }
        }
        Ok(())
    }

    pub(crate) fn note_use(&mut self, used: &[(KeyId, Timestamp)]) {
        for (id, at) in used {
            for (key, _) in self.keys.iter_mut().filter(|(key, _)| key.id == *id) {
                key.last_used_at = key.last_used_at.max(Some(*at));
            }
        }
        self.told(Vec::new());
    }

    pub(crate) fn redate(
        &mut self,
        id: KeyId,
        made_at: Timestamp,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let slot = self.keys.iter_mut().find(|(key, _)| key.id == id);
        slot.ok_or_else(|| error(Kind::NotFound, "no such key"))?.0.created_at = made_at;
        self.told(events);
        Ok(())
    }

    pub(crate) fn seal(&mut self, name: String, value: Option<Secret>) {
        match value {
            Some(value) => self.sealed.insert(name, value),
            None => self.sealed.remove(&name),
        };
    }

    pub(crate) fn told(&mut self, events: Vec<Event>) {
        self.writes += 1;
        self.events.extend(events);
    }
}
