//! Faults on order: what goes wrong, with which call, how often.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Which calls: all that it does not exclude.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    method: Option<String>,
    prefix: Option<String>,
    contains: Option<String>,
    skipped: usize,
}

impl Matcher {
    /// Every call.
    pub fn any() -> Self {
        Self::default()
    }

    /// Calls with this method to a path that begins so.
    pub fn of(method: &str, prefix: &str) -> Self {
        Self::any().method(method).path(prefix)
    }

    /// Only this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only paths that begin so.
    #[must_use]
    pub fn path(mut self, prefix: &str) -> Self {
        self.prefix = Some(prefix.to_owned());
        self
    }

    /// Only paths and queries that contain this.
    #[must_use]
    pub fn contains(mut self, part: &str) -> Self {
        self.contains = Some(part.to_owned());
        self
    }

    /// Not before the `nth` such call, from 1, counted from when the fault was pushed or the wait began.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.skipped = nth.saturating_sub(1);
        self
    }

    pub(crate) fn skipped(&self) -> usize {
        self.skipped
    }

    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.prefix.as_deref().is_none_or(|prefix| path.starts_with(prefix))
            && self.contains.as_deref().is_none_or(|part| path.contains(part))
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Effect {
    /// The connection is cut before anything is done.
    RefuseBefore,
    /// It is done, and the connection is cut without an answer.
    LostAnswer,
    /// It waits this long, is done and answered.
    Delay(Duration),
    /// Nothing is done; the answer has this status.
    Status(u16),
    /// It is done; the answer has this status instead of its own.
    StatusAfter(u16),
    /// Nothing is done; the answer is 429.
    TooMany {
        /// The `Retry-After`, in seconds.
        retry_after_s: u64,
    },
    /// Nothing is done; the answer is one that no honest n8n gives.
    Hostile(Hostile),
    /// Nothing is done; the answer is a redirect to this URL.
    RedirectTo(String),
    /// Nothing is done and nothing is answered until [`Faults::release`]; then it goes on as usual.
    Hang,
    /// It is done, and nothing is answered until [`Faults::release`].
    HangAfter,
}

/// Answers that no honest n8n gives.
#[derive(Clone, Debug)]
pub enum Hostile {
    /// These bytes, as JSON, with 200.
    Bytes(Vec<u8>),
    /// A JSON text of this many bytes, with its length told beforehand.
    Huge(u64),
    /// A JSON text that never ends.
    Endless,
    /// JSON arrays inside each other, this many deep.
    Deep(usize),
}

/// A fault on order.
#[derive(Clone, Debug)]
pub struct Fault {
    /// With which calls.
    pub on: Matcher,
    /// What goes wrong.
    pub what: Effect,
    /// How many times; `None` for ever.
    pub times: Option<u32>,
}

impl Fault {
    /// Goes wrong once.
    pub fn once(on: Matcher, what: Effect) -> Self {
        Self { on, what, times: Some(1) }
    }

    /// Goes wrong that many times.
    pub fn times(times: u32, on: Matcher, what: Effect) -> Self {
        Self { on, what, times: Some(times) }
    }

    /// Goes wrong until [`Faults::clear`].
    pub fn always(on: Matcher, what: Effect) -> Self {
        Self { on, what, times: None }
    }
}

/// The faults on order.
pub struct Faults {
    armed: Mutex<Vec<Armed>>,
    released: watch::Sender<u64>,
}

struct Armed {
    fault: Fault,
    seen: usize,
    left: Option<u32>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { armed: Mutex::new(Vec::new()), released: watch::Sender::new(0) }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Vec<Armed>) -> T) -> T {
        use_it(&mut self.armed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Orders a fault. Of several that match a call, the one ordered first happens.
    pub fn push(&self, fault: Fault) {
        let left = fault.times;
        self.with(|armed| armed.push(Armed { fault, seen: 0, left }));
    }

    /// Forgets all faults that have not happened; calls that hang go on hanging.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// How many faults are still on order.
    pub fn pending(&self) -> usize {
        self.with(|armed| armed.len())
    }

    /// Lets all calls that hang now go on.
    pub fn release(&self) {
        self.released.send_modify(|generation| *generation += 1);
    }

    /// The fault that happens to this call, if any.
    pub(crate) fn strike(&self, method: &str, path: &str) -> Option<Effect> {
        self.with(|armed| {
            let mut struck = None;
            for one in armed.iter_mut() {
                if one.fault.on.matches(method, path) {
                    one.seen += 1;
                    if struck.is_none() && one.seen > one.fault.on.skipped {
                        struck = Some(one.fault.what.clone());
                        one.left = one.left.map(|left| left.saturating_sub(1));
                    }
                }
            }
            armed.retain(|one| one.left != Some(0));
            struck
        })
    }

    /// Returns at the next [`Faults::release`].
    pub(crate) fn released(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_the_nth_and_no_more_than_ordered() {
        let faults = Faults::new();
        faults.push(Fault::times(2, Matcher::of("post", "/rest/").nth(2), Effect::Status(502)));
        let mut hits = Vec::new();
        for (method, path) in [
            ("GET", "/rest/a"),
            ("POST", "/rest/a"),
            ("POST", "/rest/b"),
            ("POST", "/rest/c"),
            ("POST", "/rest/d"),
        ] {
            hits.push(faults.strike(method, path).is_some());
        }
        assert_eq!(hits, [false, false, true, true, false]);
        assert_eq!(faults.pending(), 0);
    }

    #[test]
    fn matches_by_method_prefix_and_part() {
        let matcher = Matcher::of("DELETE", "/rest/api-keys/").contains("abc");
        assert!(matcher.matches("DELETE", "/rest/api-keys/abc"));
        assert!(!matcher.matches("GET", "/rest/api-keys/abc"));
        assert!(!matcher.matches("DELETE", "/rest/api-keys/xyz"));
        assert!(!matcher.matches("DELETE", "/x/rest/api-keys/abc"));
        assert!(Matcher::any().matches("PUT", "/"));
    }
}
