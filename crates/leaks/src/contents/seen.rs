//! What a search of one or more files, objects or streams has seen.

use detector::Token;

use crate::{Tally, Unread, Wrapping};

/// What was found, what was not read, how much was.
#[derive(Debug, Default)]
pub struct Seen {
    /// Tokens, in no order that can be relied on.
    pub sightings: Vec<Sighting>,
    /// As many more, which were too many to keep.
    pub more_sightings: u64,
    /// What was not read. `what` is the path of members within, joined by `!`; it is empty for the whole.
    pub unread: Vec<Unread>,
    /// As many more, which were too many to keep.
    pub more_unread: u64,
    /// Members and bytes; files, objects and repositories are the caller's to count.
    pub tally: Tally,
}

/// A token that was seen.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// What.
    pub token: Token,
    /// How it was wrapped, outermost first.
    pub wrapping: Vec<Wrapping>,
    /// The line in the innermost text, from 1; none for what has no lines, such as a name or the page of a database.
    pub line: Option<u64>,
    /// The byte within that line, from 1.
    pub column: Option<u64>,
    /// The line has the mark [`detector::ALLOW_MARK`], within [`detector::MARGIN`] of the token.
    pub is_allowed_inline: bool,
}
