//! A judged report in each of its forms: for people, JSON, SARIF, annotations of GitHub and GitLab.
//!
//! Writes to what it is given, and prints nothing itself. Every byte from outside is escaped; no key is in any of it,
//! unless [`Secrets::Shown`] asks for it.

mod clean_json;
mod json;
mod place;
mod steps;
mod table;
mod text;
mod unread;
mod whose;

pub use json::json;
pub use table::{table, verdict};
pub use text::text;

pub(crate) use text::path;

/// Whether the keys themselves are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Their fingerprint and last four characters.
    Hidden,
    /// The whole of them.
    Shown,
}
