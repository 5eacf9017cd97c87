//! Indexes: what is staged.

mod file;
mod staged;

pub use staged::staged;
pub(super) use staged::staged_paths;
