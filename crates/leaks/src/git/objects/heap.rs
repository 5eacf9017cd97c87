//! Shows loose objects.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gix_hash::{ObjectId, oid};

use super::budget::Deadline;
use super::fault::Faults;
use super::hand::Hand;
use super::inflate::Stream;
use super::loose;
use super::stores::Stores;
use super::visit::{busy, share};
use super::visitor::{Content, Object, Visitor};
use crate::Why;

/// The loose objects of all folders.
pub(super) struct Heap<'a> {
    stores: &'a Stores,
    /// Each with the number of its folder; sorted.
    ids: Vec<(ObjectId, usize)>,
    deadline: Deadline,
}

/// Fewer are not worth one more thread.
const MIN_PER_THREAD: usize = 200;

impl<'a> Heap<'a> {
    /// Lists them; tells what is no object.
    pub(super) fn list(stores: &'a Stores, faults: &Faults, deadline: Deadline) -> Self {
        let mut ids = Vec::new();
        for (number, folder) in stores.folders.iter().enumerate() {
            ids.extend(loose::list(folder, stores.hash, faults).into_iter().map(|id| (id, number)));
        }
        ids.sort_unstable();
        Self { stores, ids, deadline }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Shows each that is not known yet; returns the names of those that were read, now or before.
    pub(super) fn read<V: Visitor>(
        &self,
        hands: &mut [Hand<V>],
        is_known: &(dyn Fn(&oid) -> bool + Sync),
        faults: &Faults,
    ) -> BTreeSet<String> {
        let groups: Vec<_> = self.ids.chunk_by(|one, other| one.0 == other.0).collect();
        let unread = Mutex::new(BTreeSet::new());
        let busy = busy(hands, groups.len() / MIN_PER_THREAD + 1);
        share(busy, groups.len(), |hand, number| {
            let Some((group, id)) = groups.get(number).and_then(|group| Some((group, group.first()?.0)))
            else {
                return;
            };
            if is_known(&id) || group.iter().any(|(_, folder)| self.show(hand, &id, *folder, faults)) {
                return;
            }
            unread.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        });
        let unread = unread.into_inner().unwrap_or_else(PoisonError::into_inner);
        let read = groups.iter().filter_map(|group| group.first()).filter(|(id, _)| !unread.contains(id));
        read.map(|(id, _)| id.to_string()).collect()
    }

    /// Shows one; tells if it cannot be read.
    fn show<V: Visitor>(&self, hand: &mut Hand<V>, id: &oid, folder: usize, faults: &Faults) -> bool {
        let Some(folder) = self.stores.folders.get(folder) else { return false };
        let path = loose::path(folder, id);
        let shown = self.try_show(hand, id, &path);
        let is_shown = shown.is_ok();
        if let Err(why) = shown {
            faults.tell(|| path.display().to_string(), why);
        }
        is_shown
    }

    fn try_show<V: Visitor>(&self, hand: &mut Hand<V>, id: &oid, path: &Path) -> Result<(), Why> {
        self.deadline.check()?;
        let mut loose = loose::open(path)?.ok_or(Why::Changed)?;
        let (kind, size_bytes) = (loose.kind, loose.size_bytes);
        if size_bytes > self.stores.limits.max_object_bytes {
            let mut stream = Stream::new(loose.content, size_bytes);
            hand.visitor.stream(id, kind, size_bytes, &mut stream);
            if let Some(why) = stream.into_fault() {
                return Err(why);
            }
        } else {
            let mut bytes = hand.take();
            let read = loose.read(&mut bytes);
            if read.is_ok() {
                let _state =
                    hand.visitor.object(&mut Object { id, kind, content: Content::Whole(&bytes) }, None);
            }
            hand.give(bytes);
            read?;
        }
        hand.objects += 1;
        hand.bytes += size_bytes;
        Ok(())
    }
}
