//! Git repositories: objects, and what ties what is found in them to commits, paths and refs.
//!
//! Nothing of a repository is run and git is not asked: no hook, filter or other program that its configuration names.

mod beside;
mod config;
mod cursor;
mod fault;
mod findings;
mod folder;
mod graph;
mod index;
mod names;
pub mod objects;
mod paths;
mod range;
mod read;
mod record;
mod refs;
mod rows;
mod scan;
mod spread;
mod strays;
mod text;
mod tips;
mod trace;
mod trees;
mod visitor;

#[cfg(test)]
mod tests;

pub use cursor::{Kept, Mark};
pub use fault::Error;
pub use folder::folder_of;
pub use index::staged;
pub use names::named;
pub use range::{KnownRefs, Range, range};
pub use scan::{Options, Scanned, scan};
