//! How the scheduler goes about it.

use model::Period;

/// How the scheduler goes about it.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleConfig {
    /// Rotations that are driven at once, at most.
    pub at_once: usize,
    /// How often each instance is asked for its keys.
    pub survey_every: Period,
    /// How long before a key is due a person is told, where only a person can turn it.
    pub warn_before: Period,
    /// How long a rotation that is being driven may go on when the scheduler is to stop.
    pub stop_within: Period,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            at_once: 8,
            survey_every: Period::seconds(3600),
            warn_before: Period::days(7),
            stop_within: Period::seconds(20),
        }
    }
}
