//! The packs and loose objects of a repository.

use std::sync::Arc;

use gix_hash::oid;
use gix_object::Kind;

use super::{Mark, Places, Visited, Visitor};
use crate::{Limits, Unread};

/// The packs and loose objects of a repository, opened.
#[derive(Debug)]
pub struct Stores {
    unread: Vec<Unread>,
}

/// An object, found by its name.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub bytes: Arc<[u8]>,
}

impl Stores {
    /// Opens them. What cannot be opened is told by [`Self::visit`].
    pub fn open(places: &Places, limits: &Limits) -> Self {
        let _ = (places, limits);
        Self { unread: Vec::new() }
    }

    /// Shows every object once, on `limits.threads` threads; passes by what `since` says was read.
    pub fn visit<V: Visitor>(&self, since: Option<&Mark>, visitor: impl Fn() -> V + Sync) -> Visited<V> {
        let _ = since;
        Visited {
            visitors: vec![visitor()],
            unread: self.unread.clone(),
            more_unread: 0,
            objects: 0,
            bytes: 0,
            mark: Mark::default(),
        }
    }

    /// An object by its name; none if it is not there, cannot be read or is beyond `max_object_bytes`.
    pub fn find(&self, id: &oid) -> Option<Stored> {
        let _ = id;
        None
    }

    /// Whether it is there, without reading it.
    pub fn contains(&self, id: &oid) -> bool {
        let _ = id;
        false
    }

    /// Whether it is a partial clone: what it names may be missing by intent.
    pub fn is_partial(&self) -> bool {
        false
    }
}
