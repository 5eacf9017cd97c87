//! The record of what was asked, and waiting for it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::Matcher;

/// One request that reached the sandbox. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number, from 1.
    pub number: u64,
    /// When it came, on the sandbox's clock.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// The API key that it was sent with.
    pub key: Option<KeySeen>,
    /// What became of it.
    pub outcome: Outcome,
}

/// An API key as it was seen in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySeen {
    /// SHA-256 of its text, in hex.
    pub fingerprint: String,
    /// Its id, if it was alive when the request came.
    pub id: Option<String>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came, and nothing is decided yet.
    Arrived,
    /// A fault holds its answer back; an effect that was ordered is done.
    Held,
    /// It was answered with this status.
    Answered(u16),
    /// The connection was cut; an effect that was ordered is done.
    Cut,
    /// The client went away before an answer.
    Abandoned,
}

/// The record.
pub(crate) struct Calls {
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    calls: VecDeque<Call>,
    next: u64,
    kept: usize,
}

impl Calls {
    pub(crate) fn new(kept: usize) -> Self {
        Self {
            inner: Mutex::new(Inner { calls: VecDeque::new(), next: 1, kept: kept.max(1) }),
            changed: Notify::new(),
        }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Inner) -> T) -> T {
        use_it(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a request; the number names it from here on.
    pub(crate) fn arrived(&self, at: Timestamp, method: &str, path: &str, key: Option<KeySeen>) -> u64 {
        self.with(|inner| {
            let number = inner.next;
            inner.next += 1;
            if inner.calls.len() >= inner.kept {
                inner.calls.pop_front();
            }
            let (method, path) = (method.to_owned(), path.to_owned());
            inner.calls.push_back(Call { number, at, method, path, key, outcome: Outcome::Arrived });
            number
        })
    }

    /// Notes what became of a request; a client that leaves changes nothing that was decided before.
    pub(crate) fn became(&self, number: u64, outcome: Outcome) {
        self.with(|inner| {
            let first = inner.calls.front().map_or(number, |call| call.number);
            let at = number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            let Some(call) = at.and_then(|at| inner.calls.get_mut(at)) else { return };
            let decided = matches!(call.outcome, Outcome::Answered(_) | Outcome::Cut);
            if !(decided && outcome == Outcome::Abandoned) {
                call.outcome = outcome;
            }
        });
        self.changed.notify_waiters();
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.with(|inner| inner.calls.iter().cloned().collect())
    }

    pub(crate) fn count(&self) -> u64 {
        self.with(|inner| inner.next - 1)
    }

    /// The first call after the `after`-th that matches and is decided or held, as soon as there is one.
    pub(crate) async fn wait_for(&self, matcher: &Matcher, after: u64) -> Call {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let found = self.with(|inner| {
                let mut matching = inner
                    .calls
                    .iter()
                    .filter(|call| call.number > after && matcher.matches(&call.method, &call.path));
                matching.nth(matcher.skipped()).filter(|call| call.outcome != Outcome::Arrived).cloned()
            });
            match found {
                Some(call) => return call,
                None => changed.await,
            }
        }
    }
}
