//! Finds single objects, for the few whose commits and paths are asked for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use gix_hash::oid;
use gix_object::Kind;

use super::delta::Delta;
use super::fault::{TOO_LARGE, broken};
use super::inflate::Inflater;
use super::loose;
use super::pack::{Form, Pack};
use super::stores::Stores;
use crate::Why;

/// An object, found by its name.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub bytes: Arc<Vec<u8>>,
}

/// Git itself makes chains of at most 4,095.
const MAX_CHAIN: usize = 10_000;
/// Deltas against an object of another pack, which is one against an object of another pack.
const MAX_HOPS: usize = 4;
/// Where an entry ends is not known; most are shorter.
const NEAR_BYTES: u64 = 1 << 10;

impl Stores {
    /// Decodes an object; none if there is none of this name.
    pub(super) fn decode(
        &self,
        inflater: &mut Inflater,
        cache: &mut Cache,
        id: &oid,
        hops: usize,
    ) -> Result<Option<Stored>, Why> {
        let mut fault = None;
        for pack in self.all_packs() {
            let Some(offset) = pack.offset(id) else { continue };
            match self.decode_chain(inflater, cache, pack, offset, hops) {
                Ok(stored) => return Ok(Some(stored)),
                Err(why) => fault = Some(why),
            }
        }
        for folder in self.all_folders() {
            match loose::find(folder, id, self.limits.max_object_bytes) {
                Ok(Some(stored)) => return Ok(Some(stored)),
                Ok(None) => {}
                Err(why) => fault = Some(why),
            }
        }
        fault.map_or(Ok(None), Err)
    }

    /// Decodes the entry at an offset, from the nearest of its bases that is in the cache.
    pub(super) fn decode_chain(
        &self,
        inflater: &mut Inflater,
        cache: &mut Cache,
        pack: &Pack,
        offset: u64,
        hops: usize,
    ) -> Result<Stored, Why> {
        let mut chain = Vec::new();
        let mut at = offset;
        let mut stored = loop {
            if let Some(stored) = cache.find((pack.number, at)) {
                break stored;
            }
            if chain.len() >= MAX_CHAIN {
                return Err(broken("its chain of deltas has no end"));
            }
            let entry = pack.entry(inflater, at, NEAR_BYTES)?;
            if entry.size_bytes > self.limits.max_object_bytes {
                return Err(TOO_LARGE);
            }
            match entry.form.clone() {
                Form::Whole(kind) => {
                    let mut bytes = Vec::new();
                    inflater.inflate(pack.span(&entry, pack.end), entry.size_bytes, &mut bytes)?;
                    let stored = Stored { kind, bytes: Arc::new(bytes) };
                    cache.keep((pack.number, at), &stored);
                    break stored;
                }
                Form::Offset(base) => {
                    chain.push((at, entry));
                    at = base;
                }
                Form::Named(id) => {
                    chain.push((at, entry));
                    if let Some(base) = pack.offset(&id) {
                        at = base;
                    } else if hops < MAX_HOPS {
                        let base = self.decode(inflater, cache, &id, hops + 1)?;
                        break base.ok_or_else(|| broken("what it is a delta against is not there"))?;
                    } else {
                        return Err(broken("its chain of deltas has no end"));
                    }
                }
            }
        };
        let mut text = Vec::new();
        while let Some((at, entry)) = chain.pop() {
            inflater.inflate(pack.span(&entry, pack.end), entry.size_bytes, &mut text)?;
            let delta = Delta::parse(&text)?;
            if delta.base_bytes != stored.bytes.len() as u64 {
                return Err(broken("its base is not as long as it says"));
            }
            if delta.result_bytes > self.limits.max_object_bytes {
                return Err(TOO_LARGE);
            }
            let mut bytes = Vec::new();
            delta.apply(&stored.bytes, &mut bytes)?;
            stored = Stored { kind: stored.kind, bytes: Arc::new(bytes) };
            cache.keep((pack.number, at), &stored);
        }
        Ok(stored)
    }
}

/// Objects that were decoded lately, by pack and offset.
#[derive(Debug, Default)]
pub(super) struct Cache {
    stored: HashMap<(usize, u64), Stored>,
    order: VecDeque<(usize, u64)>,
    bytes: usize,
}

const MAX_CACHE_BYTES: usize = 12 << 20;

impl Cache {
    fn find(&self, place: (usize, u64)) -> Option<Stored> {
        self.stored.get(&place).cloned()
    }

    fn keep(&mut self, place: (usize, u64), stored: &Stored) {
        let size = stored.bytes.len() + 128;
        if size > MAX_CACHE_BYTES / 8 {
            return;
        }
        if self.stored.insert(place, stored.clone()).is_none() {
            self.order.push_back(place);
            self.bytes += size;
        }
        while self.bytes > MAX_CACHE_BYTES {
            let Some(old) = self.order.pop_front() else { return };
            self.bytes -= self.stored.remove(&old).map_or(0, |stored| stored.bytes.len() + 128);
        }
    }
}
