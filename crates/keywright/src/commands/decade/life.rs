//! One life of the process: its calls to the store, to n8n and to files are counted, and it can die in any of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::Poll;

use model::{
    Address, Capabilities, Confirmation, Destination, DestinationError, Fingerprint, Held, Hook, Instance,
    InstanceName, Integration, IssuedKey, Issuer, IssuerError, LeaseHolder, ListedKey, NewKey, Proof,
    ProofOfDeath, Report, RotationId, Scope, Secret,
};
use rotation::{Liveness, World};
use tokio::sync::Notify;

use super::clock::SharedClock;

pub(super) struct Life {
    pub(super) clock: Arc<SharedClock>,
    /// Moments until it dies; each call has three.
    left: AtomicI64,
    is_over: AtomicBool,
    over: Notify,
}

impl Life {
    pub(super) fn new(clock: Arc<SharedClock>) -> Arc<Self> {
        let (left, is_over, over) = (AtomicI64::new(i64::MAX), AtomicBool::new(false), Notify::new());
        Arc::new(Self { clock, left, is_over, over })
    }

    pub(super) fn ends_after(&self, moments: i64) {
        self.left.store(moments, Ordering::SeqCst);
    }

    /// Returns when it has died: nothing of it goes on from there.
    pub(super) async fn ended(&self) {
        self.over.notified().await;
    }

    fn dies_now(&self) -> bool {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.is_over.store(true, Ordering::SeqCst);
            self.over.notify_one();
        }
        self.is_over.load(Ordering::SeqCst)
    }

    pub(super) async fn call<T>(&self, work: impl Future<Output = T>) -> T {
        let at_work = self.clock.at_work();
        let mut work = Box::pin(work);
        let mut asked = false;
        let lives = std::future::poll_fn(|context| {
            if !asked {
                asked = true;
                if self.dies_now() {
                    return Poll::Ready(None);
                }
                let first = work.as_mut().poll(context);
                if self.dies_now() {
                    return Poll::Ready(None);
                }
                return first.map(Some);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await;
        if let Some(done) = lives.filter(|_| !self.dies_now()) {
            return done;
        }
        drop(at_work);
        std::future::pending().await
    }
}

/// Something whose calls are those of a life.
pub(super) struct Living<T: ?Sized> {
    pub(super) life: Arc<Life>,
    pub(super) of: Arc<T>,
}

impl<T: ?Sized> Living<T> {
    pub(super) fn new(life: &Arc<Life>, of: Arc<T>) -> Arc<Self> {
        Arc::new(Self { life: Arc::clone(life), of })
    }
}

#[async_trait::async_trait]
impl World for Living<dyn World> {
    async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, Report> {
        Ok(Living::new(&self.life, self.life.call(self.of.issuer(instance)).await?))
    }

    fn destination(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Destination>, DestinationError> {
        Ok(Living::new(&self.life, self.of.destination(to, of, during)?))
    }

    fn hook(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        Ok(Living::new(&self.life, self.of.hook(to, of, during)?))
    }
}

#[async_trait::async_trait]
impl Issuer for Living<dyn Issuer> {
    fn instance(&self) -> &InstanceName {
        self.of.instance()
    }

    fn capabilities(&self) -> &Capabilities {
        self.of.capabilities()
    }

    async fn check(&self) -> Result<(), IssuerError> {
        self.life.call(self.of.check()).await
    }

    async fn create(&self, key: &NewKey) -> Result<IssuedKey, IssuerError> {
        self.life.call(self.of.create(key)).await
    }

    async fn list(&self) -> Result<Vec<ListedKey>, IssuerError> {
        self.life.call(self.of.list()).await
    }

    async fn delete(&self, native_id: &str) -> Result<(), IssuerError> {
        self.life.call(self.of.delete(native_id)).await
    }

    async fn prove(&self, secret: &Secret, scopes: &[Scope]) -> Result<Proof, IssuerError> {
        self.life.call(self.of.prove(secret, scopes)).await
    }

    async fn prove_dead(&self, secret: &Secret) -> Result<ProofOfDeath, IssuerError> {
        self.life.call(self.of.prove_dead(secret)).await
    }
}

#[async_trait::async_trait]
impl Destination for Living<dyn Destination> {
    fn address(&self) -> &Address {
        self.of.address()
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.life.call(self.of.check()).await
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        self.life.call(self.of.read()).await
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        self.life.call(self.of.deliver(secret)).await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        self.life.call(self.of.confirm(wanted)).await
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        self.life.call(self.of.restore(previous)).await
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        self.life.call(self.of.discard(dead)).await
    }
}

#[async_trait::async_trait]
impl Hook for Living<dyn Hook> {
    fn address(&self) -> &Address {
        self.of.address()
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.life.call(self.of.check()).await
    }

    async fn run(&self) -> Result<String, DestinationError> {
        self.life.call(self.of.run()).await
    }
}

/// Everybody else is dead: the lives of one host follow each other.
pub(super) struct Alone(pub(super) LeaseHolder);

impl Liveness for Alone {
    fn is_dead(&self, holder: &LeaseHolder) -> bool {
        *holder != self.0
    }
}
