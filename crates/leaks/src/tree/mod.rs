//! Reads folders: every file, hidden, ignored and binary ones too; links are not followed. Repositories on the way are
//! handed back, to be read as what they are.

mod excluded;
mod mounts;
mod queue;
mod read;
mod repository;
#[cfg(test)]
mod tests;
mod walk;

use std::path::PathBuf;

use crate::{Contents, Limits, Report};

pub use excluded::{Excluded, ExcludedError};
pub use repository::{Git, around};
pub use walk::{Met, Visitor, walk};

/// What is read of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Files; and repositories are looked for.
    Files,
    /// Repositories are looked for, and no file is read.
    RepositoriesOnly,
}

/// A repository in a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// The folder with its `.git`, or the repository itself if it is bare.
    pub path: PathBuf,
    /// How it was met.
    pub git: Git,
}

/// Reads what the paths lead to; gives the repositories, in the order of their paths.
pub fn scan(
    paths: Vec<PathBuf>,
    reads: Reads,
    excluded: &Excluded,
    contents: &Contents,
    limits: &Limits,
    report: &mut Report,
) -> Vec<Repository> {
    let threads = limits.threads.max(1);
    let readers = (0..threads).map(|_| read::Reader::new(reads, excluded, contents, limits)).collect();
    let mut repositories = Vec::new();
    for reader in walk(paths, readers) {
        let (its, met) = reader.finish();
        report.take_in(its, limits);
        repositories.extend(met);
    }
    // Threads meet things in any order.
    report.findings.sort_by(|a, b| {
        let place = |at: &crate::Finding| (at.place.source.clone(), at.place.line, at.place.column);
        place(a).cmp(&place(b))
    });
    report.unread.sort_by(|a, b| a.what.cmp(&b.what));
    repositories.sort();
    repositories.dedup();
    repositories
}
