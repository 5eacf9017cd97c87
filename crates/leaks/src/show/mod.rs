//! A judged report in each of its forms: for people, JSON, SARIF, annotations of GitHub and GitLab.
//!
//! Writes to what it is given, and prints nothing itself. Every byte from outside is escaped; no key is in any of it,
//! unless [`Secrets::Shown`] asks for it.

mod clean_json;
mod github;
mod gitlab;
mod json;
mod location;
mod place;
mod sarif;
mod steps;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod unread;
mod whose;

use std::path::Path;

use model::Timestamp;

pub use github::github;
pub use gitlab::{gitlab_codequality, gitlab_secrets};
pub use json::json;
pub use sarif::sarif;
pub use table::{table, verdict};
pub use text::text;

pub(crate) use text::path;

/// What the formats of others tell of a run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Keywright's version.
    pub version: &'a str,
    /// The folder that paths are told from, usually the repository's: what lies elsewhere is told by its whole path.
    pub root: &'a Path,
    /// When the scan began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What was scanned, if it is known.
    pub revision: Option<Revision<'a>>,
}

/// A commit that was scanned.
#[derive(Clone, Copy, Debug)]
pub struct Revision<'a> {
    /// Where the repository is, an absolute URI; without a password.
    pub repository: &'a str,
    /// The commit's id in hex.
    pub commit: &'a str,
    /// The branch, if it is on one.
    pub branch: Option<&'a str>,
}

/// Whether the keys themselves are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Their fingerprint and last four characters.
    Hidden,
    /// The whole of them.
    Shown,
}
