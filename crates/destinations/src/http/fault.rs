//! Why there is no answer, in words.

use std::time::Duration;

use model::{DestinationError, DestinationErrorKind as Kind, Retry};

use crate::error::error;

/// What a fault of a call means; `origin` is scheme, host and port.
pub(super) fn fault(what: &str, origin: &str, fault: reqwest::Error, timeout: Duration) -> DestinationError {
    if fault.is_timeout() {
        return unanswered(what, origin, timeout);
    }
    let connecting = fault.is_connect();
    let lines = transport::chain(&fault.without_url());
    if let Some(mend) = transport::mend(&lines) {
        let mut failure = error(
            Kind::Unreachable,
            what,
            format!("no connection to `{origin}`: {}", lines.join(": ")),
            mend,
        );
        failure.report.retry = Retry::AfterFix;
        return failure;
    }
    let first =
        if connecting { "no connection to" } else { "the connection was cut, or the answer is no HTTP, at" };
    error(
        Kind::Unreachable,
        what,
        format!("{first} `{origin}`: {}", lines.join(": ")),
        format!("see whether `{origin}` is up and whether a proxy stands in between"),
    )
}

/// No whole answer in time.
pub(super) fn unanswered(what: &str, origin: &str, timeout: Duration) -> DestinationError {
    error(
        Kind::Unreachable,
        what,
        format!("`{origin}` gave no whole answer within {} s", timeout.as_secs_f32()),
        format!("see whether `{origin}` is up; `timeout` of the service says how long is waited"),
    )
}
