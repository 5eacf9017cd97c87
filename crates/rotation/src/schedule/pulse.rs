//! What the scheduler is at, for metrics and health checks.

use std::sync::{Mutex, PoisonError};

use model::Timestamp;

/// A scheduler's pulse; read at any time.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<PulseView>);

/// What the scheduler was at when it was looked at. Counters rise since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PulseView {
    /// Whether this process schedules.
    pub is_leader: bool,
    /// When it last looked at everything.
    pub last_tick_at: Option<Timestamp>,
    /// When it looks again, unless something is written before.
    pub next_tick_at: Option<Timestamp>,
    /// Rotations begun because they were due.
    pub begun: u64,
    /// Rotations that ended well.
    pub done: u64,
    /// Times that a rotation stopped at a problem.
    pub stalled: u64,
    /// Times that a rotation could not be begun or driven; those that somebody else drives left out.
    pub failed: u64,
    /// Instances asked for their keys.
    pub surveys: u64,
    /// Those that gave no list.
    pub surveys_failed: u64,
    /// Notices that arrived, once for each channel.
    pub notices_sent: u64,
    /// Notices that did not, once for each channel and try.
    pub notices_failed: u64,
    /// Times that the store failed.
    pub store_failures: u64,
}

impl Pulse {
    /// A copy of what it shows now.
    pub fn view(&self) -> PulseView {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, with: impl FnOnce(&mut PulseView)) {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
