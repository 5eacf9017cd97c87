//! The time that the sandbox lives in. The only place here that may ask the system for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Tells the sandbox the time; clones share it, so that a test can move it from outside.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    moved_ms: Arc<AtomicI64>,
}

#[derive(Clone)]
enum Source {
    System,
    Still(i64),
    Following(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::new(Source::System)
    }

    /// Stands still at `start` until it is moved.
    pub fn still_at(start: Timestamp) -> Self {
        Self::new(Source::Still(start.as_millisecond()))
    }

    /// Asks somebody else: one clock for the sandbox and what is tested on it.
    pub fn following(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self::new(Source::Following(Arc::new(clock)))
    }

    fn new(source: Source) -> Self {
        Self { source, moved_ms: Arc::new(AtomicI64::new(0)) }
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.moved_ms.fetch_add(by, Ordering::SeqCst);
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Now, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        let base = match &self.source {
            Source::System => system_ms(),
            Source::Still(start) => *start,
            Source::Following(clock) => clock().as_millisecond(),
        };
        base.saturating_add(self.moved_ms.load(Ordering::SeqCst))
    }

    /// Now, in whole seconds since 1970.
    pub(crate) fn now_s(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox's one clock: it plays a server, which has its own"
)]
fn system_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// As n8n writes instants: `2026-11-23T14:04:52.938Z`.
pub(crate) fn iso(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// An instant, and how n8n writes it; lists say it again and again.
#[derive(Clone)]
pub(crate) struct Moment {
    ms: i64,
    text: String,
}

impl Moment {
    pub(crate) fn at(ms: i64) -> Self {
        Self { ms, text: iso(ms) }
    }

    pub(crate) fn ms(&self) -> i64 {
        self.ms
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// As cookies write instants: `Mon, 30 Nov 2026 14:04:52 GMT`.
pub(crate) fn http_date(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together_and_texts_are_as_n8n_writes_them() {
        let clock = Clock::still_at(Timestamp::from_millisecond(1_795_442_692_938).unwrap());
        clock.clone().advance(Duration::from_millis(62));
        assert_eq!(clock.now_ms(), 1_795_442_693_000);
        assert_eq!(iso(1_795_442_692_938), "2026-11-23T14:04:52.938Z");
        assert_eq!(http_date(1_796_047_492_000), "Mon, 30 Nov 2026 14:04:52 GMT");
    }
}
