//! Which things a list has given already, in 16 bytes each.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

/// A thing's id, as two keyed hashes: nobody can make two ids that are the same here.
pub(super) type Mark = (u64, u64);

/// The marks of what was given.
#[derive(Default)]
pub(super) struct Seen {
    first: RandomState,
    second: RandomState,
    marks: HashSet<Mark>,
}

impl Seen {
    pub(super) fn mark(&self, id: &str) -> Mark {
        (self.first.hash_one(id), self.second.hash_one(id))
    }

    pub(super) fn contains(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Whether it is new.
    pub(super) fn insert(&mut self, mark: Mark) -> bool {
        self.marks.insert(mark)
    }

    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }
}
