//! Which commits are new. One that is wrongly taken for new, since clocks were wrong, is only read once more.

use std::collections::{BinaryHeap, HashMap};

use gix_hash::ObjectId;
use gix_object::Kind;

use crate::git::objects::Stores;
use crate::git::text::{CommitText, TagText};

/// Tags of tags of tags.
const MAX_PEEL: usize = 32;
/// How far is looked on for old commits when there seem to be no new ones any more, as git does.
const SLOP: usize = 5;

/// The walk from new and old tips to where they meet.
#[derive(Debug)]
pub(super) struct Commits<'a> {
    stores: &'a Stores,
    nodes: HashMap<ObjectId, Node>,
    /// By time, the newest first.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many in the queue are new, as far as is known.
    queued_new: usize,
    /// The order in which new ones were met.
    met: Vec<ObjectId>,
    pub(super) missing: Vec<ObjectId>,
}

#[derive(Debug)]
struct Node {
    is_old: bool,
    is_queued: bool,
    tree: ObjectId,
    parents: Vec<ObjectId>,
}

/// A new commit, and the trees of its parents.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    pub(super) before: Vec<ObjectId>,
}

impl<'a> Commits<'a> {
    pub(super) fn new(stores: &'a Stores) -> Self {
        Self {
            stores,
            nodes: HashMap::new(),
            queue: BinaryHeap::new(),
            queued_new: 0,
            met: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Begins at a commit, or at a tag of one, that is known already.
    pub(super) fn old(&mut self, mut id: ObjectId) {
        for _ in 0..MAX_PEEL {
            let Some(stored) = self.stores.find(&id) else { return };
            match stored.kind {
                Kind::Commit => return self.meet(id, IsOld::Yes),
                Kind::Tag => match TagText::of(&stored.bytes).target {
                    Some(target) => id = target,
                    None => return,
                },
                Kind::Tree | Kind::Blob => return,
            }
        }
    }

    /// Begins at a commit that is to be read.
    pub(super) fn new_tip(&mut self, id: ObjectId) {
        self.meet(id, IsOld::No);
    }

    /// Goes on until only old ones are left.
    pub(super) fn walk(&mut self) {
        let mut slop = SLOP;
        let mut oldest_new_s = i64::MAX;
        while let Some((committed_at_s, id)) = self.queue.pop() {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            node.is_queued = false;
            let parents = node.parents.clone();
            let is_old = if node.is_old { IsOld::Yes } else { IsOld::No };
            if is_old == IsOld::No {
                self.queued_new -= 1;
                oldest_new_s = oldest_new_s.min(committed_at_s);
                self.met.push(id);
            }
            for parent in parents {
                self.meet(parent, is_old);
            }
            if self.queued_new > 0 || self.queue.peek().is_some_and(|(next_s, _)| *next_s >= oldest_new_s) {
                slop = SLOP;
            } else if slop == 0 {
                break;
            } else {
                slop -= 1;
            }
        }
    }

    /// The new ones, parents mostly before their children.
    pub(super) fn fresh(&self) -> Vec<Fresh> {
        let mut fresh = Vec::new();
        for id in self.met.iter().rev() {
            let Some(node) = self.nodes.get(id).filter(|node| !node.is_old) else { continue };
            let before =
                node.parents.iter().filter_map(|parent| self.nodes.get(parent)).map(|node| node.tree);
            fresh.push(Fresh { id: *id, tree: node.tree, before: before.collect() });
        }
        fresh
    }

    /// The trees of old commits that new ones follow.
    pub(super) fn borders(&self) -> Vec<ObjectId> {
        let new = self.met.iter().filter_map(|id| self.nodes.get(id)).filter(|node| !node.is_old);
        let parents = new.flat_map(|node| &node.parents).filter_map(|parent| self.nodes.get(parent));
        let mut trees: Vec<_> = parents.filter(|node| node.is_old).map(|node| node.tree).collect();
        trees.sort_unstable();
        trees.dedup();
        trees
    }

    fn meet(&mut self, id: ObjectId, is_old: IsOld) {
        let Some(node) = self.nodes.get_mut(&id) else { return self.meet_first(id, is_old) };
        if is_old == IsOld::No || node.is_old {
            return;
        }
        // What was taken for new is old, and so is what leads to it.
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let Some(node) = self.nodes.get_mut(&id).filter(|node| !node.is_old) else { continue };
            node.is_old = true;
            if node.is_queued {
                self.queued_new -= 1;
            } else {
                stack.extend(&node.parents);
            }
        }
    }

    fn meet_first(&mut self, id: ObjectId, is_old: IsOld) {
        let Some(stored) = self.stores.find(&id).filter(|stored| stored.kind == Kind::Commit) else {
            if is_old == IsOld::No && !self.missing.contains(&id) {
                self.missing.push(id);
            }
            return;
        };
        let text = CommitText::of(&stored.bytes);
        let Some(tree) = text.tree else { return };
        let committed_at_s = text.committed_at_s();
        let is_old = is_old == IsOld::Yes;
        let parents = text.parents().collect();
        self.nodes.insert(id, Node { is_old, is_queued: true, tree, parents });
        self.queued_new += usize::from(!is_old);
        self.queue.push((committed_at_s, id));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsOld {
    Yes,
    No,
}
