//! How failures of channels are worded. Nothing that came from outside gets into them unescaped or at length.

use std::time::Duration;

use model::{Blame, ChannelError, ChannelErrorKind as Kind, ChannelName, Report, Retry, SignedDuration};

/// Longest wait that another side may ask for.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// A failure with what, why and mend.
pub(crate) fn error(
    kind: Kind,
    name: &ChannelName,
    because: impl Into<String>,
    mend: impl Into<String>,
) -> ChannelError {
    let (blame, retry, what) = match kind {
        Kind::BadSetting => (Blame::Operator, Retry::AfterFix, "cannot use"),
        Kind::Refused => (Blame::Operator, Retry::AfterFix, "cannot send a notice over"),
        Kind::Unreachable | Kind::Throttled | Kind::Failed => {
            (Blame::Remote, Retry::Later(None), "cannot send a notice over")
        }
    };
    let report = Report::new(blame, retry, format!("{what} channel `{name}`"));
    ChannelError::new(kind, report.because(because).mend(mend))
}

/// Adds the chain of another error's causes, a line each.
pub(crate) fn caused_by(mut failure: ChannelError, cause: &dyn std::error::Error) -> ChannelError {
    let mut next = Some(cause);
    while let Some(cause) = next {
        let line = shown(&cause.to_string(), 200);
        if failure.report.because.last() != Some(&line) && failure.report.because.len() < 8 {
            failure.report.because.push(line);
        }
        next = cause.source();
    }
    failure
}

/// No answer in time.
pub(crate) fn too_late(name: &ChannelName, limit: Duration, mend: impl Into<String>) -> ChannelError {
    let because = format!("it was not done after {} ms; it may have arrived or not", limit.as_millis());
    error(Kind::Unreachable, name, because, mend)
}

/// Says how long the other side asked to wait, within reason.
pub(crate) fn wait_for(mut failure: ChannelError, wait: Option<SignedDuration>) -> ChannelError {
    let wait = wait.map(|wait| wait.clamp(SignedDuration::ZERO, MAX_WAIT));
    failure.report.retry = Retry::Later(wait);
    failure
}

/// Text fit for a terminal and a header: one line, at most `max` characters of it.
pub(crate) fn shown(text: &str, max: usize) -> String {
    let plain = |c: char| c == ' ' || c.is_alphanumeric() || c.is_ascii_graphic();
    let mut shown = String::new();
    for c in text.chars().take(max) {
        if plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    if text.chars().nth(max).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_is_escaped_and_length_is_bounded() {
        assert_eq!(shown("ü a\u{1b}\n\u{202e}", 40), r"ü a\u{1b}\u{a}\u{202e}");
        assert_eq!(shown(&"a".repeat(50), 3), "aaa…");
    }

    #[test]
    fn nobody_makes_us_wait_for_ever() {
        let failure = || error(Kind::Throttled, &"ops".parse().unwrap(), "429", "wait");
        let year = SignedDuration::from_hours(9_000);
        assert_eq!(wait_for(failure(), Some(year)).report.retry, Retry::Later(Some(MAX_WAIT)));
        let back = wait_for(failure(), Some(SignedDuration::from_secs(-5)));
        assert_eq!(back.report.retry, Retry::Later(Some(SignedDuration::ZERO)));
    }
}
