//! Repositories that were met: each read once, however many work trees lead to it.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use leaks::git::{self, Scanned};
use leaks::tree::Repository;
use leaks::{Report, Unread, Why};

use super::cursor::Cursors;
use super::search::Search;
use crate::error::{CommandError, operator};
use crate::ui::Ui;

/// What was read, to be kept as cursors once the report is out.
pub(super) struct Read(Vec<Scanned>);

impl Read {
    /// Keeps how far it came.
    pub(super) fn keep(&self, cursors: &Cursors) -> std::io::Result<()> {
        self.0.iter().try_for_each(|scanned| scanned.keep(cursors.folder()))
    }
}

/// Reads the histories; one that cannot be read at all is told as such.
pub(super) fn read(
    met: &[Repository],
    search: &Search,
    cursors: Option<&Cursors>,
    ui: Ui,
    report: &mut Report,
) -> Read {
    let options = git::Options {
        limits: search.limits.clone(),
        cursors: cursors.map(|cursors| cursors.folder().to_owned()),
    };
    let mut read = Vec::new();
    for path in distinct(met) {
        ui.progress(&format!("reading the history of `{}` …", path.display()));
        match git::scan(&path, &search.contents, &options, report) {
            Ok(scanned) => {
                for (of, why) in &scanned.unusable {
                    let of = of.display();
                    ui.warn(&format!("all of `{of}` was read, as its cursor cannot be used: {why}"));
                }
                read.push(scanned);
            }
            Err(error) => {
                let what = path.as_os_str().as_bytes().to_owned();
                report.pass_by(Unread { what, why: Why::Broken(error.to_string()) }, &search.limits);
            }
        }
    }
    Read(read)
}

/// One for each git folder. What lies in another's git folder is a submodule of it, and read with it.
fn distinct(met: &[Repository]) -> Vec<PathBuf> {
    let mut known: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for repository in met {
        let folder = git::folder_of(&repository.path).unwrap_or_else(|| repository.path.clone());
        known.entry(folder).or_insert(&repository.path);
    }
    let is_within = |folder: &Path| folder.ancestors().skip(1).any(|around| known.contains_key(around));
    known.iter().filter(|(folder, _)| !is_within(folder)).map(|(_, path)| (*path).to_owned()).collect()
}

/// Reads what the next commit would hold.
pub(super) fn staged(
    repository: &Path,
    index: Option<&Path>,
    search: &Search,
) -> Result<Report, CommandError> {
    let mut report = Report::default();
    git::staged(repository, index, &search.contents, &search.limits, &mut report)
        .map_err(|error| refused(&error))?;
    Ok(report)
}

/// Reads what one commit brings that the others have not.
pub(super) fn range(repository: &Path, range: &git::Range, search: &Search) -> Result<Report, CommandError> {
    let mut report = Report::default();
    git::range(repository, range, &search.contents, &search.limits, &mut report)
        .map_err(|error| refused(&error))?;
    Ok(report)
}

/// The id of the commit that a name means.
pub(super) fn named(repository: &Path, name: &str, search: &Search) -> Result<String, CommandError> {
    git::named(repository, name, &search.limits).map_err(|error| refused(&error))
}

fn refused(error: &git::Error) -> CommandError {
    let mend = match error {
        git::Error::NoRepository(_) => "give the folder of a repository, or a folder in one",
        git::Error::System { .. } => "let who runs keywright read it",
        git::Error::NoObject(_) => "give a ref, such as `origin/main`, or an id in full: git rev-parse NAME",
    };
    operator("cannot read the repository").caused_by(error).mend(mend).into()
}
