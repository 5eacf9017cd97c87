//! Looks through what was fetched, for keys.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use detector::Detector;
use leaks::{Contents, Finding, Limits, Place, Report, Seen, Source, Unread, Why};
use model::{Blame, Retry};

use super::Pushes;

pub(super) struct Searcher(Arc<Contents>);

impl Searcher {
    pub(super) fn new() -> Self {
        Self(Arc::new(Contents::new(Arc::new(Detector::new()), Limits::default())))
    }
}

/// What was found.
pub(super) struct Searched {
    pub(super) report: Report,
}

impl Searched {
    /// What was read needs not be read again.
    pub(super) fn remember(self) {
        drop(self);
    }
}

impl Pushes {
    /// Reads all objects, as `git` prints them one after the other.
    pub(super) async fn search(&self, repository: &Path) -> Result<Searched, model::Report> {
        let cannot = || {
            let what = format!("cannot look through `{}`", repository.display());
            model::Report::new(Blame::Operator, Retry::Later(None), what)
        };
        let (contents, folder) = (Arc::clone(&self.searcher.0), repository.to_owned());
        let read = tokio::task::spawn_blocking(move || read(&contents, &folder)).await;
        let report =
            read.map_err(|lost| cannot().caused_by(&lost))?.map_err(|error| cannot().caused_by(&error))?;
        Ok(Searched { report })
    }
}

fn read(contents: &Contents, repository: &Path) -> std::io::Result<Report> {
    let mut child = Command::new("git")
        .args(["cat-file", "--batch-all-objects", "--unordered", "--batch", "--buffer"])
        .env_clear()
        .env("PATH", crate::config::search_path())
        .env("GIT_DIR", repository)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_NO_LAZY_FETCH", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (mut seen, mut report) = (Seen::default(), Report::default());
    let streamed = child.stdout.take().map_or(Ok(()), |mut stdout| contents.stream(&mut stdout, &mut seen));
    let ended = child.wait()?;
    streamed?;
    report.tally = seen.tally;
    (report.unread, report.more_unread) = (seen.unread, seen.more_unread);
    if !ended.success() {
        let why = Why::Broken("git does not print all of it".to_owned());
        report.unread.push(Unread { what: repository.display().to_string().into_bytes(), why });
    }
    for one in seen.sightings {
        let source = Source::File(repository.to_owned());
        let is_allowed_inline = one.is_allowed_inline;
        let place = Place { source, line: None, column: None, is_allowed_inline };
        report.findings.push(Finding { token: one.token, place, wrapping: one.wrapping, also: 0 });
    }
    Ok(report)
}
