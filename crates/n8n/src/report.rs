//! Words for what went wrong. Nothing that came from outside gets into a report unescaped or at length.

use model::{Blame, IssuerError, IssuerErrorKind, Report, Retry};

pub(crate) use transport::{chain, shown};

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
