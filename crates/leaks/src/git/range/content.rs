//! What new commits bring: their texts, and what of their trees is not their parents'.

use std::collections::{HashMap, HashSet};

use detector::Anchored;
use gix_hash::{ObjectId, oid};
use gix_object::Kind;

use super::commits::Fresh;
use crate::git::objects::Stores;
use crate::git::text::TagText;
use crate::git::trees::entries;
use crate::git::visitor::Searcher;
use crate::{Unread, Why};

/// Tags of tags of tags.
const MAX_PEEL: usize = 32;
/// Trees of old commits that are looked through for what was found.
const MAX_OLD_TREES: usize = 50_000;

/// Reads what is new, each object once.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) searcher: Searcher<'a>,
    stores: &'a Stores,
    hash: gix_hash::Kind,
    read: HashSet<ObjectId>,
}

impl<'a> Content<'a> {
    pub(super) fn new(searcher: Searcher<'a>, stores: &'a Stores, hash: gix_hash::Kind) -> Self {
        Self { searcher, stores, hash, read: HashSet::new() }
    }

    /// Reads what a name stands for, but a commit, which is given back. An id that is not there is an error.
    pub(super) fn tip(&mut self, mut id: ObjectId) -> Result<Option<ObjectId>, String> {
        for _ in 0..MAX_PEEL {
            let stored = self.stores.find(&id).ok_or_else(|| id.to_string())?;
            match stored.kind {
                Kind::Commit => return Ok(Some(id)),
                Kind::Tree => {
                    self.tree(id, Vec::new());
                    return Ok(None);
                }
                Kind::Blob => {
                    self.blob(&id);
                    return Ok(None);
                }
                Kind::Tag => {
                    self.searcher.record.tag(&id, &stored.bytes);
                    self.search(&id, Kind::Tag, &stored.bytes);
                    let Some(target) = TagText::of(&stored.bytes).target else { return Ok(None) };
                    id = target;
                }
            }
        }
        Ok(None)
    }

    /// Reads a commit and what of its tree is in none of its parents' at the same path.
    pub(super) fn commit(&mut self, fresh: &Fresh) {
        if let Some(stored) = self.find(&fresh.id, Kind::Commit) {
            self.searcher.record.commit(&fresh.id, &stored);
            self.search(&fresh.id, Kind::Commit, &stored);
        }
        if !fresh.before.contains(&fresh.tree) {
            self.tree(fresh.tree, fresh.before.clone());
        }
    }

    /// Notes that something was not read.
    pub(super) fn tell(&mut self, kind: Kind, id: &oid, why: Why) {
        self.searcher.unread.push(Unread { what: format!("{kind} {id}").into_bytes(), why });
    }

    fn tree(&mut self, id: ObjectId, before: Vec<ObjectId>) {
        let mut stack = vec![(id, before)];
        while let Some((id, before)) = stack.pop() {
            if !self.read.insert(id) {
                continue;
            }
            let Some(tree) = self.find(&id, Kind::Tree) else { continue };
            self.searcher.record.trees.note(&id, &tree);
            self.search(&id, Kind::Tree, &tree);
            let before: Vec<_> = before.iter().filter_map(|id| self.stores.find(id)).collect();
            let hash = self.hash;
            let before: Vec<HashMap<&[u8], _>> = before
                .iter()
                .map(|tree| entries(&tree.bytes, hash).map(|entry| (entry.name, entry)).collect())
                .collect();
            for entry in entries(&tree, hash) {
                let same_name: Vec<_> = before.iter().filter_map(|tree| tree.get(entry.name)).collect();
                if entry.is_submodule() || same_name.iter().any(|old| old.id == entry.id) {
                    continue;
                }
                if entry.is_tree() {
                    let before = same_name.iter().filter(|old| old.is_tree()).map(|old| old.id.to_owned());
                    stack.push((entry.id.to_owned(), before.collect()));
                } else if self.read.insert(entry.id.to_owned()) {
                    self.blob(entry.id);
                }
            }
        }
    }

    fn blob(&mut self, id: &oid) {
        if let Some(blob) = self.find(id, Kind::Blob) {
            self.search(id, Kind::Blob, &blob);
        }
    }

    fn search(&mut self, id: &oid, kind: Kind, bytes: &[u8]) {
        self.searcher.tally.objects += 1;
        self.searcher.tally.bytes += bytes.len() as u64;
        self.searcher.search(id, kind, bytes, Anchored::ALL);
    }

    fn find(&mut self, id: &oid, kind: Kind) -> Option<std::sync::Arc<Vec<u8>>> {
        match self.stores.find(id) {
            Some(stored) if stored.kind == kind => return Some(stored.bytes),
            Some(_) => self.tell(kind, id, Why::Broken("it is of another kind".to_owned())),
            None if self.stores.contains(id) => self.tell(kind, id, Why::Limit("max_object_bytes")),
            None if self.stores.is_partial() => {
                self.tell(kind, id, Why::Unsupported("a partial clone, to which it was not fetched"));
            }
            None => self.tell(kind, id, Why::Broken("it is not there".to_owned())),
        }
        None
    }
}

/// Which of the wanted objects old trees hold, wherever.
pub(super) fn held(
    trees: &[ObjectId],
    wanted: &HashSet<ObjectId>,
    stores: &Stores,
    hash: gix_hash::Kind,
) -> HashSet<ObjectId> {
    let mut held = HashSet::new();
    let mut read = HashSet::new();
    let mut stack = trees.to_vec();
    while let Some(id) = stack.pop() {
        if wanted.contains(&id) {
            held.insert(id);
        }
        if read.len() >= MAX_OLD_TREES || !read.insert(id) {
            continue;
        }
        let Some(tree) = stores.find(&id).filter(|stored| stored.kind == Kind::Tree) else { continue };
        for entry in entries(&tree.bytes, hash) {
            if entry.is_tree() {
                stack.push(entry.id.to_owned());
            } else if wanted.contains(entry.id) {
                held.insert(entry.id.to_owned());
            }
        }
    }
    held
}
