//! From objects upward to the trees that hold them, at any depth.
//!
//! Children are known by the first bytes of their ids: what follows from it is looked up before it is told.

use std::collections::{BTreeSet, HashMap};

use gix_hash::ObjectId;

use super::record::Trees;
use super::rows::{Rows, set_bits};
use super::trees::prefix;

/// Deeper than any path that a system takes.
const MAX_LEVELS: u32 = 4_096;
/// Of the filter, for each that is looked for; all of it best fits into the nearest cache.
const FILTER_BITS: usize = 256;
const MIN_FILTER_BITS: usize = 1 << 14;
const MAX_FILTER_BITS: usize = 1 << 22;

/// Which trees hold which of the wanted objects.
#[derive(Debug, Default)]
pub(super) struct Held {
    rows: Rows,
    /// Only of trees that hold something.
    by_id: HashMap<ObjectId, usize>,
    /// How far above what it holds a tree is.
    levels: HashMap<ObjectId, u32>,
}

impl Held {
    /// Looks for the trees that hold one of these.
    pub(super) fn find(trees: &[&Trees], wanted: &[ObjectId]) -> std::io::Result<Self> {
        let count = trees.iter().map(|trees| trees.len()).sum();
        let mut rows = Rows::new(count, wanted.len());
        let mut level = Level::new(wanted.len(), wanted.len());
        for (bit, id) in wanted.iter().enumerate() {
            level.add_bit(prefix(id), bit);
        }
        let mut levels: HashMap<usize, u32> = HashMap::new();
        for height in 1..=MAX_LEVELS {
            let mut changed = BTreeSet::new();
            let mut base = 0;
            for trees in trees {
                let mut look = |tree, child| {
                    if let Some(bits) = level.bits(child)
                        && rows.add(base + tree, bits)
                    {
                        changed.insert(base + tree);
                    }
                };
                trees.each_folder(&mut look)?;
                if height == 1 {
                    trees.each_file(look)?;
                }
                base += trees.len();
            }
            if changed.is_empty() {
                break;
            }
            level = Level::new(changed.len(), wanted.len());
            for index in changed {
                levels.insert(index, height);
                if let Some(id) = id_of(trees, index) {
                    level.add(prefix(&id), rows.row(index));
                }
            }
        }
        let mut held = Self { rows, ..Self::default() };
        for (index, height) in levels {
            if let Some(id) = id_of(trees, index) {
                held.by_id.insert(id, index);
                held.levels.insert(id, height);
            }
        }
        // A wanted tree holds itself.
        for (bit, id) in wanted.iter().enumerate() {
            let row = held.by_id.get(id).copied().unwrap_or_else(|| held.rows.push());
            held.by_id.insert(*id, row);
            held.rows.set(row, bit);
        }
        Ok(held)
    }

    /// What a tree holds.
    pub(super) fn of(&self, tree: &gix_hash::oid) -> &[u64] {
        self.by_id.get(tree).map_or(&[], |row| self.rows.row(*row))
    }

    /// For each of these bits the topmost tree that holds it.
    pub(super) fn topmost(&self, wanted: &[u64]) -> HashMap<usize, ObjectId> {
        let mut top: HashMap<usize, (u32, ObjectId)> = HashMap::new();
        for (id, height) in &self.levels {
            let both: Vec<u64> = self.of(id).iter().zip(wanted).map(|(held, wanted)| held & wanted).collect();
            for bit in set_bits(&both) {
                let best = top.entry(bit).or_insert((*height, *id));
                *best = (*best).max((*height, *id));
            }
        }
        top.into_iter().map(|(bit, (_, id))| (bit, id)).collect()
    }
}

fn id_of(trees: &[&Trees], mut index: usize) -> Option<ObjectId> {
    for trees in trees {
        if index < trees.len() {
            return trees.id(index).map(ToOwned::to_owned);
        }
        index -= trees.len();
    }
    None
}

/// What is looked for at one level: the first bytes of ids, and what those hold.
struct Level {
    /// A power of two of bits.
    filter: Vec<u64>,
    by_prefix: HashMap<u32, usize>,
    rows: Rows,
}

impl Level {
    fn new(count: usize, bits: usize) -> Self {
        let filter_bits = count.saturating_mul(FILTER_BITS).clamp(MIN_FILTER_BITS, MAX_FILTER_BITS);
        Self {
            filter: vec![0; filter_bits.next_power_of_two() / 64],
            by_prefix: HashMap::new(),
            rows: Rows::new(0, bits),
        }
    }

    #[inline]
    fn word(&self, prefix: u32) -> usize {
        (prefix as usize / 64) & (self.filter.len() - 1)
    }

    fn row(&mut self, prefix: u32) -> usize {
        let at = self.word(prefix);
        if let Some(word) = self.filter.get_mut(at) {
            *word |= 1 << (prefix % 64);
        }
        *self.by_prefix.entry(prefix).or_insert_with(|| self.rows.push())
    }

    fn add_bit(&mut self, prefix: u32, bit: usize) {
        let row = self.row(prefix);
        self.rows.set(row, bit);
    }

    fn add(&mut self, prefix: u32, bits: &[u64]) {
        let row = self.row(prefix);
        self.rows.add(row, bits);
    }

    #[inline]
    fn bits(&self, child: u32) -> Option<&[u64]> {
        let may = self.filter.get(self.word(child)).is_some_and(|word| word >> (child % 64) & 1 == 1);
        if may { self.by_prefix.get(&child).map(|row| self.rows.row(*row)) } else { None }
    }
}
