//! A real place between the engine and a drill: every call passes the process's gate, may be made to fail, and is
//! followed by a look at what the place holds now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use model::{
    Address, Confirmation, Destination, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held,
    Secret,
};

use super::Stand;
use super::support::{Call, Fault, Faults, Outside, Process};

/// Text of somebody else.
pub(crate) const JUNK: &str = "canary-junk-of-somebody-else";

/// A place, the same for all processes.
pub(crate) struct Post {
    pub(crate) address: Address,
    pub(crate) stand: Arc<dyn Stand>,
    outside: Arc<Outside>,
    calls: AtomicU32,
    broken_from: AtomicU32,
    /// Whether the call at which it breaks is carried out.
    breaks_late: AtomicBool,
}

impl Post {
    pub(crate) fn new(address: Address, stand: Arc<dyn Stand>, outside: &Arc<Outside>) -> Self {
        let (calls, broken_from) = (AtomicU32::new(0), AtomicU32::new(u32::MAX));
        let breaks_late = AtomicBool::new(false);
        Self { address, stand, outside: outside.clone(), calls, broken_from, breaks_late }
    }

    /// Calls since the last reset.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Counts anew; nothing goes wrong.
    pub(crate) fn reset(&self) {
        self.calls.store(0, Ordering::SeqCst);
        self.broken_from.store(u32::MAX, Ordering::SeqCst);
        self.stand.behave();
    }

    pub(crate) fn breaks_at(&self, nth: u32, late: bool) {
        self.broken_from.store(nth, Ordering::SeqCst);
        self.breaks_late.store(late, Ordering::SeqCst);
    }

    fn next(&self) -> Option<Fault> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        let from = self.broken_from.load(Ordering::SeqCst);
        let late = nth == from && self.breaks_late.load(Ordering::SeqCst);
        (nth >= from).then_some(if late { Fault::Lost } else { Fault::Refused })
    }

    /// Every text that was ever a key, or stood in for one.
    pub(crate) fn known(&self) -> Vec<String> {
        let keys = self.outside.look(|state| state.keys.iter().map(|key| key.text.clone()).collect());
        [keys, vec![JUNK.to_owned()]].concat()
    }

    /// Takes note of what the place holds.
    pub(crate) fn note(&self) {
        let key = self.stand.look(&self.known()).key;
        self.outside.arrange(|state| state.places.get_mut(&self.address).unwrap().text = key);
    }
}

/// A place as one process opened it.
pub(crate) struct Posted {
    pub(crate) post: Arc<Post>,
    pub(crate) opened: Arc<dyn Destination>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) process: Arc<Process>,
}

fn failure(fault: Fault, call: Call) -> DestinationError {
    let kind = match fault {
        Fault::Refused => Kind::Denied,
        Fault::Throttled => Kind::Throttled,
        _ => Kind::Unreachable,
    };
    DestinationError::new(kind, fault.report(call))
}

impl Posted {
    async fn call<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, DestinationError>>,
    ) -> Result<T, DestinationError> {
        self.process.gate().await;
        let drilled = self.faults.next(call);
        let fault = self.post.next().or(drilled);
        let result = match fault {
            Some(fault) if !fault.has_effect() => Err(failure(fault, call)),
            _ => work.await,
        };
        self.post.note();
        if matches!(call, Call::Deliver | Call::Restore | Call::Discard) {
            self.post.outside.effect(&format!("{call:?} {}", self.post.address), |_| {});
        }
        self.process.gate().await;
        match fault {
            Some(fault) => Err(failure(fault, call)),
            None => result,
        }
    }
}

#[async_trait::async_trait]
impl Destination for Posted {
    fn address(&self) -> &Address {
        &self.post.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.call(Call::CheckPlace, self.opened.check()).await
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        self.call(Call::Read, self.opened.read()).await
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        self.call(Call::Deliver, self.opened.deliver(secret)).await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        self.call(Call::Confirm, self.opened.confirm(wanted)).await
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        self.call(Call::Restore, self.opened.restore(previous)).await
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        self.call(Call::Discard, self.opened.discard(dead)).await
    }
}
