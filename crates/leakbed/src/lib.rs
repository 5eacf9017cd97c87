//! Plants keys of n8n in a copy of a git repository, wherever keys are known to hide, and writes down where.
//!
//! What searches for keys is judged by it, so it shares no code with what searches.
mod chance;
mod copy;
mod corners;
mod decoys;
mod git;
mod hiding;
mod hidings;
mod history;
mod holders;
mod keys;
mod scribe;
mod source;
mod stream;
mod traps;
mod tree;
mod trouble;
mod truth;

pub use source::small_source;
pub use trouble::{Result, Trouble};
pub use truth::{Decoy, Kind, ObjectKind, Place, Planted, Truth, fingerprint};

use std::path::Path;

/// Copies the repository `src` to `dest`, which must not be there, and plants keys in the copy.
///
/// The same repository and seed make the same truth.
pub fn plant(src: &Path, dest: &Path, seed: u64) -> Result<Truth> {
    copy::planted(src, dest, seed)
}
