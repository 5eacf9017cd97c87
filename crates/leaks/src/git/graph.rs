//! The commits of a repository and how they follow each other.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use gix_hash::{ObjectId, oid};

use super::record::{CommitNote, Record};

/// Tags of tags of tags.
const MAX_PEEL: usize = 32;

/// Commits by numbers.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) commits: Vec<CommitNote>,
    /// Where each commit's parents begin; one more than there are commits.
    starts: Vec<u32>,
    parents: Vec<u32>,
    by_id: HashMap<ObjectId, u32>,
    /// All commits, parents before their children; else the older first.
    pub(super) order: Vec<u32>,
    tags: HashMap<ObjectId, ObjectId>,
}

impl Graph {
    /// Takes the commits and tags of all threads' notes.
    pub(super) fn new<'a>(records: impl Iterator<Item = &'a mut Record>) -> Self {
        let mut graph = Self::default();
        let mut parents = Vec::new();
        for record in records {
            graph.tags.extend(record.tags.drain(..));
            let mut ids = std::mem::take(&mut record.parents).into_iter();
            for commit in record.commits.drain(..) {
                let count = commit.parents as usize;
                let of_this = ids.by_ref().take(count);
                let number = u32::try_from(graph.commits.len()).unwrap_or(u32::MAX);
                if graph.by_id.contains_key(&commit.id) {
                    of_this.for_each(drop);
                    continue;
                }
                parents.extend(of_this);
                graph.by_id.insert(commit.id, number);
                graph.commits.push(commit);
            }
        }
        let mut parents = parents.into_iter();
        for commit in &graph.commits {
            graph.starts.push(u32::try_from(graph.parents.len()).unwrap_or(u32::MAX));
            let known = parents.by_ref().take(commit.parents as usize).filter_map(|id| graph.by_id.get(&id));
            graph.parents.extend(known);
        }
        graph.starts.push(u32::try_from(graph.parents.len()).unwrap_or(u32::MAX));
        graph.sort();
        graph
    }

    /// The parents of a commit that are there.
    pub(super) fn parents(&self, commit: u32) -> &[u32] {
        let at = |index: u32| self.starts.get(index as usize).map_or(0, |start| *start as usize);
        self.parents.get(at(commit)..at(commit + 1)).unwrap_or_default()
    }

    /// A commit's number.
    pub(super) fn number(&self, id: &oid) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// A commit by its number.
    pub(super) fn commit(&self, number: u32) -> Option<&CommitNote> {
        self.commits.get(number as usize)
    }

    /// Where a commit is in the order of all.
    pub(super) fn place(&self, number: u32) -> Option<usize> {
        self.order.iter().position(|other| *other == number)
    }

    /// An object and what it stands for, if it is a tag, and so on.
    pub(super) fn peel(&self, id: ObjectId) -> impl Iterator<Item = ObjectId> + '_ {
        std::iter::successors(Some(id), |id| self.tags.get(id).copied()).take(MAX_PEEL)
    }

    /// Marks what can be reached from these commits.
    pub(super) fn reach(&self, from: impl IntoIterator<Item = u32>) -> Vec<bool> {
        let mut reached = vec![false; self.commits.len()];
        let mut stack: Vec<u32> = from.into_iter().collect();
        while let Some(number) = stack.pop() {
            if let Some(reached) = reached.get_mut(number as usize)
                && !std::mem::replace(reached, true)
            {
                stack.extend(self.parents(number));
            }
        }
        reached
    }

    fn sort(&mut self) {
        let mut missing: Vec<u32> = (0u32..)
            .take(self.commits.len())
            .map(|number| u32::try_from(self.parents(number).len()).unwrap_or(0))
            .collect();
        // The children of each commit, by numbers sorted by parent.
        let mut children: Vec<(u32, u32)> = Vec::with_capacity(self.parents.len());
        for number in (0u32..).take(self.commits.len()) {
            children.extend(self.parents(number).iter().map(|parent| (*parent, number)));
        }
        children.sort_unstable();
        let age =
            |number: u32| Reverse((self.commit(number).map_or(0, |commit| commit.committed_at_s), number));
        let mut ready: BinaryHeap<_> = (0u32..)
            .zip(&missing)
            .filter(|(_, missing)| **missing == 0)
            .map(|(number, _)| age(number))
            .collect();
        let mut order = Vec::with_capacity(self.commits.len());
        while let Some(Reverse((_, number))) = ready.pop() {
            order.push(number);
            let from = children.partition_point(|(parent, _)| *parent < number);
            for (_, child) in children.iter().skip(from).take_while(|(parent, _)| *parent == number) {
                if let Some(missing) = missing.get_mut(*child as usize) {
                    *missing -= 1;
                    if *missing == 0 {
                        ready.push(age(*child));
                    }
                }
            }
        }
        // Ids are not verified: what claims to be its own forefather comes last.
        order.extend((0u32..).zip(&missing).filter(|(_, missing)| **missing > 0).map(|(number, _)| number));
        self.order = order;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[byte; 20])
    }

    fn graph(commits: &[(u8, i64, &[u8])]) -> Graph {
        let mut record = Record::new(gix_hash::Kind::Sha1, 1);
        for (number, committed_at_s, parents) in commits {
            record.parents.extend(parents.iter().map(|parent| id(*parent)));
            let parents = u32::try_from(parents.len()).unwrap();
            record.commits.push(CommitNote {
                id: id(*number),
                tree: id(0),
                committed_at_s: *committed_at_s,
                parents,
            });
        }
        record.tags.push((id(200), id(201)));
        record.tags.push((id(201), id(200)));
        Graph::new([record].iter_mut())
    }

    fn order(graph: &Graph) -> Vec<u8> {
        graph.order.iter().map(|number| graph.commit(*number).unwrap().id.as_bytes()[0]).collect()
    }

    #[test]
    fn parents_come_first_though_their_clocks_say_otherwise() {
        let graph = graph(&[(4, 1, &[2, 3]), (2, 50, &[1]), (3, 40, &[1]), (1, 90, &[99]), (1, 90, &[99])]);
        assert_eq!(order(&graph), [1, 3, 2, 4]);
        let reached = graph.reach(graph.number(&id(2)));
        assert_eq!(reached.iter().filter(|reached| **reached).count(), 2);
    }

    #[test]
    fn cycles_end() {
        let graph = graph(&[(1, 1, &[2]), (2, 2, &[1]), (3, 3, &[])]);
        assert_eq!(order(&graph), [3, 1, 2]);
        assert_eq!(graph.reach(graph.number(&id(1))), [true, true, false]);
        assert_eq!(graph.peel(id(200)).count(), MAX_PEEL);
    }
}
