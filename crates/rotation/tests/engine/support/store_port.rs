//! The store as one process sees it.

use std::sync::Arc;

use model::{
    Change, Event, Fence, Fingerprint, Instance, InstanceName, Integration, IntegrationName, Key, KeyId,
    LeaseHolder, NewRotation, Period, Rotation, RotationId, Secret, StartOutcome, Store, StoreError,
    StoreErrorKind as Kind, Timestamp,
};

use super::store::{Kept, error};
use super::{Call, FakeStore, Faults, Process};

pub(crate) struct StoreView {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) process: Arc<Process>,
}

impl StoreView {
    async fn call<T>(
        &self,
        call: Call,
        work: impl FnOnce(&mut Kept) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.process.gate().await;
        let fault = self.faults.next(call);
        let result = match fault {
            Some(fault) if !fault.has_effect() => Err(error(Kind::Unavailable, "the disk is full")),
            _ => self.store.arrange(work),
        };
        self.process.gate().await;
        match (fault, result) {
            (Some(_), Ok(_)) => Err(error(Kind::Unavailable, "the disk did not answer")),
            (_, result) => result,
        }
    }

    async fn load<T>(&self, with: impl FnOnce(&Kept) -> T) -> Result<T, StoreError> {
        self.call(Call::Load, |kept| Ok(with(kept))).await
    }

    /// Leases are not made to fail: a lease that is not had is no rotation.
    async fn lease<T>(&self, work: impl FnOnce(&mut Kept) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.process.gate().await;
        let result = self.store.arrange(work);
        self.process.gate().await;
        result
    }
}

#[async_trait::async_trait]
impl Store for StoreView {
    async fn put_instance(&self, instance: &Instance, events: Vec<Event>) -> Result<(), StoreError> {
        self.store.arrange(|kept| {
            kept.instances.retain(|known| known.name != instance.name);
            kept.instances.push(instance.clone());
            kept.told(events);
        });
        Ok(())
    }

    async fn instances(&self) -> Result<Vec<Instance>, StoreError> {
        self.load(|kept| kept.instances.clone()).await
    }

    async fn instance(&self, name: &InstanceName) -> Result<Option<Instance>, StoreError> {
        self.load(|kept| kept.instances.iter().find(|known| known.name == *name).cloned()).await
    }

    async fn put_sealed(
        &self,
        name: &str,
        value: Option<&Secret>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        self.store.arrange(|kept| {
            match value {
                Some(value) => kept.sealed.insert(name.to_owned(), value.clone()),
                None => kept.sealed.remove(name),
            };
            kept.told(events);
        });
        Ok(())
    }

    async fn sealed(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        self.load(|kept| kept.sealed.get(name).cloned()).await
    }

    async fn integrations(&self) -> Result<Vec<Integration>, StoreError> {
        self.load(|kept| kept.integrations.clone()).await
    }

    async fn integration(&self, name: &IntegrationName) -> Result<Option<Integration>, StoreError> {
        self.load(|kept| kept.integrations.iter().find(|known| known.name == *name).cloned()).await
    }

    async fn keys(&self, of: Option<&IntegrationName>) -> Result<Vec<Key>, StoreError> {
        let wanted = |key: &&Key| of.is_none_or(|name| key.integration == *name);
        self.load(|kept| kept.keys.iter().map(|(key, _)| key).filter(wanted).cloned().collect()).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<Key>, StoreError> {
        self.load(|kept| kept.keys.iter().map(|(key, _)| key).find(|key| key.id == id).cloned()).await
    }

    async fn key_with_fingerprint(&self, wanted: &Fingerprint) -> Result<Option<Key>, StoreError> {
        self.load(|kept| kept.keys.iter().map(|(key, _)| key).find(|key| key.fingerprint == *wanted).cloned())
            .await
    }

    async fn key_secret(&self, id: KeyId) -> Result<Option<Secret>, StoreError> {
        self.load(|kept| kept.secret(id).cloned()).await
    }

    async fn start_rotation(&self, new: NewRotation, events: Vec<Event>) -> Result<StartOutcome, StoreError> {
        self.call(Call::Begin, |kept| kept.start(new, events)).await
    }

    async fn rotation(&self, id: RotationId) -> Result<Option<Rotation>, StoreError> {
        self.load(|kept| kept.rotations.iter().find(|rotation| rotation.id == id).cloned()).await
    }

    async fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        self.load(|kept| {
            kept.rotations.iter().filter(|rotation| rotation.status.is_open()).cloned().collect()
        })
        .await
    }

    async fn rotations_of(&self, name: &IntegrationName, limit: u32) -> Result<Vec<Rotation>, StoreError> {
        let limit = usize::try_from(limit).unwrap();
        let of = |rotation: &&Rotation| rotation.integration == *name;
        self.load(|kept| kept.rotations.iter().rev().filter(of).take(limit).cloned().collect()).await
    }

    async fn previous(&self, rotation: RotationId, step: u32) -> Result<Option<Secret>, StoreError> {
        self.load(|kept| kept.previous.get(&(rotation, step)).cloned()).await
    }

    async fn take_lease(
        &self,
        rotation: RotationId,
        holder: &LeaseHolder,
        now: Timestamp,
        lease_for: Period,
        over: Option<Fence>,
    ) -> Result<Fence, StoreError> {
        self.lease(|kept| kept.take(rotation, holder, now, lease_for, over)).await
    }

    async fn renew_lease(&self, fence: &Fence, now: Timestamp, lease_for: Period) -> Result<(), StoreError> {
        self.lease(|kept| kept.renew(fence, now, lease_for)).await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        self.lease(|kept| {
            kept.release(fence);
            Ok(())
        })
        .await
    }

    async fn commit(
        &self,
        fence: &Fence,
        changes: Vec<Change>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        self.call(Call::Commit, |kept| kept.commit(fence, changes, events)).await
    }

    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.call(Call::Commit, |kept| {
            kept.told(events);
            Ok(())
        })
        .await
    }

    async fn flush_log(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
