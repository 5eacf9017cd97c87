//! Looks through what was fetched, for keys: what was not read before, commit by commit, archives included.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use detector::Detector;
use leaks::git::{self, Options, Scanned};
use leaks::{Contents, Limits, Report};
use model::{Blame, Retry};

use super::Pushes;

/// As long as a fetch may take: others wait meanwhile, and what is pushed may be made to be slow.
const MAX_TIME: Duration = Duration::from_mins(15);

pub(super) struct Searcher {
    contents: Arc<Contents>,
    limits: Limits,
}

impl Searcher {
    pub(super) fn new() -> Self {
        let limits = Limits { max_time: Some(MAX_TIME), ..Limits::default() };
        let contents = Arc::new(Contents::new(Arc::new(Detector::new()), limits.clone()));
        Self { contents, limits }
    }
}

/// What was found.
pub(super) struct Searched {
    pub(super) report: Report,
    scanned: Scanned,
    cursors: PathBuf,
}

impl Searched {
    /// What was read needs not be read again. If that cannot be kept, it is read again, and what is dead stays dead.
    pub(super) fn remember(self) {
        self.scanned.keep(&self.cursors).ok();
    }
}

impl Pushes {
    /// Reads what was not read before.
    pub(super) async fn search(&self, repository: &Path) -> Result<Searched, model::Report> {
        let cannot = || {
            let what = format!("cannot look through `{}`", repository.display());
            model::Report::new(Blame::Operator, Retry::Later(None), what)
        };
        let cursors = self.fetcher.cursors().map_err(|error| cannot().caused_by(&error))?;
        let options = Options { limits: self.searcher.limits.clone(), cursors: Some(cursors.clone()) };
        let (contents, folder) = (Arc::clone(&self.searcher.contents), repository.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let mut report = Report::default();
            git::scan(&folder, &contents, &options, &mut report).map(|scanned| (report, scanned))
        });
        let (report, scanned) = read
            .await
            .map_err(|lost| cannot().caused_by(&lost))?
            .map_err(|fault| cannot().caused_by(&fault))?;
        Ok(Searched { report, scanned, cursors })
    }
}
