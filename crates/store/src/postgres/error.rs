//! How what `PostgreSQL` says becomes a [`StoreError`]. Its messages may quote values, so only its codes are told.

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::tls::refusal;
use crate::error::{Constraint, exists, not_found};

/// What a statement failed at.
pub(crate) fn postgres(error: &Error) -> StoreError {
    let Some(code) = error.code() else {
        return if is_connection(error) { lost(error) } else { unread(error) };
    };
    let (kind, blame, retry, what, mend) = match code.code() {
        "53100" => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::AfterFix,
            "the database's disk is full",
            "df -h   # on the database's host; make room where its data is",
        ),
        "25006" => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::AfterFix,
            "the database takes no writes: it is a replica, or set to be read only",
            "name the primary in `store = …`, or several hosts: `postgresql://user@one,other/database`",
        ),
        "42501" => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::AfterFix,
            "the database does not let this user do that",
            "GRANT CREATE ON DATABASE … TO …; and let one user own the schema `keywright`",
        ),
        "55P03" | "40001" | "40P01" => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::Later(None),
            "cannot write to the store: others are writing the same; nothing was written",
            "",
        ),
        "57014" => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::Later(None),
            "the database took too long; nothing was written",
            "",
        ),
        "3F000" | "42P01" | "42703" => (
            StoreErrorKind::Schema,
            Blame::Operator,
            Retry::AfterFix,
            "the store's tables are not as they were made",
            "put the database back from a backup",
        ),
        code if code.starts_with("23") => {
            (StoreErrorKind::Bug, Blame::Bug, Retry::Never, "the store refused a record", "")
        }
        code if code.starts_with("57") || code.starts_with("08") => return lost(error),
        code if code.starts_with("53") => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::Later(None),
            "the database has no room for this: memory or connections",
            "raise its `max_connections`, or look at its log",
        ),
        _ => (
            StoreErrorKind::Unavailable,
            Blame::Operator,
            Retry::AfterFix,
            "cannot read or write the store",
            "look at the database's log",
        ),
    };
    let report = Report::new(blame, retry, what).because(says(code));
    StoreError::new(kind, if mend.is_empty() { report } else { report.mend(mend) })
}

/// A broken foreign key or unique index, told apart from other failures.
pub(crate) fn constraint(error: &Error, on: Constraint<'_>) -> StoreError {
    match error.code() {
        Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION && !on.missing.is_empty() => {
            not_found(on.missing)
        }
        Some(code) if *code == SqlState::UNIQUE_VIOLATION && !on.taken.is_empty() => exists(on.taken),
        _ => postgres(error),
    }
}

/// No connection came to be.
pub(crate) fn connecting(error: &Error, shown: &str) -> StoreError {
    let told = error.to_string();
    let code = error.code().map(SqlState::code);
    let about_tls = told.contains("TLS");
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let wants_password = [&told, &cause].iter().any(|text| text.contains("password missing"));
    let (why, mend) = match code {
        Some("28P01") => ("the password is wrong", "give the right one by reference: `store_password = …`"),
        Some("28000") => (
            "it does not know this user, or does not let it in from here, or not in this way",
            "look at the user and at `sslmode` in the URL, and at the database's pg_hba.conf",
        ),
        Some("3D000") => ("there is no such database", "createdb, then try again"),
        Some("53300") => ("it has no connection left", "raise its `max_connections`"),
        Some("57P03") => ("it is starting or stopping", "wait a little"),
        Some(_) => return postgres(error),
        None if about_tls => refusal(error),
        None if wants_password => {
            ("it wants a password", "give it by reference: `store_password = \"env:NAME\"`")
        }
        None => ("it cannot be reached", "is it running there, and does a firewall let this host through?"),
    };
    let retry = if about_tls || wants_password { Retry::AfterFix } else { retry(code) };
    let report = Report::new(Blame::Operator, retry, format!("cannot use the database `{shown}`"));
    let report = match error.code() {
        Some(code) => report.because(why).because(says(code)),
        None => report.because(why).caused_by(error),
    };
    StoreError::new(StoreErrorKind::Unavailable, report.mend(mend))
}

fn retry(code: Option<&str>) -> Retry {
    if matches!(code, None | Some("53300" | "57P03")) { Retry::Later(None) } else { Retry::AfterFix }
}

/// The connection broke; nothing of the statement's transaction was written, unless it was its end.
fn lost(error: &Error) -> StoreError {
    let report = Report::new(Blame::Remote, Retry::Later(None), "the connection to the database was lost");
    let report = match error.code() {
        Some(code) => report.because(says(code)),
        None => report.caused_by(error),
    };
    StoreError::new(StoreErrorKind::Unavailable, report)
}

/// A transaction's end was sent, and no answer came.
pub(crate) fn unknown_end() -> StoreError {
    let report = Report::new(Blame::Remote, Retry::Later(None), "the connection to the database was lost")
        .because("it broke while a write ended, and the database cannot be asked: it may be done or not");
    StoreError::new(StoreErrorKind::Unavailable, report)
}

/// A transaction's end was sent, no answer came, and it is known that it was rolled back.
pub(crate) fn nothing_written() -> StoreError {
    let report = Report::new(Blame::Remote, Retry::Later(None), "the connection to the database was lost")
        .because("it broke while a write ended; nothing was written");
    StoreError::new(StoreErrorKind::Unavailable, report)
}

/// It took longer than anything may.
pub(crate) fn too_long(what: &str) -> StoreError {
    let report = Report::new(
        Blame::Remote,
        Retry::Later(None),
        format!("the database did not answer in time: {what}"),
    );
    StoreError::new(StoreErrorKind::Unavailable, report)
}

/// Whether the end of a transaction that failed like this may have been done all the same.
pub(crate) fn may_be_done(error: &Error) -> bool {
    error.code().is_none_or(|code| code.code().starts_with("57") || code.code().starts_with("08"))
}

fn is_connection(error: &Error) -> bool {
    error.is_closed()
        || std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// What came is not what this code wrote.
fn unread(error: &Error) -> StoreError {
    let report = Report::new(Blame::Bug, Retry::Never, "cannot use what the store gave");
    StoreError::new(StoreErrorKind::Bug, report.because(error.to_string()))
}

fn says(code: &SqlState) -> String {
    format!("PostgreSQL says {}", code.code())
}
