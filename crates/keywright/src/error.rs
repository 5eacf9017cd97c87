//! How a command fails: what to print, and the exit code.

use model::{Blame, DestinationError, IssuerError, IssuerErrorKind, NameError, Report, Retry, StoreError};
use rotation::{RotationError, RotationErrorKind};

/// A command's failure.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// What to print.
    pub(crate) report: Box<Report>,
    /// 1 operator or remote · 2 usage · 4 not authorised · 70 our bug
    pub(crate) code: u8,
}

impl CommandError {
    /// A wrong use of the command line that clap cannot see.
    pub(crate) fn usage(report: Report) -> Self {
        Self { report: Box::new(report), code: 2 }
    }

    fn new(report: Box<Report>) -> Self {
        let code = if report.blame == Blame::Bug { 70 } else { 1 };
        Self { report, code }
    }
}

/// A fault of the operator, to be mended.
pub(crate) fn operator(what: impl Into<String>) -> Report {
    Report::new(Blame::Operator, Retry::AfterFix, what)
}

impl From<Report> for CommandError {
    fn from(report: Report) -> Self {
        Self::new(Box::new(report))
    }
}

impl From<StoreError> for CommandError {
    fn from(failure: StoreError) -> Self {
        Self::new(failure.report)
    }
}

impl From<DestinationError> for CommandError {
    fn from(failure: DestinationError) -> Self {
        Self::new(failure.report)
    }
}

impl From<IssuerError> for CommandError {
    fn from(failure: IssuerError) -> Self {
        let unauthorised =
            matches!(failure.kind, IssuerErrorKind::LoginRefused | IssuerErrorKind::SecondFactorRequired);
        let error = Self::new(failure.report);
        if unauthorised { Self { code: 4, ..error } } else { error }
    }
}

impl From<RotationError> for CommandError {
    fn from(failure: RotationError) -> Self {
        let mut error = Self::new(failure.report);
        if let RotationErrorKind::Busy(holder) = &failure.kind {
            error.report.because =
                vec![format!("process {} on `{}` is at it", holder.pid, first_word(&holder.host))];
            error.report.mend =
                vec!["wait for it; if it died on another host, its lease ends within 30 s".into()];
        }
        error
    }
}

impl From<NameError> for CommandError {
    fn from(refused: NameError) -> Self {
        Self::usage(operator(refused.to_string()))
    }
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}
