//! From objects to the commits that had them first, the refs that lead to them, and their paths.

use std::collections::HashMap;

use gix_hash::ObjectId;
use gix_object::Kind;

use super::graph::Graph;
use super::objects::Stores;
use super::paths::Paths;
use super::record::Trees;
use super::rows::{Rows, has_bit, set_bits};
use super::spread::Held;
use super::text::{CommitText, TagText};
use super::tips::{Tip, TipKind, Tips};
use crate::Author;

/// Refs that are told of one object.
pub(super) const MAX_REFS: usize = 20;
/// Commits that brought an object in, as it is on several branches; the rest is not needed.
const MAX_ORIGINS: usize = 4;
/// Objects traced at once, for the sake of memory.
const BATCH: usize = 512;

/// What is known of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    pub(super) first: Option<Author>,
    /// Where the first commit is in the order of all.
    pub(super) place: Option<usize>,
    /// Those in HEAD first, then those in the first commit.
    pub(super) paths: Vec<Vec<u8>>,
    pub(super) refs: Vec<String>,
    pub(super) more_refs: u64,
    pub(super) is_in_head: bool,
    pub(super) is_reached: bool,
    pub(super) is_pushed: bool,
}

/// A commit that has what none of its parents has.
#[derive(Clone, Copy, Debug)]
struct Origin {
    /// How well it can be reached.
    rank: u8,
    /// Where it is in the order of all.
    place: usize,
    number: u32,
}

/// What tracing needs.
#[derive(Debug)]
pub(super) struct Tracer<'a> {
    pub(super) graph: &'a Graph,
    pub(super) trees: Vec<&'a Trees>,
    pub(super) tips: &'a Tips,
    /// The commits of HEAD, of all work trees; the first is asked for paths.
    pub(super) heads: Vec<ObjectId>,
    pub(super) stores: &'a Stores,
    pub(super) hash: gix_hash::Kind,
}

impl Tracer<'_> {
    /// Traces objects.
    pub(super) fn trace(&self, objects: &[(ObjectId, Kind)]) -> std::io::Result<HashMap<ObjectId, Trace>> {
        let mut traces = HashMap::new();
        let ranks = self.ranks();
        let mut paths = Paths::new(self.stores, self.hash);
        for batch in objects.chunks(BATCH) {
            self.batch(batch, &ranks, &mut paths, &mut traces)?;
        }
        Ok(traces)
    }

    /// How well each commit can be reached: the lower, the better.
    fn ranks(&self) -> Vec<u8> {
        let mut ranks = vec![TipKind::Reflog as u8 + 1; self.graph.commits.len()];
        for kind in [TipKind::Reflog, TipKind::Other, TipKind::Remote, TipKind::Branch] {
            let tips = self.tips.iter().filter(|tip| tip.kind == kind);
            let from =
                tips.filter_map(|tip| self.graph.peel(tip.target).find_map(|id| self.graph.number(&id)));
            for (rank, reached) in ranks.iter_mut().zip(self.graph.reach(from)) {
                if reached {
                    // What is at a remote is as good as what is on a branch.
                    *rank = if kind == TipKind::Remote { TipKind::Branch } else { kind } as u8;
                }
            }
        }
        ranks
    }

    fn batch(
        &self,
        objects: &[(ObjectId, Kind)],
        ranks: &[u8],
        paths: &mut Paths<'_>,
        traces: &mut HashMap<ObjectId, Trace>,
    ) -> std::io::Result<()> {
        let ids: Vec<_> = objects.iter().map(|(id, _)| *id).collect();
        let held = Held::find(&self.trees, &ids)?;
        let (reach, origins) = self.follow(&ids, &held, ranks);
        let mut all: Vec<Trace> = vec![Trace::default(); objects.len()];
        let mut orphans = vec![0u64; objects.len().div_ceil(64)];
        self.name_refs(&reach, &held, &mut all);
        for (bit, ((id, kind), trace)) in objects.iter().zip(&mut all).enumerate() {
            let may_hold = |tree: &gix_hash::oid| has_bit(held.of(tree), bit);
            for head in self.heads.iter().filter_map(|head| self.graph.commit(self.graph.number(head)?)) {
                if head.id == *id {
                    trace.is_in_head = true;
                } else if *kind != Kind::Commit && may_hold(&head.tree) {
                    let found = paths.of(&head.tree, id, may_hold);
                    trace.is_in_head |= !found.is_empty();
                    trace.paths.extend(found);
                }
            }
            match kind {
                Kind::Commit => {
                    trace.place = self.graph.number(id).and_then(|number| self.graph.place(number));
                    trace.first = self.author(id);
                }
                Kind::Tag => trace.first = self.tagger(id),
                Kind::Blob | Kind::Tree => {
                    let origins = origins.get(bit).map(Vec::as_slice).unwrap_or_default();
                    let mut first = None;
                    for origin in origins {
                        let Some(commit) = self.graph.commit(origin.number) else { continue };
                        let found = paths.of(&commit.tree, id, may_hold);
                        if !found.is_empty() {
                            first = Some((origin.place, commit.id));
                            trace.paths.extend(found);
                            break;
                        }
                        // Its trees cannot be read, or share the beginnings of their ids with others.
                        first = first.or(Some((origin.place, commit.id)));
                    }
                    trace.place = first.map(|(place, _)| place);
                    trace.first = first.and_then(|(_, id)| self.author(&id));
                    if origins.is_empty()
                        && let Some(word) = orphans.get_mut(bit / 64)
                    {
                        *word |= 1 << (bit % 64);
                    }
                }
            }
        }
        for (bit, top) in held.topmost(&orphans) {
            if let (Some(trace), Some(id)) = (all.get_mut(bit), ids.get(bit)) {
                trace.paths.extend(paths.of(&top, id, |tree| has_bit(held.of(tree), bit)));
            }
        }
        for (id, mut trace) in ids.into_iter().zip(all) {
            let mut known = std::collections::HashSet::new();
            trace.paths.retain(|path| known.insert(path.clone()));
            traces.insert(id, trace);
        }
        Ok(())
    }

    /// What each commit reaches, and for each object the commits that brought it in, the first first.
    fn follow(&self, ids: &[ObjectId], held: &Held, ranks: &[u8]) -> (Rows, Vec<Vec<Origin>>) {
        let count = self.graph.commits.len();
        let mut has = Rows::new(count, ids.len());
        let mut reach = Rows::new(count, ids.len());
        for (index, commit) in self.graph.commits.iter().enumerate() {
            has.add(index, held.of(&commit.tree));
        }
        for (bit, id) in ids.iter().enumerate() {
            if let Some(number) = self.graph.number(id) {
                reach.set(number as usize, bit);
            }
        }
        let mut origins = vec![Vec::new(); ids.len()];
        let mut before = Vec::new();
        for (place, number) in self.graph.order.iter().enumerate() {
            let index = *number as usize;
            reach.add(index, has.row(index));
            before.clear();
            before.resize(has.row(index).len(), 0u64);
            for parent in self.graph.parents(*number) {
                reach.add_row(index, *parent as usize);
                for (word, parent) in before.iter_mut().zip(has.row(*parent as usize)) {
                    *word |= parent;
                }
            }
            let new: Vec<u64> =
                has.row(index).iter().zip(&before).map(|(has, before)| has & !before).collect();
            for bit in set_bits(&new) {
                let rank = ranks.get(index).copied().unwrap_or(u8::MAX);
                let Some(origins) = origins.get_mut(bit) else { continue };
                let at = origins.partition_point(|other: &Origin| other.rank <= rank);
                if at < MAX_ORIGINS {
                    origins.insert(at, Origin { rank, place, number: *number });
                    origins.truncate(MAX_ORIGINS);
                }
            }
        }
        (reach, origins)
    }

    /// Notes at each object which refs lead to it; reflogs only where no ref does.
    fn name_refs(&self, reach: &Rows, held: &Held, traces: &mut [Trace]) {
        for tip in self.tips.iter() {
            for bit in self.held_by(tip, reach, held) {
                let Some(trace) = traces.get_mut(bit) else { continue };
                if tip.kind == TipKind::Reflog
                    && trace.is_reached
                    && !trace.refs.first().is_some_and(|name| is_log(name))
                {
                    continue;
                }
                trace.is_reached = true;
                trace.is_pushed |= tip.kind == TipKind::Remote;
                if trace.refs.last() == Some(&tip.name) {
                } else if trace.refs.len() < MAX_REFS {
                    trace.refs.push(tip.name.clone());
                } else {
                    trace.more_refs += 1;
                }
            }
        }
    }

    fn held_by(&self, tip: &Tip, reach: &Rows, held: &Held) -> Vec<usize> {
        let mut bits = Vec::new();
        for id in self.graph.peel(tip.target) {
            bits.extend(set_bits(held.of(&id)));
            if let Some(number) = self.graph.number(&id) {
                bits.extend(set_bits(reach.row(number as usize)));
            }
        }
        bits.sort_unstable();
        bits.dedup();
        bits
    }

    fn author(&self, id: &ObjectId) -> Option<Author> {
        let stored = self.stores.find(id)?;
        Some(CommitText::of(&stored.bytes).author(id))
    }

    fn tagger(&self, id: &ObjectId) -> Option<Author> {
        let stored = self.stores.find(id)?;
        let text = TagText::of(&stored.bytes);
        Some(text.tagger(&text.target?))
    }
}

fn is_log(name: &str) -> bool {
    name.starts_with("reflog of ") || name.starts_with("refs/stash@{")
}
