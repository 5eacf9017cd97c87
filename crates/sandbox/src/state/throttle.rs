//! The limit on attempts to log in: five in a minute, counted in fixed windows.

use std::collections::HashMap;

/// Attempts that one window allows.
pub(crate) const LIMIT: u32 = 5;
const WINDOW_MS: i64 = 60_000;

/// What an attempt met.
pub(crate) struct Pass {
    /// It is within the limit.
    pub(crate) allowed: bool,
    /// How many more there may be in this window.
    pub(crate) remaining: u32,
    /// When the window ends, in milliseconds since 1970.
    pub(crate) resets_ms: i64,
}

/// Counts by whatever the version counts by: the login id, or the client's address.
#[derive(Default)]
pub(crate) struct Throttle {
    windows: HashMap<String, (i64, u32)>,
}

impl Throttle {
    pub(crate) fn attempt(&mut self, by: &str, now_ms: i64) -> Pass {
        let (resets_ms, count) = self.windows.entry(by.to_owned()).or_insert((now_ms + WINDOW_MS, 0));
        if *resets_ms <= now_ms {
            (*resets_ms, *count) = (now_ms + WINDOW_MS, 0);
        }
        *count = count.saturating_add(1);
        Pass { allowed: *count <= LIMIT, remaining: LIMIT.saturating_sub(*count), resets_ms: *resets_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_in_a_minute_waits_for_its_end() {
        let mut throttle = Throttle::default();
        let allowed: Vec<_> = (0..6).map(|at| throttle.attempt("a", at * 1000).allowed).collect();
        assert_eq!(allowed, [true, true, true, true, true, false]);
        assert!(throttle.attempt("b", 5_000).allowed);
        assert!(!throttle.attempt("a", 59_999).allowed);
        assert!(throttle.attempt("a", 60_000).allowed);
    }
}
