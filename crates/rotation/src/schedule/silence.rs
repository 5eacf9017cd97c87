//! When a program that always called counts as silent. Pure.

use model::{Integration, SignedDuration, Timestamp};

/// Uses that are remembered.
const REMEMBERED: usize = 32;
/// Uses from which a habit can be seen.
const HABIT: usize = 5;
const AT_LEAST: SignedDuration = SignedDuration::from_hours(24);

/// Times at which an integration was seen to call, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Habit(Vec<Timestamp>);

impl Habit {
    /// Adds a use; whether it was news.
    pub(crate) fn note(&mut self, at: Timestamp) -> bool {
        if self.0.last().is_some_and(|last| *last >= at) {
            return false;
        }
        self.0.push(at);
        let excess = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..excess);
        true
    }

    /// The last use, if it is too long ago.
    pub(crate) fn silent_since(&self, of: &Integration, now: Timestamp) -> Option<Timestamp> {
        let last = *self.0.last()?;
        let after = of.silent_after.map(model::Period::duration).or_else(|| self.learned())?;
        (now.duration_since(last) > after).then_some(last)
    }

    /// Three times its longest pause.
    fn learned(&self) -> Option<SignedDuration> {
        if self.0.len() < HABIT {
            return None;
        }
        let pauses = self.0.iter().zip(self.0.iter().skip(1)).map(|(one, next)| next.duration_since(*one));
        pauses.max().map(|longest| (longest * 3).max(AT_LEAST))
    }
}
