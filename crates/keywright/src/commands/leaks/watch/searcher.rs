//! The thread that searches, so that a signal is heard meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;

use leaks::{Coverage, Judged, Report, Source, Why, git, tree};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::super::search::Search;
use crate::error::{CommandError, operator};

/// What is to be searched.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) paths: Vec<PathBuf>,
    pub(super) repositories: Vec<PathBuf>,
}

impl Work {
    pub(super) fn is_nothing(&self) -> bool {
        self.paths.is_empty() && self.repositories.is_empty()
    }
}

/// What was found that was not found before.
pub(super) struct Done {
    pub(super) judged: Judged,
    /// Repositories on the way.
    pub(super) met: Vec<PathBuf>,
}

/// Starts the thread; it ends with the channel. What the main thread leaves unheard when it ends is lost with it.
pub(super) fn start(
    search: Search,
) -> Result<(std::sync::mpsc::Sender<Work>, mpsc::UnboundedReceiver<Done>), CommandError> {
    let cannot = |error: &std::io::Error| operator("cannot start the search").caused_by(error);
    let cursors = tempfile::tempdir().map_err(|error| cannot(&error))?;
    let (work, works) = std::sync::mpsc::channel::<Work>();
    let (found, done) = mpsc::unbounded_channel();
    let mut searcher = Searcher { search, cursors, told: BTreeSet::new() };
    let thread = move || {
        while let Ok(work) = works.recv() {
            if found.send(searcher.search(work)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("search".into()).spawn(thread).map_err(|error| cannot(&error))?;
    Ok((work, done))
}

struct Searcher {
    search: Search,
    /// How far each repository was read, for this run.
    cursors: TempDir,
    /// What was told: token and place.
    told: BTreeSet<(model::Fingerprint, Source, Option<u64>)>,
}

impl Searcher {
    fn search(&mut self, work: Work) -> Done {
        let Search { contents, limits, excluded, .. } = &self.search;
        let mut report = Report::default();
        let met = tree::scan(work.paths, tree::Reads::Files, excluded, contents, limits, &mut report);
        let options = git::Options { limits: limits.clone(), cursors: Some(self.cursors.path().to_owned()) };
        for repository in work.repositories {
            // One that went away has nothing to tell; so has one whose cursor cannot be kept: it is read once more.
            if let Ok(scanned) = git::scan(&repository, contents, &options, &mut report) {
                scanned.keep(self.cursors.path()).ok();
            }
        }
        // Files that come and go while they are looked at are what there is to be watched.
        report.unread.retain(|unread| unread.why != Why::Changed);
        let told = &mut self.told;
        report.findings.retain(|finding| {
            let place = (finding.token.fingerprint(), finding.place.source.clone(), finding.place.line);
            told.insert(place)
        });
        let judged = self.search.judge(report, Coverage::Part);
        Done { judged, met: met.into_iter().map(|repository| repository.path).collect() }
    }
}
