//! What is looked for, within which bounds, and what is let be.

use std::path::Path;
use std::sync::Arc;

use detector::{Detector, Kind, Severity};
use leaks::tree::Excluded;
use leaks::{
    ALLOW_FILE, Allowlist, Contents, Coverage, Judged, Limits, Marks, Reach, Report, Rules, Verdict,
};
use model::Clock as _;

use crate::Exit;
use crate::cli::Searching;
use crate::error::{CommandError, operator};
use crate::system::SystemClock;

/// A search, ready to be made.
pub(super) struct Search {
    pub(super) contents: Contents,
    pub(super) limits: Limits,
    pub(super) excluded: Excluded,
    kinds: Vec<Kind>,
    least: Severity,
    allowlists: Vec<Allowlist>,
    marks: Marks,
    unread: Unread,
}

/// What it means that something was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unread {
    Fails,
    IsAccepted,
}

impl Search {
    /// As the options say; an allowlist that is faulty is refused as a whole.
    pub(super) fn open(options: &Searching) -> Result<Self, CommandError> {
        let limits = limits(options);
        let excluded = Excluded::of(options.exclude.iter().map(String::as_str)).map_err(|fault| {
            let report = operator("cannot use `--exclude`").caused_by(&fault);
            CommandError::usage(
                report.mend("a name such as `node_modules`, or a path such as `docs/**/*.pdf`"),
            )
        })?;
        let allowlists = match &options.allowlist {
            _ if options.no_allowlist => Vec::new(),
            Some(file) => vec![allowlist(file)?.ok_or_else(|| {
                operator(format!("cannot use the allowlist `{}`", file.display()))
                    .because("there is no such file")
                    .mend("leave `--allowlist` out, or make the file: docs/guides/leaks.md")
            })?],
            None => allowlist(Path::new(ALLOW_FILE))?.into_iter().collect(),
        };
        Ok(Self {
            contents: Contents::new(Arc::new(Detector::new()), limits.clone()),
            limits,
            excluded,
            kinds: options.kinds.clone(),
            least: options.min_severity.into(),
            allowlists,
            marks: if options.no_allowlist { Marks::Ignored } else { Marks::Heeded },
            unread: if options.allow_unread { Unread::IsAccepted } else { Unread::Fails },
        })
    }

    /// For a hook: all kinds, the bounds that there are by default, one allowlist.
    pub(super) fn of_hook(allowlist: Option<Allowlist>, marks: Marks) -> Self {
        let limits = Limits::default();
        Self {
            contents: Contents::new(Arc::new(Detector::new()), limits.clone()),
            limits,
            excluded: Excluded::default(),
            kinds: Vec::new(),
            least: Severity::Medium,
            allowlists: allowlist.into_iter().collect(),
            marks,
            unread: Unread::Fails,
        }
    }

    /// Leaves what was asked for, by token, and takes out what is let be.
    pub(super) fn judge(&self, mut report: Report, coverage: Coverage) -> Judged {
        let is_asked_for = |kind: Kind| {
            kind.severity() >= self.least && (self.kinds.is_empty() || self.kinds.contains(&kind))
        };
        report.findings.retain(|finding| is_asked_for(finding.token.kind));
        let rules = Rules { allowlists: &self.allowlists, marks: self.marks, coverage };
        Judged::judge(report, rules, SystemClock.now())
    }

    /// The exit code: something found, not all read, or all well.
    pub(super) fn exit(&self, judged: &Judged) -> Exit {
        match judged.verdict() {
            Verdict::Found(_) => Exit::Findings,
            Verdict::Unread(_) if self.unread == Unread::Fails => Exit::Failed,
            Verdict::Unread(_) | Verdict::Allowed(_) | Verdict::Clean => Exit::Done,
        }
    }
}

/// An allowlist, if there is one.
pub(super) fn allowlist(file: &Path) -> Result<Option<Allowlist>, CommandError> {
    Allowlist::read(file, Reach::Everything).map_err(|fault| fault.report().into())
}

fn limits(options: &Searching) -> Limits {
    let usual = Limits::default();
    Limits {
        max_object_bytes: options.max_object_size.0,
        max_depth: usize::from(options.max_depth),
        max_unpacked_bytes: options.max_unpacked.0,
        threads: options.threads.map_or(usual.threads, usize::from),
        ..usual
    }
}
