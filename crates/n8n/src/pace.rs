//! Spacing of creates where n8n would make the same text twice.
//!
//! Keys of 1.x have no id in them: one user's keys of one second with the same expiry are one text. The second
//! is refused while the first lives; where the first is dead, it would come alive again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use model::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// By then, n8n's clock shows another second, whatever it shows.
const SPACING: Duration = Duration::from_millis(1010);
/// Expiries are spread over so many seconds.
const SPREAD: u32 = 120;

pub(crate) struct Pace {
    /// A key with an id in it was seen: nothing can clash.
    unique_texts: AtomicBool,
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<Instant>>,
    spread: AtomicU32,
}

impl Pace {
    /// `start` is random, so that two processes differ.
    pub(crate) fn new(start: u128) -> Self {
        Self {
            unique_texts: AtomicBool::new(false),
            turn: tokio::sync::Mutex::new(()),
            last: Mutex::new(None),
            spread: AtomicU32::new(u32::try_from(start % u128::from(SPREAD)).unwrap_or(0)),
        }
    }

    /// What was learned from a new key's text.
    pub(crate) fn saw(&self, unique: bool) {
        self.unique_texts.store(unique, Ordering::SeqCst);
    }

    /// Waits until a key without expiry cannot be the text of another; hold what it returns until the answer
    /// is there, then [`Pace::happened`].
    pub(crate) async fn turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if self.unique_texts.load(Ordering::SeqCst) {
            return None;
        }
        let turn = self.turn.lock().await;
        if self.unique_texts.load(Ordering::SeqCst) {
            return None;
        }
        let last = *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(free) = last.and_then(|last| last.checked_add(SPACING)) {
            tokio::time::sleep_until(free).await;
        }
        Some(turn)
    }

    /// A key was made or died just now.
    pub(crate) fn happened(&self) {
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
    }

    /// An expiry a little earlier than the one asked for, another one for each key.
    pub(crate) fn spread(&self, wanted: Timestamp, now: Timestamp) -> Timestamp {
        if self.unique_texts.load(Ordering::SeqCst) {
            return wanted;
        }
        let left_s = u32::try_from(wanted.duration_since(now).as_secs()).unwrap_or(0);
        // A short life loses at most a tenth.
        let width = SPREAD.min(left_s / 10).max(1);
        let by = self.spread.fetch_add(1, Ordering::SeqCst) % width;
        wanted.checked_sub(SignedDuration::from_secs(i64::from(by))).unwrap_or(wanted)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn creates_are_a_second_apart_until_texts_are_seen_to_be_unique() {
        let pace = Pace::new(7);
        let start = Instant::now();
        for _ in 0..3 {
            let turn = pace.turn().await;
            assert!(turn.is_some());
            pace.happened();
        }
        assert_eq!(start.elapsed(), 2 * SPACING);
        pace.saw(true);
        assert!(pace.turn().await.is_none());
    }

    #[test]
    fn expiries_differ_and_are_never_later() {
        let pace = Pace::new(119);
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let wanted = now + SignedDuration::from_hours(24);
        let spread: BTreeSet<_> = (0..SPREAD).map(|_| pace.spread(wanted, now)).collect();
        assert_eq!(spread.len(), 120);
        assert!(spread.iter().all(|at| *at <= wanted && *at > wanted - SignedDuration::from_secs(120)));
        let soon = now + SignedDuration::from_secs(5);
        assert_eq!(pace.spread(soon, now), soon);
    }
}
