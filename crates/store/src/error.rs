//! How what `SQLite`, the file system and the log say becomes a [`StoreError`].

use std::path::Path;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};

/// Disk, permission, lock: what a person mends.
pub(crate) fn unavailable(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, Report::new(Blame::Operator, Retry::AfterFix, what))
}

/// A file operation that failed.
pub(crate) fn io(what: &str, path: &Path, error: &dyn std::error::Error) -> StoreError {
    let report = Report::new(Blame::Operator, Retry::AfterFix, format!("cannot {what} `{}`", path.display()));
    StoreError::new(StoreErrorKind::Unavailable, report.caused_by(error))
}

/// Keywright's own fault.
pub(crate) fn bug(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Bug, Report::new(Blame::Bug, Retry::Never, what))
}

/// No such record.
pub(crate) fn not_found(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, Report::new(Blame::Operator, Retry::AfterFix, what))
}

/// A record that exists.
pub(crate) fn exists(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Exists, Report::new(Blame::Operator, Retry::Never, what))
}

/// From where it stands it cannot go there.
pub(crate) fn illegal(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::IllegalTransition, Report::new(Blame::Bug, Retry::Never, what))
}

/// The lease is somebody else's, or nobody's any more.
pub(crate) fn lease_lost(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::LeaseLost, Report::new(Blame::Operator, Retry::Later(None), what))
}

/// A row that this code did not write.
pub(crate) fn corrupt(row: &str, why: impl Into<String>) -> StoreError {
    let report = Report::new(Blame::Hostile, Retry::AfterFix, format!("cannot read `{row}` of the store"))
        .because(why)
        .mend("put the store back from a backup");
    StoreError::new(StoreErrorKind::Unavailable, report)
}

/// What `SQLite` says. Its messages quote names of tables and columns, never values.
pub(crate) fn sqlite(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{
        CannotOpen, ConstraintViolation, DatabaseBusy, DatabaseLocked, DiskFull, NotADatabase, ReadOnly,
        SystemIoFailure,
    };
    let mend = match error.sqlite_error_code() {
        Some(DiskFull | SystemIoFailure) => Some("df -h . ; df -i .   # make room where the store is"),
        Some(ReadOnly | CannotOpen) => {
            Some("make the store's folder and files writable to this user; is the file system read-only?")
        }
        Some(NotADatabase) => Some("name the right file: `store = …` in keywright.toml"),
        _ => None,
    };
    let (kind, blame, retry, what) = match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::Later(None),
            "cannot write to the store: another process holds its lock",
        ),
        Some(NotADatabase) => {
            (StoreErrorKind::Schema, Blame::Operator, Retry::AfterFix, "this file is not a store")
        }
        Some(ConstraintViolation) => {
            (StoreErrorKind::Bug, Blame::Bug, Retry::Never, "the store refused a record")
        }
        Some(_) => {
            (StoreErrorKind::Unavailable, Blame::Operator, Retry::AfterFix, "cannot read or write the store")
        }
        None => (StoreErrorKind::Bug, Blame::Bug, Retry::Never, "cannot use what the store gave"),
    };
    let report = Report::new(blame, retry, what).caused_by(error);
    StoreError::new(kind, mend.map_or(report.clone(), |mend| report.mend(mend)))
}

/// A value that breaks a foreign key or a unique index, told apart from other failures.
pub(crate) fn constraint(error: &rusqlite::Error, on: Constraint<'_>) -> StoreError {
    let extended = error.sqlite_error().map(|cause| cause.extended_code);
    match extended {
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) if !on.missing.is_empty() => not_found(on.missing),
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY | rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
            if !on.taken.is_empty() =>
        {
            exists(on.taken)
        }
        _ => sqlite(error),
    }
}

/// What to say of a broken constraint.
#[derive(Clone, Copy)]
pub(crate) struct Constraint<'a> {
    /// If what a row refers to is not there.
    pub(crate) missing: &'a str,
    /// If a row with its key is there.
    pub(crate) taken: &'a str,
}

impl Constraint<'_> {
    /// Where none can be broken.
    pub(crate) const NONE: Self = Self { missing: "", taken: "" };
}
