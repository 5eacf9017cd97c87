//! Words for what went wrong. Nothing that came from outside gets into a report unescaped or at length.

use model::{Blame, IssuerError, IssuerErrorKind, Report, Retry};

/// Text from outside, fit for a terminal: escaped, and at most `max` characters of it.
pub(crate) fn shown(text: &str, max: usize) -> String {
    let mut shown: String = text.chars().take(max).flat_map(escaped).collect();
    if text.chars().nth(max).is_some() {
        shown.push('…');
    }
    shown
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    // Letters of any script are shown as they are; what moves a cursor or turns the line around is not.
    let plain = c == ' ' || c.is_alphanumeric() || c.is_ascii_graphic();
    let (kept, escape) = if plain { (Some(c), None) } else { (None, Some(c.escape_unicode())) };
    kept.into_iter().chain(escape.into_iter().flatten())
}

/// An error without causes yet; blame and retry follow from its kind.
pub(crate) fn error(kind: IssuerErrorKind, what: impl Into<String>) -> IssuerError {
    use IssuerErrorKind as K;
    let (blame, retry) = match kind {
        K::Unreachable | K::Throttled | K::Failed | K::Clash | K::NotProved | K::StillAlive => {
            (Blame::Remote, Retry::Later(None))
        }
        K::LoginRefused
        | K::SecondFactorRequired
        | K::Refused
        | K::OneKeyOnly
        | K::Unsupported
        | K::NeedsPerson => (Blame::Operator, Retry::AfterFix),
        K::Hostile => (Blame::Hostile, Retry::Never),
        K::Bug => (Blame::Bug, Retry::Never),
    };
    IssuerError::new(kind, Report::new(blame, retry, what))
}

/// Adds to an error's report.
pub(crate) trait Explain {
    /// Adds a cause.
    fn because(self, cause: impl Into<String>) -> Self;
    /// Adds a way to mend it.
    fn mend(self, mend: impl Into<String>) -> Self;
    /// Says when trying again can help.
    fn retry(self, retry: Retry) -> Self;
}

impl Explain for IssuerError {
    fn because(mut self, cause: impl Into<String>) -> Self {
        self.report.because.push(cause.into());
        self
    }

    fn mend(mut self, mend: impl Into<String>) -> Self {
        self.report.mend.push(mend.into());
        self
    }

    fn retry(mut self, retry: Retry) -> Self {
        self.report.retry = retry;
        self
    }
}

/// Any other error's chain, a line each, escaped and short.
pub(crate) fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let line = shown(&cause.to_string(), 200);
        if lines.last() != Some(&line) && lines.len() < 8 {
            lines.push(line);
        }
        next = cause.source();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_is_escaped() {
        assert_eq!(shown("n8n.example.com/ü", 40), "n8n.example.com/ü");
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c\n", 40), r"a\u{1b}[2Jb\u{202e}c\u{a}");
        assert_eq!(shown(&"a".repeat(50), 3), "aaa…");
    }
}
