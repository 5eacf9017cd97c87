//! Why a rotation could not be begun, driven or undone.

use model::{
    Blame, Failure, IntegrationName, LeaseHolder, Report, Retry, Rotation, RotationId, RotationStatus,
    StoreError, StoreErrorKind,
};

/// What a caller may branch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotationErrorKind {
    /// The integration has an open rotation.
    AlreadyOpen(RotationId),
    /// Another process is driving it right now.
    Busy(Box<LeaseHolder>),
    /// Another process took it over while we drove it; nothing of ours was written since.
    LeaseLost,
    /// No such integration, instance or rotation.
    NotFound,
    /// It cannot be undone any more, or cannot be rotated as it stands.
    NotPossible,
    /// The store failed.
    Store,
    /// The instance could not be opened.
    Instance,
}

/// A rotation's failure to be driven; a step's failure is an [`crate::Outcome::Stalled`] instead.
pub type RotationError = Failure<RotationErrorKind>;

pub(crate) fn store(error: StoreError) -> RotationError {
    let kind = match error.kind {
        StoreErrorKind::LeaseLost => RotationErrorKind::LeaseLost,
        StoreErrorKind::LeaseHeld(lease) => RotationErrorKind::Busy(Box::new(lease.holder)),
        StoreErrorKind::NotFound => RotationErrorKind::NotFound,
        _ => RotationErrorKind::Store,
    };
    Failure { kind, report: error.report }
}

pub(crate) fn no_integration(name: &IntegrationName) -> RotationError {
    let report = Report::new(Blame::Operator, Retry::AfterFix, format!("there is no integration `{name}`"))
        .mend("keywright key list")
        .mend(format!("keywright key create {name} --help"));
    Failure::new(RotationErrorKind::NotFound, report)
}

pub(crate) fn already_open(name: &IntegrationName, id: RotationId, status: RotationStatus) -> RotationError {
    let report =
        Report::new(Blame::Operator, Retry::Later(None), format!("`{name}` is being rotated already"))
            .because(match status {
                RotationStatus::Running => format!("rotation {id} is running, or died on its way"),
                _ => format!("rotation {id} is {}", status.as_str()),
            })
            .mend(format!("keywright rotate --resume {name}"))
            .mend(format!("keywright rotate {name} --abort"))
            .mend(format!(
                "keywright rotate {name} --compromised   # if a key leaked: kills every key of it now"
            ));
    Failure::new(RotationErrorKind::AlreadyOpen(id), report)
}

pub(crate) fn not_abortable(rotation: &Rotation, is: &str) -> RotationError {
    let what = format!("rotation `{}` of `{}` cannot be undone", rotation.id, rotation.integration);
    let mut failure = not_possible(what, format!("it is {is}"));
    if rotation.status.is_open() {
        failure.report.because.push("the only way is forward".into());
        failure.report.mend.push(format!("keywright rotate --resume {}", rotation.integration));
    }
    failure
}

pub(crate) fn not_possible(what: impl Into<String>, why: impl Into<String>) -> RotationError {
    let report = Report::new(Blame::Operator, Retry::AfterFix, what).because(why);
    Failure::new(RotationErrorKind::NotPossible, report)
}
