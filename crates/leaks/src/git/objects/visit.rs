//! Shows every object of all packs and folders once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use gix_hash::{ObjectId, oid};

use super::budget::{Budget, Deadline};
use super::fault::{Faults, broken};
use super::hand::Hand;
use super::heap::Heap;
use super::mark::Mark;
use super::pack::Pack;
use super::stores::{Stores, id_of_hex};
use super::tree::Tree;
use super::visitor::{Visited, Visitor};
use super::walk::{SHOWN, Walk};

/// A pack that was read: what became of each object, by its place in the index; none if it was read before.
struct Read<'a> {
    pack: &'a Pack,
    fates: Option<Vec<AtomicU8>>,
}

/// Fewer objects are not worth one more thread.
const MIN_PER_THREAD: usize = 1_000;
/// So much work is taken at once.
const BATCH: usize = 16;

impl Stores {
    /// Shows every object once, on `limits.threads` threads; passes by what `since` says was read.
    pub fn visit<V: Visitor>(&self, since: Option<&Mark>, visitor: impl Fn() -> V + Sync) -> Visited<V> {
        let faults = Faults::new(self.limits.max_unread);
        for unread in &self.unread {
            faults.tell(|| String::from_utf8_lossy(&unread.what).into_owned(), unread.why.clone());
        }
        let deadline = Deadline::of(&self.limits);
        let mut hands = vec![Hand::new(visitor())];
        let mut mark = Mark::default();
        let before: HashSet<ObjectId> = since
            .into_iter()
            .flat_map(|since| &since.loose)
            .filter_map(|hex| id_of_hex(hex.as_bytes(), self.hash))
            .collect();
        let (old, new): (Vec<_>, Vec<_>) =
            self.packs.iter().partition(|pack| since.is_some_and(|since| since.packs.contains(&pack.mark)));
        mark.packs.extend(old.iter().map(|pack| pack.mark.clone()));
        let mut read: Vec<Read<'_>> = old.into_iter().map(|pack| Read { pack, fates: None }).collect();
        for pack in new {
            let is_known = |id: &oid| is_known(&read, &before, id);
            grow(&mut hands, pack.count as usize, self.limits.threads, &visitor);
            let (fates, is_whole) = self.visit_pack(pack, &mut hands, &is_known, &faults, deadline);
            if is_whole {
                mark.packs.insert(pack.mark.clone());
            }
            read.push(Read { pack, fates: Some(fates) });
        }
        let heap = Heap::list(self, &faults, deadline);
        grow(&mut hands, heap.len(), self.limits.threads, &visitor);
        mark.loose = heap.read(&mut hands, &|id: &oid| is_known(&read, &before, id), &faults);
        let (objects, bytes) =
            hands.iter().fold((0, 0), |sum, hand| (sum.0 + hand.objects, sum.1 + hand.bytes));
        let visitors = hands.into_iter().map(|hand| hand.visitor).collect();
        let (unread, more_unread) = faults.into_parts();
        Visited { visitors, unread, more_unread, objects, bytes, mark }
    }

    /// Shows the objects of a pack; says what became of each, and whether all of it was read.
    fn visit_pack<V: Visitor>(
        &self,
        pack: &Pack,
        hands: &mut [Hand<V>],
        is_known: &(dyn Fn(&oid) -> bool + Sync),
        faults: &Faults,
        deadline: Deadline,
    ) -> (Vec<AtomicU8>, bool) {
        let mut fates = Vec::new();
        fates.resize_with(pack.index.num_objects() as usize, AtomicU8::default);
        let Some(first) = hands.first_mut() else { return (fates, false) };
        let tree = Tree::read(pack, &mut first.inflater, faults);
        let is_faulty = AtomicBool::new(tree.len() != pack.count as usize || !pack.is_matched);
        if !pack.is_matched {
            faults.tell(|| pack.name.clone(), broken("its checksum is not the one in its index"));
        }
        if pack.count != pack.index.num_objects() {
            faults.tell(
                || pack.name.clone(),
                broken("its index names more or fewer objects than it says to hold"),
            );
        }
        let walk = Walk {
            stores: self,
            pack,
            tree: &tree,
            fates: &fates,
            is_known,
            faults,
            budget: &Budget::of_pack(pack.end, &self.limits, deadline),
            is_faulty: &is_faulty,
            max_object_bytes: self.limits.max_object_bytes,
        };
        let busy = busy(hands, walk.len().min(tree.len() / MIN_PER_THREAD + 1));
        share(busy, walk.len(), |hand, number| walk.show(hand, number));
        walk.finish();
        (fates, !is_faulty.into_inner())
    }
}

/// Makes as many hands as there is work for.
fn grow<V: Visitor>(hands: &mut Vec<Hand<V>>, objects: usize, threads: usize, visitor: impl Fn() -> V) {
    let wanted = threads.min(objects / MIN_PER_THREAD + 1);
    while hands.len() < wanted {
        hands.push(Hand::new(visitor()));
    }
}

/// As many hands as are wanted, if there are so many.
pub(super) fn busy<V>(hands: &mut [Hand<V>], wanted: usize) -> &mut [Hand<V>] {
    let count = wanted.clamp(1, hands.len().max(1));
    hands.get_mut(..count).unwrap_or_default()
}

/// Lets all hands work, a thread each, until the work is done.
pub(super) fn share<V: Visitor>(
    hands: &mut [Hand<V>],
    work: usize,
    act: impl Fn(&mut Hand<V>, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    let run = |hand: &mut Hand<V>| loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= work {
            return;
        }
        for number in first..work.min(first + BATCH) {
            act(hand, number);
        }
    };
    let Some((own, others)) = hands.split_first_mut() else { return };
    std::thread::scope(|scope| {
        for hand in others {
            scope.spawn(|| run(hand));
        }
        run(own);
    });
}

/// Whether an object was shown, from a pack that was read or by an earlier visit.
fn is_known(read: &[Read<'_>], before: &HashSet<ObjectId>, id: &oid) -> bool {
    let is_shown = |read: &Read<'_>| {
        read.pack.index.lookup(id).is_some_and(|position| match &read.fates {
            None => true,
            Some(fates) => {
                fates.get(position as usize).is_some_and(|fate| fate.load(Ordering::Relaxed) == SHOWN)
            }
        })
    };
    read.iter().any(is_shown) || (!before.is_empty() && before.contains(&id.to_owned()))
}
