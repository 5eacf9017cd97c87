//! Shows every object of a pack: what is no delta first, then what is made from it, each base decoded once.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use gix_hash::oid;
use gix_object::Kind;

use super::budget::Budget;
use super::delta::Delta;
use super::fault::{Faults, TOO_LARGE, broken};
use super::hand::Hand;
use super::inflate::Stream;
use super::pack::{Entry, Form, Pack};
use super::stores::Stores;
use super::tree::{ELSEWHERE, Tree};
use super::visitor::{Content, Object, Visitor};
use crate::Why;

/// A pack that is walked by several threads.
pub(super) struct Walk<'a> {
    pub(super) stores: &'a Stores,
    pub(super) pack: &'a Pack,
    pub(super) tree: &'a Tree,
    /// What became of each object, by its place in the index.
    pub(super) fates: &'a [AtomicU8],
    /// Whether an object was shown already, from elsewhere.
    pub(super) is_known: &'a (dyn Fn(&oid) -> bool + Sync),
    pub(super) faults: &'a Faults,
    pub(super) budget: &'a Budget,
    /// Something of the pack was not read.
    pub(super) is_faulty: &'a AtomicBool,
    pub(super) max_object_bytes: u64,
}

/// It was shown, here or elsewhere.
pub(super) const SHOWN: u8 = 1;
/// It was told that it cannot be read.
const TOLD: u8 = 2;

/// A base whose deltas are being shown.
struct Frame<'a, S> {
    number: u32,
    /// None if it was let go, to be decoded again.
    bytes: Option<Vec<u8>>,
    state: Option<S>,
    children: &'a [u32],
    next: usize,
}

/// Bases that a thread holds at once; beyond that the outermost are let go, and decoded again.
const MAX_HELD_BYTES: usize = 24 << 20;

impl<'a> Walk<'a> {
    /// How much work there is: roots, and bases that are elsewhere.
    pub(super) fn len(&self) -> usize {
        self.tree.roots.len() + self.tree.elsewhere.len()
    }

    /// Shows one root, and all that is made from it.
    pub(super) fn show<V: Visitor>(&self, hand: &mut Hand<V>, number: usize) {
        if let Some(&root) = self.tree.roots.get(number) {
            self.show_root(hand, root);
        } else if let Some((id, children)) = self.tree.elsewhere.get(number - self.tree.roots.len()) {
            // What it is based upon, if it is there at all; else its deltas are told as not read in the end.
            if let Some(base) = self.stores.find(id) {
                let bytes = Some(base.bytes.to_vec());
                let frame = Frame { number: ELSEWHERE, bytes, state: None, children, next: 0 };
                self.descend(hand, base.kind, frame);
            }
        }
        hand.shrink();
    }

    /// Tells what was not reached.
    pub(super) fn finish(&self) {
        for (&position, &base) in self.tree.positions.iter().zip(&self.tree.bases) {
            let fate = self.fates.get(position as usize).map_or(0, |fate| fate.load(Ordering::Relaxed));
            if fate == 0 {
                let why = if base == ELSEWHERE {
                    "what it is a delta against is not there"
                } else {
                    "it cannot be read, or what it is a delta against cannot"
                };
                self.tell(position, broken(why));
            }
        }
    }

    fn show_root<V: Visitor>(&self, hand: &mut Hand<V>, number: u32) {
        let (offset, end) = self.tree.extent(number);
        let entry = match self.pack.entry(&mut hand.inflater, offset, end - offset) {
            Ok(entry) => entry,
            Err(why) => return self.fail(number, why),
        };
        let Form::Whole(kind) = entry.form else { return self.fail(number, Why::Changed) };
        if entry.size_bytes > self.max_object_bytes {
            return self.stream(hand, number, kind, &entry, end);
        }
        let mut bytes = hand.take();
        if let Err(why) = self.inflate(hand, number, &entry, end, &mut bytes) {
            hand.give(bytes);
            return self.fail(number, why);
        }
        let (state, _) = self.object(hand, number, kind, Content::Whole(&bytes), None);
        let children = self.tree.children(number);
        if children.is_empty() {
            hand.give(bytes);
        } else {
            self.descend(hand, kind, Frame { number, bytes: Some(bytes), state, children, next: 0 });
        }
    }

    /// Shows what is made from a base, and what is made from that: depth first, without recursion.
    fn descend<V: Visitor>(&self, hand: &mut Hand<V>, kind: Kind, base: Frame<'a, V::State>) {
        let mut held = 0;
        let mut frames = Vec::new();
        let mut current = base;
        loop {
            let Some(&child) = current.children.get(current.next) else {
                hand.give(current.bytes.take().unwrap_or_default());
                let Some(outer) = frames.pop() else { return };
                current = outer;
                held -= current.bytes.as_ref().map_or(0, Vec::len);
                continue;
            };
            current.next += 1;
            let made = self.hold(&mut current).and_then(|()| {
                let base = current.bytes.as_deref().unwrap_or_default();
                self.delta(hand, kind, child, base, current.state.as_ref())
            });
            let (bytes, state) = match made {
                Ok(Some(made)) => made,
                Ok(None) => continue,
                Err(why) => {
                    self.fail(child, why);
                    continue;
                }
            };
            let children = self.tree.children(child);
            let outer = std::mem::replace(
                &mut current,
                Frame { number: child, bytes: Some(bytes), state, children, next: 0 },
            );
            if outer.next < outer.children.len() {
                held += outer.bytes.as_ref().map_or(0, Vec::len);
                frames.push(outer);
                let_go(&mut frames, &mut held, self.max_object_bytes);
            } else {
                hand.give(outer.bytes.unwrap_or_default());
            }
        }
    }

    /// Decodes a base again if it was let go.
    fn hold<S>(&self, frame: &mut Frame<'_, S>) -> Result<(), Why> {
        if frame.bytes.is_none() {
            let (offset, _) = self.tree.extent(frame.number);
            let bytes = self.stores.decode_at(self.pack, offset)?;
            self.budget.spend(bytes.len() as u64)?;
            frame.bytes = Some(bytes);
        }
        Ok(())
    }

    /// Shows a delta; returns what it makes if others are made from that.
    #[expect(clippy::type_complexity, reason = "bytes and state go into a frame at once")]
    fn delta<V: Visitor>(
        &self,
        hand: &mut Hand<V>,
        kind: Kind,
        number: u32,
        base: &[u8],
        state: Option<&V::State>,
    ) -> Result<Option<(Vec<u8>, Option<V::State>)>, Why> {
        let (offset, end) = self.tree.extent(number);
        let entry = self.pack.entry(&mut hand.inflater, offset, end - offset)?;
        if entry.size_bytes > self.max_object_bytes {
            return Err(TOO_LARGE);
        }
        let mut text = std::mem::take(&mut hand.delta);
        let mut fresh = std::mem::take(&mut hand.fresh);
        let mut whole = hand.take();
        let mut show = || {
            self.inflate(hand, number, &entry, end, &mut text)?;
            let delta = Delta::parse(&text)?;
            if delta.base_bytes != base.len() as u64 {
                return Err(broken("its base is not as long as it says"));
            }
            if delta.result_bytes > self.max_object_bytes {
                return Err(TOO_LARGE);
            }
            delta.fresh(base, V::MARGIN, &mut fresh)?;
            let is_leaf = self.tree.children(number).is_empty();
            if !is_leaf {
                self.budget.spend(delta.result_bytes)?;
            }
            let content = Content::Delta { delta, base, fresh: &fresh, whole: &mut whole, is_whole: false };
            let (state, is_whole) = self.object(hand, number, kind, content, state);
            if is_leaf && is_whole {
                // What is over the bound now stops the next one.
                let _over = self.budget.spend(delta.result_bytes);
            }
            if !is_leaf && !is_whole {
                delta.apply(base, &mut whole)?;
            }
            Ok((!is_leaf).then_some(state))
        };
        let shown = show();
        (hand.delta, hand.fresh) = (text, fresh);
        match shown {
            Ok(Some(state)) => Ok(Some((whole, state))),
            Ok(None) => {
                hand.give(whole);
                Ok(None)
            }
            Err(why) => Err(why),
        }
    }

    /// Shows an object if it was not shown before; says whether its bytes were put together.
    fn object<V: Visitor>(
        &self,
        hand: &mut Hand<V>,
        number: u32,
        kind: Kind,
        content: Content<'_>,
        base: Option<&V::State>,
    ) -> (Option<V::State>, bool) {
        let Some(position) = self.position(number) else { return (None, false) };
        let id = self.pack.id(position);
        let mut object = Object { id, kind, content };
        let is_new = !(self.is_known)(id);
        let state = is_new.then(|| {
            hand.objects += 1;
            hand.bytes += object.size_bytes() as u64;
            hand.visitor.object(&mut object, base)
        });
        self.set(position, SHOWN);
        (state, matches!(object.content, Content::Whole(_) | Content::Delta { is_whole: true, .. }))
    }

    /// Shows what is too large for a buffer.
    fn stream<V: Visitor>(&self, hand: &mut Hand<V>, number: u32, kind: Kind, entry: &Entry, end: u64) {
        let Some(position) = self.position(number) else { return };
        let id = self.pack.id(position);
        if !(self.is_known)(id) {
            if let Err(why) = self.budget.spend(0) {
                return self.fail(number, why);
            }
            let mut stream = Stream::new(self.pack.span(entry, end).stream(), entry.size_bytes);
            hand.objects += 1;
            hand.visitor.stream(id, kind, entry.size_bytes, &mut stream);
            hand.bytes += entry.size_bytes;
            if let Some(why) = stream.into_fault() {
                return self.fail(number, why);
            }
        }
        self.set(position, SHOWN);
    }

    fn inflate<V: Visitor>(
        &self,
        hand: &mut Hand<V>,
        number: u32,
        entry: &Entry,
        end: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Why> {
        self.budget.spend(entry.size_bytes)?;
        let span = self.pack.span(entry, end);
        let used = hand.inflater.inflate(span, entry.size_bytes, bytes)?;
        if span.start.saturating_add(used) != span.end {
            self.is_faulty.store(true, Ordering::Relaxed);
            let what = || format!("{} after {}", self.pack.name, self.name(number));
            self.faults.tell(what, broken("something lies there that the index does not name"));
        }
        Ok(())
    }

    fn fail(&self, number: u32, why: Why) {
        if let Some(position) = self.position(number) {
            self.tell(position, why);
        }
    }

    fn tell(&self, position: u32, why: Why) {
        self.is_faulty.store(true, Ordering::Relaxed);
        self.set(position, TOLD);
        self.faults.tell(|| format!("object {} in {}", self.pack.id(position), self.pack.name), why);
    }

    fn set(&self, position: u32, fate: u8) {
        if let Some(place) = self.fates.get(position as usize) {
            place.store(fate, Ordering::Relaxed);
        }
    }

    fn position(&self, number: u32) -> Option<u32> {
        self.tree.positions.get(number as usize).copied()
    }

    fn name(&self, number: u32) -> String {
        self.position(number).map(|position| self.pack.id(position).to_string()).unwrap_or_default()
    }
}

/// Lets go of the outermost bases while more is held than may be; not of one that cannot be decoded again.
fn let_go<S>(frames: &mut [Frame<'_, S>], held: &mut usize, max_bytes: u64) {
    let max = usize::try_from(max_bytes).unwrap_or(MAX_HELD_BYTES).min(MAX_HELD_BYTES);
    for frame in frames {
        if *held <= max {
            return;
        }
        if frame.number != ELSEWHERE {
            *held -= frame.bytes.take().map_or(0, |bytes| bytes.len());
        }
    }
}
