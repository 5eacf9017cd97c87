//! Which entries of a pack are deltas against which.

use std::collections::BTreeMap;

use gix_hash::ObjectId;

use super::fault::Faults;
use super::inflate::Inflater;
use super::pack::{Form, Pack};

/// The entries of a pack in their order, and what is a delta against each.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Where each entry begins.
    pub(super) offsets: Vec<u64>,
    /// Its place in the index.
    pub(super) positions: Vec<u32>,
    /// Its base, or one of the marks below.
    pub(super) bases: Vec<u32>,
    /// The entries that are no deltas.
    pub(super) roots: Vec<u32>,
    /// Objects that are elsewhere, and what is a delta against each.
    pub(super) elsewhere: Vec<(ObjectId, Vec<u32>)>,
    firsts: Vec<u32>,
    children: Vec<u32>,
}

/// Heads are read from the pack's front to its end.
const AHEAD_BYTES: u64 = 64 << 10;

/// It is no delta.
pub(super) const ROOT: u32 = u32::MAX;
/// Its base is not in the pack.
pub(super) const ELSEWHERE: u32 = u32::MAX - 1;
/// Its head cannot be read.
const BROKEN: u32 = u32::MAX - 2;

impl Tree {
    /// Reads the head of every entry.
    pub(super) fn read(pack: &Pack, inflater: &mut Inflater, faults: &Faults) -> Self {
        let mut tree = Self::default();
        let mut entries: Vec<(u64, u32)> =
            pack.index.iter().map(|entry| entry.pack_offset).zip(0..).collect();
        entries.sort_unstable();
        for (offset, position) in entries {
            if tree.offsets.last() == Some(&offset) {
                let what = || format!("object {} in {}", pack.id(position), pack.name);
                faults.tell(what, super::fault::broken("the index has two objects in one place"));
                continue;
            }
            tree.offsets.push(offset);
            tree.positions.push(position);
        }
        let mut elsewhere = BTreeMap::<ObjectId, Vec<u32>>::new();
        for (&offset, number) in tree.offsets.iter().zip(0_u32..) {
            let base = match pack.entry(inflater, offset, AHEAD_BYTES).map(|entry| entry.form) {
                Ok(Form::Whole(_)) => {
                    tree.roots.push(number);
                    ROOT
                }
                Ok(Form::Offset(base)) => tree.number(base).unwrap_or(BROKEN),
                Ok(Form::Named(id)) => {
                    if let Some(base) = pack.offset(&id).and_then(|base| tree.number(base)) {
                        base
                    } else {
                        elsewhere.entry(id).or_default().push(number);
                        ELSEWHERE
                    }
                }
                Err(_) => BROKEN,
            };
            tree.bases.push(base);
        }
        tree.elsewhere = elsewhere.into_iter().collect();
        tree.group();
        tree
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// What is a delta against an entry; the one with the most below it comes last.
    pub(super) fn children(&self, number: u32) -> &[u32] {
        let at = |number: usize| self.firsts.get(number).map_or(0, |first| *first as usize);
        self.children.get(at(number as usize)..at(number as usize + 1)).unwrap_or_default()
    }

    /// Where an entry begins, and where the next does.
    pub(super) fn extent(&self, number: u32) -> (u64, u64) {
        let at = |number: usize| self.offsets.get(number).copied().unwrap_or(u64::MAX);
        (at(number as usize), at(number as usize + 1))
    }

    fn number(&self, offset: u64) -> Option<u32> {
        self.offsets.binary_search(&offset).ok().and_then(|number| u32::try_from(number).ok())
    }

    /// Groups the entries by their bases.
    fn group(&mut self) {
        let mut firsts = vec![0_u32; self.len() + 1];
        let mut below = vec![1_u32; self.len()];
        for (number, &base) in self.bases.iter().enumerate().rev() {
            let own = below.get(number).copied().unwrap_or(1);
            if let Some(count) = firsts.get_mut(base as usize) {
                *count += 1;
            }
            if let Some(all) = below.get_mut(base as usize) {
                *all = all.saturating_add(own);
            }
        }
        let mut sum = 0;
        for first in &mut firsts {
            sum += std::mem::replace(first, sum);
        }
        let mut places = firsts.clone();
        let mut children = vec![0_u32; sum as usize];
        for (&base, number) in self.bases.iter().zip(0_u32..) {
            let Some(place) = places.get_mut(base as usize) else { continue };
            if let Some(child) = children.get_mut(*place as usize) {
                *child = number;
            }
            *place += 1;
        }
        (self.firsts, self.children) = (firsts, children);
        self.put_heaviest_last(&below);
    }

    fn put_heaviest_last(&mut self, below: &[u32]) {
        for pair in self.firsts.windows(2) {
            let &[first, end] = pair else { continue };
            let Some(group) =
                self.children.get_mut(first as usize..end as usize).filter(|group| group.len() > 1)
            else {
                continue;
            };
            let weight = |child: &u32| below.get(*child as usize).copied().unwrap_or(1);
            let heaviest =
                group.iter().enumerate().max_by_key(|(_, child)| weight(child)).map(|(place, _)| place);
            if let Some(heaviest) = heaviest {
                let last = group.len() - 1;
                group.swap(heaviest, last);
            }
        }
    }
}
