//! Looks through what was fetched, for keys. Stands on `leaks`.

use std::path::Path;
use std::sync::Arc;

use detector::Detector;
use leaks::Report;

use super::Pushes;

pub(super) struct Searcher(Arc<Detector>);

impl Searcher {
    pub(super) fn new() -> Self {
        Self(Arc::new(Detector::new()))
    }
}

/// What was found.
pub(super) struct Searched {
    pub(super) report: Report,
}

impl Searched {
    /// What was read needs not be read again.
    pub(super) fn remember(self) {}
}

impl Pushes {
    /// Reads what was not read before.
    pub(super) async fn search(&self, repository: &Path) -> Result<Searched, model::Report> {
        let detector = Arc::clone(&self.searcher.0);
        let repository = repository.to_owned();
        let read = tokio::task::spawn_blocking(move || stand_in(&detector, &repository)).await;
        let report = read.map_err(|lost| crate::error::operator("the search broke off").caused_by(&lost))?;
        Ok(Searched { report })
    }
}

fn stand_in(detector: &Detector, repository: &Path) -> Report {
    use leaks::{Finding, InHead, Object, Place, Provenance, Pushed, Source};
    let mut report = Report::default();
    let listed = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["cat-file", "--batch-all-objects", "--batch"])
        .output();
    let Ok(listed) = listed else { return report };
    report.tally.bytes = listed.stdout.len() as u64;
    for hit in detector.search(&listed.stdout).hits {
        let from = Provenance {
            repository: repository.to_owned(),
            object: Object::Blob,
            id: None,
            paths: Vec::new(),
            first: None,
            refs: Vec::new(),
            more_refs: 0,
            in_head: InHead::HistoryOnly,
            pushed: Pushed::Yes,
        };
        report.findings.push(Finding {
            token: hit.token,
            place: Place {
                source: Source::Git(Box::new(from)),
                line: None,
                column: None,
                is_allowed_inline: false,
            },
            wrapping: Vec::new(),
            also: 0,
        });
    }
    report
}
