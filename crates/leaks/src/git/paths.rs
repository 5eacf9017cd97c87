//! The paths of an object in a commit, each looked up.

use std::collections::HashMap;
use std::sync::Arc;

use gix_hash::{ObjectId, oid};
use gix_object::Kind;

use super::objects::Stores;
use super::trees::entries;

/// Paths that are told of one object.
pub(super) const MAX_PATHS: usize = 8;
const MAX_PATH_BYTES: usize = 4 << 10;
/// Trees looked at for one object in one commit.
const MAX_TREES: usize = 1_000;
const MAX_KEPT_BYTES: usize = 8 << 20;

/// Looks for paths, and keeps some trees meanwhile.
#[derive(Debug)]
pub(super) struct Paths<'a> {
    stores: &'a Stores,
    hash: gix_hash::Kind,
    kept: HashMap<ObjectId, Arc<Vec<u8>>>,
    kept_bytes: usize,
}

impl<'a> Paths<'a> {
    pub(super) fn new(stores: &'a Stores, hash: gix_hash::Kind) -> Self {
        Self { stores, hash, kept: HashMap::new(), kept_bytes: 0 }
    }

    /// The paths of an object below a tree; `may_hold` says in which trees it is worth looking.
    pub(super) fn of(&mut self, root: &oid, wanted: &oid, may_hold: impl Fn(&oid) -> bool) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        if root == wanted {
            paths.push(Vec::new());
        }
        let mut stack = vec![(root.to_owned(), Vec::new())];
        let mut looked_at = 0;
        while let Some((id, path)) = stack.pop() {
            looked_at += 1;
            if looked_at > MAX_TREES {
                break;
            }
            let Some(tree) = self.tree(&id) else { continue };
            for entry in entries(&tree, self.hash) {
                let is_wanted = entry.id == wanted;
                let is_on_the_way = entry.is_tree() && may_hold(entry.id);
                if !is_wanted && !is_on_the_way {
                    continue;
                }
                let mut path = path.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(entry.name);
                if path.len() > MAX_PATH_BYTES {
                    continue;
                }
                if is_wanted {
                    paths.push(path.clone());
                    if paths.len() >= MAX_PATHS {
                        return paths;
                    }
                }
                if is_on_the_way {
                    stack.push((entry.id.to_owned(), path));
                }
            }
        }
        paths
    }

    fn tree(&mut self, id: &ObjectId) -> Option<Arc<Vec<u8>>> {
        if let Some(kept) = self.kept.get(id) {
            return Some(Arc::clone(kept));
        }
        let tree = self.stores.find(id).filter(|stored| stored.kind == Kind::Tree)?.bytes;
        if self.kept_bytes + tree.len() > MAX_KEPT_BYTES {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        self.kept_bytes += tree.len();
        self.kept.insert(*id, Arc::clone(&tree));
        Some(tree)
    }
}
