//! How failures of destinations are worded. Nothing here takes a secret.

use std::path::Path;

use model::{
    Address, Blame, Confirmation, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Report,
    Retry,
};
use rustix::io::Errno;

/// A failure with what, why and mend.
pub(crate) fn error(
    kind: Kind,
    what: impl Into<String>,
    because: impl Into<String>,
    mend: impl Into<String>,
) -> DestinationError {
    let (blame, retry) = match kind {
        Kind::BadAddress | Kind::NotFound | Kind::Denied | Kind::Malformed => {
            (Blame::Operator, Retry::AfterFix)
        }
        Kind::Changed | Kind::NotConfirmed | Kind::Unreachable | Kind::Failed | Kind::Throttled => {
            (Blame::Remote, Retry::Later(None))
        }
    };
    let report = Report::new(blame, retry, what).because(because).mend(mend);
    DestinationError::new(kind, report)
}

/// Refused because somebody set a trap, or because of what looks like one.
pub(crate) fn hostile(
    what: impl Into<String>,
    because: impl Into<String>,
    mend: impl Into<String>,
) -> DestinationError {
    let mut failure = error(Kind::Denied, what, because, mend);
    failure.report.blame = Blame::Hostile;
    failure
}

/// What the system said no to: `what` could not be done, because `need` on `object` was missing.
pub(crate) fn refused(what: impl Into<String>, need: &str, object: &Path, errno: Errno) -> DestinationError {
    let shown = object.display();
    let uid = rustix::process::geteuid().as_raw();
    match errno {
        Errno::NOENT | Errno::NOTDIR => error(
            Kind::NotFound,
            what,
            format!("`{shown}` does not exist, or something on the way to it is not a folder"),
            format!("make the folder, such as `mkdir -p {shown}`"),
        ),
        Errno::ACCESS => error(
            Kind::Denied,
            what,
            format!("no {need} permission on `{shown}` for uid {uid}"),
            format!(
                "look with `ls -ld {shown}`, and give {need} permission to uid {uid} with `chmod` or `chown`"
            ),
        ),
        Errno::PERM => error(
            Kind::Denied,
            what,
            format!("`{shown}` may not be changed, not even by its owner, or belongs to someone else"),
            format!("see `lsattr -d {shown}` (`chattr -i` makes it changeable) and `ls -ld {shown}`"),
        ),
        Errno::ROFS => error(
            Kind::Denied,
            what,
            format!("`{shown}` is on a file system that is mounted read-only"),
            format!("mount it writable: `mount -o remount,rw $(findmnt -nT {shown} -o TARGET)`"),
        ),
        Errno::NOSPC | Errno::DQUOT => {
            let mut failure = error(
                Kind::Failed,
                what,
                format!("no space left for `{shown}`; nothing was changed"),
                format!("make room: `df -h {shown}`, `df -i {shown}`, `quota`"),
            );
            (failure.report.blame, failure.report.retry) = (Blame::Operator, Retry::AfterFix);
            failure
        }
        Errno::LOOP | Errno::NAMETOOLONG => error(
            Kind::BadAddress,
            what,
            format!("`{shown}`: {errno}"),
            "give the path of the file itself, without symlinks that go in circles",
        ),
        _ => error(Kind::Failed, what, format!("`{shown}`: {errno}"), format!("see `ls -ld {shown}`")),
    }
}

/// Whether what was read back is the wanted key.
pub(crate) fn compare(
    address: &Address,
    held: &Held,
    wanted: &Fingerprint,
) -> Result<Confirmation, DestinationError> {
    let because = match held {
        Held::Value(secret) => {
            let found = Fingerprint::of(secret);
            if found == *wanted {
                return Ok(Confirmation::ReadBack);
            }
            format!("it holds a key with fingerprint {}, not {}", found.short(), wanted.short())
        }
        Held::Absent => format!("it holds nothing, not the key with fingerprint {}", wanted.short()),
        Held::Unreadable => "it could not be read back".to_owned(),
    };
    Err(error(
        Kind::NotConfirmed,
        format!("cannot confirm the delivery to `{address}`"),
        because,
        "see what else writes there; the next try delivers again",
    ))
}
