//! Reads every object of a git folder once: packs, loose objects, those of alternates and of a push in quarantine.
//!
//! No hash is verified and nothing is written. What cannot be read is told, and the rest is still read.

mod budget;
mod chain;
mod delta;
mod fault;
mod file;
mod hand;
mod heap;
mod inflate;
mod loose;
mod mark;
mod pack;
mod places;
mod stores;
mod tree;
mod visit;
mod visitor;
mod walk;

pub use chain::Stored;
pub use mark::{Mark, PackMark};
pub use places::Places;
pub use stores::Stores;
pub use visitor::{Object, Visited, Visitor};

#[cfg(test)]
mod tests;
