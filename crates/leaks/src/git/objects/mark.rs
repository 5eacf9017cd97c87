//! What was read already.

use std::collections::BTreeSet;

/// What was read of the objects of a repository, to its end and without a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mark {
    /// Packs.
    pub packs: BTreeSet<PackMark>,
    /// The names of loose objects, in hex.
    pub loose: BTreeSet<String>,
}

/// A pack that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct PackMark {
    /// Its file's name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// The checksum at its end, in hex.
    pub checksum: String,
}
