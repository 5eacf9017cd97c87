//! What went wrong, for a program to branch on and for a person to mend.

use crate::SignedDuration;

/// Who is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The person at the keyboard: a flag, a file, a permission.
    Operator,
    /// The other side: n8n, a destination, the network.
    Remote,
    /// Input that no honest side would send.
    Hostile,
    /// Keywright itself.
    Bug,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again.
    Never,
    /// It may go well later; the other side may have said when.
    Later(Option<SignedDuration>),
    /// After somebody mends something.
    AfterFix,
}

/// What is printed: what, why, mend. It never holds a secret, nor an upstream body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What could not be done, with the object in backticks.
    pub what: String,
    /// The chain of causes, the nearest first, a line each.
    pub because: Vec<String>,
    /// Exact commands or config paths that mend it.
    pub mend: Vec<String>,
    /// Who is at fault.
    pub blame: Blame,
    /// Whether trying again can help.
    pub retry: Retry,
}

impl Report {
    /// A report without causes and mends yet.
    pub fn new(blame: Blame, retry: Retry, what: impl Into<String>) -> Self {
        Self { what: what.into(), because: Vec::new(), mend: Vec::new(), blame, retry }
    }

    /// Adds a cause below the ones there are.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.because.push(cause.into());
        self
    }

    /// Adds an error and all its sources as causes.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            let line = cause.to_string();
            if self.because.last() != Some(&line) {
                self.because.push(line);
            }
            next = cause.source();
        }
        self
    }

    /// Adds a way to mend it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend.push(mend.into());
        self
    }

    /// What and its causes in one line, for the journal and the log.
    pub fn line(&self) -> String {
        std::iter::once(&self.what).chain(&self.because).map(String::as_str).collect::<Vec<_>>().join(": ")
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line())
    }
}

/// A port's error: a kind to branch on, and the report to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<K> {
    /// What a caller may branch on.
    pub kind: K,
    /// What a person reads. Boxed: errors are rare and results travel far.
    pub report: Box<Report>,
}

impl<K> Failure<K> {
    /// Joins a kind and its report.
    pub fn new(kind: K, report: Report) -> Self {
        Self { kind, report: Box::new(report) }
    }
}

impl<K> std::fmt::Display for Failure<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.report.fmt(f)
    }
}

impl<K: std::fmt::Debug> std::error::Error for Failure<K> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_joins_the_chain_without_repeats() {
        let io = std::io::Error::other("disk full");
        let report =
            Report::new(Blame::Operator, Retry::AfterFix, "cannot write `a`").caused_by(&io).caused_by(&io);
        assert_eq!(report.line(), "cannot write `a`: disk full");
    }
}
