//! Reads every object of a git folder once: packs, loose objects, those of alternates and of a push in quarantine.
//!
//! No hash is verified and nothing is written. What cannot be read is told, and the rest is still read.

mod mark;
mod places;
mod stores;
mod visitor;

pub use mark::{Mark, PackMark};
pub use places::Places;
pub use stores::{Stored, Stores};
pub use visitor::{Object, Visited, Visitor};
