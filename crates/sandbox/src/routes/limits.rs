//! Limits on attempts, as `express-rate-limit` plays them for n8n: counted first, told in headers, refused after.

use crate::answer::{self, Answer};
use crate::state::{Limit, State};

/// What n8n says where attempts are counted by what is sent.
pub(crate) const TOO_MANY: &str = "Too many requests, please try again later.";

/// By whom attempts are counted.
pub(crate) enum By<'a> {
    /// By the client's address; in a sandbox everybody has the same.
    Address,
    /// By what is sent, such as a login id.
    Sent(&'a str),
}

/// Counts an attempt at `what`, and runs it if it is within the limit.
pub(crate) fn within(
    state: &mut State,
    what: &str,
    by: &By<'_>,
    limit: Limit,
    run: impl FnOnce(&mut State) -> Answer,
) -> Answer {
    let now_ms = state.clock.now_ms();
    let counted_by = match by {
        By::Address => format!("{what} of everybody"),
        By::Sent(sent) => format!("{what} of {sent:?}"),
    };
    let pass = state.throttle.attempt(&counted_by, limit, now_ms);
    let answer = if pass.allowed {
        run(state)
    } else {
        let refused = match by {
            By::Address => answer::message(429, "Too many requests"),
            By::Sent(_) => answer::raw(429, "text/html; charset=utf-8", TOO_MANY),
        };
        let wait_s = (pass.resets_ms - now_ms + 999).div_euclid(1000);
        answer::with(refused, "retry-after", &wait_s.to_string())
    };
    let resets_s = (pass.resets_ms + 999).div_euclid(1000);
    let answer = answer::with(answer, "x-ratelimit-limit", &limit.attempts.to_string());
    let answer = answer::with(answer, "x-ratelimit-remaining", &pass.remaining.to_string());
    answer::with(answer, "x-ratelimit-reset", &resets_s.to_string())
}
