//! What a scheduler remembers while it runs. Losing it costs a look too many, no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{InstanceName, IntegrationName, KeyId, RotationId, SignedDuration, Timestamp};
use tokio::sync::Notify as Bell;

use crate::steps::CLOCK_TOLERANCE;

#[derive(Default)]
pub(crate) struct State {
    inner: Mutex<Inner>,
    /// A notice was queued.
    pub(crate) queued: Bell,
}

#[derive(Default)]
pub(crate) struct Inner {
    /// Whose rotation is in hand.
    pub(crate) rotating: BTreeSet<IntegrationName>,
    /// Who is being asked.
    pub(crate) asking: BTreeSet<InstanceName>,
    /// Integrations that are left alone until then, and how often in a row they failed.
    pub(crate) put_off: BTreeMap<IntegrationName, (Timestamp, u32)>,
    /// When a rotation was last driven.
    pub(crate) driven: BTreeMap<RotationId, Timestamp>,
    pub(crate) surveys: BTreeMap<InstanceName, Surveyed>,
}

/// How the asking of an instance goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surveyed {
    pub(crate) next_at: Option<Timestamp>,
    /// Failures in a row.
    pub(crate) failures: u32,
    pub(crate) failing_since: Option<Timestamp>,
    /// Keys of ours that the last list left out.
    pub(crate) missed: BTreeSet<KeyId>,
}

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time that was set at most so far ahead; now, if the clock stepped back since.
pub(crate) fn sound(at: Timestamp, now: Timestamp, at_most: SignedDuration) -> Timestamp {
    if at.duration_since(now) > at_most + CLOCK_TOLERANCE { now } else { at }
}

/// Later by so much; for ever at the end of time.
pub(crate) fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
