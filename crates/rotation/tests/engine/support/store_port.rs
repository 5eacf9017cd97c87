//! The store as one process sees it.

use std::sync::Arc;

use model::{
    Change, Changes, Event, Fence, Fingerprint, Instance, InstanceName, Integration, IntegrationName, Key,
    KeyId, Leadership, LeaseHolder, NewRotation, Period, Rotation, RotationId, Secret, StartOutcome, Store,
    StoreError, StoreErrorKind as Kind, Timestamp,
};

use super::leadership::{FakeChanges, FakeLeadership};
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
    async fn put_instance(
        &self,
        instance: &Instance,
        sealed: Vec<(String, Option<Secret>)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        self.store.arrange(|kept| {
            kept.instances.retain(|known| known.name != instance.name);
            kept.instances.push(instance.clone());
            for (name, value) in sealed {
                kept.seal(name, value);
            }
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
            kept.seal(name.to_owned(), value.cloned());
            kept.told(events);
        });
        Ok(())
    }

    async fn put_secret(
        &self,
        name: &str,
        secret: Option<(&Secret, &serde_json::Value)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        self.store.arrange(|kept| {
            kept.seal(name.to_owned(), secret.map(|(value, _)| value.clone()));
            match secret {
                Some((_, memo)) => kept.memos.insert(name.to_owned(), memo.clone()),
                None => kept.memos.remove(name),
            };
            kept.told(events);
        });
        Ok(())
    }

    async fn sealed(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        self.load(|kept| kept.sealed.get(name).cloned()).await
    }

    async fn put_integrations(
        &self,
        integrations: Vec<Integration>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        self.store.arrange(|kept| {
            for integration in integrations {
                kept.integrations.retain(|known| known.name != integration.name);
                kept.integrations.push(integration);
            }
            kept.told(events);
        });
        Ok(())
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

    async fn living_keys(&self) -> Result<Vec<Key>, StoreError> {
        let all = |kept: &Kept| {
            kept.keys.iter().map(|(key, _)| key).filter(|key| key.state.lives()).cloned().collect()
        };
        self.load(all).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<Key>, StoreError> {
        self.load(|kept| kept.keys.iter().map(|(key, _)| key).find(|key| key.id == id).cloned()).await
    }

    async fn key_with_fingerprint(&self, wanted: &Fingerprint) -> Result<Option<Key>, StoreError> {
        self.load(|kept| kept.keys.iter().map(|(key, _)| key).find(|key| key.fingerprint == *wanted).cloned())
            .await
    }

    async fn note_use(&self, used: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
        self.call(Call::Note, |kept| {
            kept.note_use(&used);
            Ok(())
        })
        .await
    }

    async fn redate_key(&self, id: KeyId, made_at: Timestamp, events: Vec<Event>) -> Result<(), StoreError> {
        self.call(Call::Note, |kept| kept.redate(id, made_at, events)).await
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

    async fn put_memo(
        &self,
        name: &str,
        memo: Option<&serde_json::Value>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        self.call(Call::Note, |kept| {
            match memo {
                Some(memo) => kept.memos.insert(name.to_owned(), memo.clone()),
                None => kept.memos.remove(name),
            };
            kept.told(events);
            Ok(())
        })
        .await
    }

    async fn memos(&self, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
        let named = |(name, _): &(&String, &serde_json::Value)| name.starts_with(prefix);
        self.load(|kept| {
            kept.memos.iter().filter(named).map(|(name, memo)| (name.clone(), memo.clone())).collect()
        })
        .await
    }

    async fn lead(&self, role: &str, _holder: &LeaseHolder) -> Result<Box<dyn Leadership>, StoreError> {
        self.process.gate().await;
        Ok(Box::new(FakeLeadership::take(self.store.clone(), role, self.process.clone()).await))
    }

    async fn changes(&self) -> Result<Box<dyn Changes>, StoreError> {
        self.process.gate().await;
        Ok(Box::new(FakeChanges(self.store.written.subscribe())))
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
