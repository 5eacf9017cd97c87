//! Spacing of creates where n8n would make the same text twice.
//!
//! Keys of 1.x have no id in them: one user's keys of one second with the same expiry are one text. The second
//! is refused while the first lives; where the first is dead, it would come alive again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;
use tokio::time::Instant;

use crate::key_text::KeyText;

/// By then, n8n's clock shows another second, whatever it shows.
const SPACING: Duration = Duration::from_millis(1010);
/// So many expiries back, none is given twice. n8n makes fewer keys than that in the seconds in which two
/// creates can meet, whatever order it takes them in.
const REMEMBERED: usize = 300;
/// Processes begin at different offsets, up to this one.
const START_S: u32 = 60;

pub(crate) struct Pace {
    /// Whether new keys have an id in them, so that nothing can clash; not known at first.
    unique_texts: Mutex<Option<bool>>,
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<Instant>>,
    start_s: i64,
    given: Mutex<VecDeque<i64>>,
}

impl Pace {
    /// `start` is random, so that two processes differ; `unique_texts` is what is known beforehand.
    pub(crate) fn new(start: u128, unique_texts: Option<bool>) -> Self {
        Self {
            unique_texts: Mutex::new(unique_texts),
            turn: tokio::sync::Mutex::new(()),
            last: Mutex::new(None),
            start_s: i64::try_from(start % u128::from(START_S)).unwrap_or(0),
            given: Mutex::new(VecDeque::new()),
        }
    }

    /// What was learned from the text of a key just made.
    pub(crate) fn saw_new(&self, text: &KeyText) {
        *self.unique_texts.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.is_unique());
    }

    /// What was learned from the text of a key made earlier, perhaps by an older n8n.
    pub(crate) fn saw_old(&self, text: &KeyText) {
        let mut unique_texts = self.unique_texts.lock().unwrap_or_else(PoisonError::into_inner);
        if unique_texts.is_none() && text.is_unique() {
            *unique_texts = Some(true);
        }
    }

    fn is_unique(&self) -> bool {
        *self.unique_texts.lock().unwrap_or_else(PoisonError::into_inner) == Some(true)
    }

    /// Waits until a key without expiry cannot be the text of another; hold what it returns until the answer
    /// is there, then [`Pace::happened`].
    pub(crate) async fn turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if self.is_unique() {
            return None;
        }
        let turn = self.turn.lock().await;
        if self.is_unique() {
            return None;
        }
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = last.and_then(|last| last.checked_add(SPACING)) {
            tokio::time::sleep_until(free).await;
        }
        Some(turn)
    }

    /// A key was made or died just now.
    pub(crate) fn happened(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// An expiry a little earlier than the one asked for, another one than the last ones.
    pub(crate) fn spread(&self, wanted: Timestamp, now: Timestamp) -> Timestamp {
        if self.is_unique() {
            return wanted;
        }
        // A short life loses at most a tenth.
        let room_s = wanted.duration_since(now).as_secs() / 10;
        let latest_s = wanted.as_second();
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let start_s = latest_s - self.start_s.min(room_s).max(0);
        let free = (0..=room_s).map(|by| start_s - by).find(|at| !given.contains(at));
        let chosen_s = free.filter(|at| latest_s - at <= room_s).unwrap_or(latest_s);
        given.push_back(chosen_s);
        if given.len() > REMEMBERED {
            given.pop_front();
        }
        Timestamp::from_second(chosen_s).unwrap_or(wanted)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::{Secret, SignedDuration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn creates_are_a_second_apart_until_texts_are_seen_to_be_unique() {
        let pace = Pace::new(7, None);
        let start = Instant::now();
        for _ in 0..3 {
            let turn = pace.turn().await;
            assert!(turn.is_some());
            pace.happened();
        }
        assert_eq!(start.elapsed(), 2 * SPACING);
        // The text of a 2.x key; that of a legacy key would say nothing of those to come.
        let text = KeyText::parse(&Secret::new("e30.eyJqdGkiOiJqIn0.canary")).unwrap();
        pace.saw_old(&text);
        assert!(pace.turn().await.is_none());
    }

    #[test]
    fn expiries_differ_and_are_never_later() {
        let pace = Pace::new(59, None);
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let life = SignedDuration::from_hours(24);
        // What is asked for moves on with time; what is given must differ all the same.
        let given: BTreeSet<_> = (0..300)
            .map(|n| {
                let now = start + SignedDuration::from_secs(n / 64);
                let at = pace.spread(now + life, now);
                assert!(at <= now + life && at > now + life - SignedDuration::from_secs(361), "{at}");
                at
            })
            .collect();
        assert_eq!(given.len(), 300);
        let soon = start + SignedDuration::from_secs(5);
        assert_eq!(pace.spread(soon, start), soon);
        assert_eq!(pace.spread(start, soon), start);
    }
}
