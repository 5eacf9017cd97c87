//! Reads what may hold a leaked key: git histories, folders, archives, streams; and reports what the detector finds.
//!
//! Only reads. Nothing of what is scanned is run, no host is asked, no link is followed out of the tree. What was not read
//! is in the report ([`Unread`]): a scan that passed something by is never clean.

mod allow;
mod contents;
mod gather;
pub mod git;
mod judged;
mod limits;
mod names;
mod report;
pub mod show;
mod stream;
pub mod tree;

pub use allow::{ALLOW_FILE, AllowError, AllowFault, AllowLine, Allowlist, MAX_ALLOW_BYTES, Reach};
pub use contents::{Contents, Seen, Sighting};
pub use judged::{
    Alive, AllowUse, Allowed, AllowedBy, Coverage, Expiry, Judged, Leak, Marks, Owner, Rules, Spot, TakenBy,
    Verdict,
};
pub use limits::Limits;
pub use report::{
    Author, Finding, InHead, Member, Object, Place, Provenance, Pushed, Report, Source, Tally, Unread, Why,
    Wrapping,
};
pub use stream::stream;
