//! Limits on attempts, counted in fixed windows.

use std::collections::HashMap;

/// So many attempts in so long.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) attempts: u32,
    pub(crate) window_ms: i64,
}

/// What an attempt met.
pub(crate) struct Pass {
    /// It is within the limit.
    pub(crate) allowed: bool,
    /// How many more there may be in this window.
    pub(crate) remaining: u32,
    /// When the window ends, in milliseconds since 1970.
    pub(crate) resets_ms: i64,
}

/// The windows that are open.
#[derive(Default)]
pub(crate) struct Throttle(HashMap<String, (i64, u32)>);

impl Throttle {
    pub(crate) fn attempt(&mut self, counted_by: &str, limit: Limit, now_ms: i64) -> Pass {
        let fresh = (now_ms + limit.window_ms, 0);
        let (resets_ms, count) = self.0.entry(counted_by.to_owned()).or_insert(fresh);
        // Counted by time that passes: a clock that is set back closes no window for longer.
        if *resets_ms <= now_ms || *resets_ms - now_ms > limit.window_ms {
            (*resets_ms, *count) = fresh;
        }
        *count = count.saturating_add(1);
        Pass {
            allowed: *count <= limit.attempts,
            remaining: limit.attempts.saturating_sub(*count),
            resets_ms: *resets_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_in_a_minute_waits_for_its_end() {
        let limit = Limit { attempts: 5, window_ms: 60_000 };
        let mut throttle = Throttle::default();
        let allowed: Vec<_> = (0..6).map(|at| throttle.attempt("a", limit, at * 1000).allowed).collect();
        assert_eq!(allowed, [true, true, true, true, true, false]);
        assert!(throttle.attempt("b", limit, 5_000).allowed);
        assert!(!throttle.attempt("a", limit, 59_999).allowed);
        assert!(throttle.attempt("a", limit, 60_000).allowed);
        assert!(throttle.attempt("a", limit, -86_400_000).allowed);
    }
}
