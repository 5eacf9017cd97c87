//! The real store, called by one life.

use model::{
    Change, Changes, Event, Fence, Fingerprint, Instance, InstanceName, Integration, IntegrationName, Key,
    KeyId, Leadership, LeaseHolder, NewRotation, Period, Rotation, RotationId, Secret, SignedDuration,
    StartOutcome, Store, StoreError, Timestamp,
};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

use super::clock::SharedClock;
use super::life::Living;

/// A store that has nothing to tell has everybody look around at the latest after this.
const AT_LAST: SignedDuration = SignedDuration::from_secs(60);

macro_rules! passed_on {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        #[async_trait::async_trait]
        impl Store for Living<dyn Store> {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$out, StoreError> {
                self.life.call(self.of.$name($($argument),*)).await
            })*

            async fn changes(&self) -> Result<Box<dyn Changes>, StoreError> {
                let clock = Arc::clone(&self.life.clock);
                let (steps, of) = (clock.steps(), self.life.call(self.of.changes()).await?);
                Ok(Box::new(Heard { of, clock, steps }))
            }
        }
    };
}

passed_on! {
    fn put_instance(instance: &Instance, sealed: Vec<(String, Option<Secret>)>, events: Vec<Event>) -> ();
    fn instances() -> Vec<Instance>;
    fn instance(name: &InstanceName) -> Option<Instance>;
    fn put_sealed(name: &str, value: Option<&Secret>, events: Vec<Event>) -> ();
    fn put_secret(name: &str, secret: Option<(&Secret, &Value)>, events: Vec<Event>) -> ();
    fn sealed(name: &str) -> Option<Secret>;
    fn put_integrations(integrations: Vec<Integration>, events: Vec<Event>) -> ();
    fn integrations() -> Vec<Integration>;
    fn integration(name: &IntegrationName) -> Option<Integration>;
    fn keys(integration: Option<&IntegrationName>) -> Vec<Key>;
    fn living_keys() -> Vec<Key>;
    fn key(id: KeyId) -> Option<Key>;
    fn key_with_fingerprint(fingerprint: &Fingerprint) -> Option<Key>;
    fn note_use(used: Vec<(KeyId, Timestamp)>) -> ();
    fn redate_key(id: KeyId, made_at: Timestamp, events: Vec<Event>) -> ();
    fn key_secret(id: KeyId) -> Option<Secret>;
    fn start_rotation(new: NewRotation, events: Vec<Event>) -> StartOutcome;
    fn rotation(id: RotationId) -> Option<Rotation>;
    fn open_rotations() -> Vec<Rotation>;
    fn rotations_of(integration: &IntegrationName, limit: u32) -> Vec<Rotation>;
    fn previous(rotation: RotationId, step: u32) -> Option<Secret>;
    fn take_lease(
        rotation: RotationId, holder: &LeaseHolder, now: Timestamp, lease_for: Period, over: Option<Fence>
    ) -> Fence;
    fn renew_lease(fence: &Fence, now: Timestamp, lease_for: Period) -> ();
    fn release_lease(fence: &Fence) -> ();
    fn commit(fence: &Fence, changes: Vec<Change>, events: Vec<Event>) -> ();
    fn put_memo(name: &str, memo: Option<&Value>, events: Vec<Event>) -> ();
    fn memos(prefix: &str) -> Vec<(String, Value)>;
    fn lead(role: &str, holder: &LeaseHolder) -> Box<dyn Leadership>;
    fn record(events: Vec<Event>) -> ();
    fn flush_log() -> ();
}

/// The kernel's word, which needs no time; and the look at last, by the clock that the test has.
struct Heard {
    of: Box<dyn Changes>,
    clock: Arc<SharedClock>,
    steps: watch::Receiver<u64>,
}

#[async_trait::async_trait]
impl Changes for Heard {
    async fn next(&mut self) -> Result<(), StoreError> {
        let a_step = async {
            self.steps.changed().await.unwrap();
            self.steps.mark_changed();
            self.clock.passes(AT_LAST).await;
            self.steps.mark_unchanged();
        };
        tokio::select! {
            told = self.of.next() => told,
            () = a_step => Ok(()),
        }
    }
}
