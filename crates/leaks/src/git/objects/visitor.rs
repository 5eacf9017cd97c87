//! Who is shown the objects, and what of them.

use std::io::Read;

use gix_hash::oid;
use gix_object::Kind;

use super::Mark;
use super::delta::Delta;
use crate::Unread;

/// Is shown objects; one for each thread.
pub trait Visitor: Send {
    /// What is kept of an object while those that are deltas against it are shown, such as whether it had an anchor.
    type State: Clone;

    /// How many bytes [`Object::fresh`] takes on either side of what is new; at least the longest anchor.
    const MARGIN: usize = 64;

    /// An object. `base` is what was returned for the object that it is a delta against; none if it is no delta, or
    /// if its base was not shown: then all of it is new, whatever [`Object::fresh`] says.
    fn object(&mut self, object: &mut Object<'_>, base: Option<&Self::State>) -> Self::State;

    /// An object beyond `max_object_bytes`, which is a delta against none. It need not be read to its end. What
    /// cannot be read of it is told by who calls.
    fn stream(&mut self, id: &oid, kind: Kind, size_bytes: u64, content: &mut dyn Read);
}

/// An object that is shown. A delta is only put together when its bytes are asked for.
#[derive(Debug)]
pub struct Object<'a> {
    /// Its name; not verified.
    pub id: &'a oid,
    /// What it is.
    pub kind: Kind,
    pub(super) content: Content<'a>,
}

/// The content of an object.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// What makes it from its base, checked.
    Delta { delta: Delta<'a>, base: &'a [u8], fresh: &'a [u8], whole: &'a mut Vec<u8>, is_whole: bool },
}

impl Object<'_> {
    /// All of it.
    pub fn bytes(&mut self) -> &[u8] {
        match &mut self.content {
            Content::Whole(bytes) => bytes,
            Content::Delta { delta, base, whole, is_whole, .. } => {
                if !*is_whole {
                    // Checked when it was read: it cannot fail.
                    *is_whole = delta.apply(base, whole).is_ok();
                }
                whole
            }
        }
    }

    /// How it begins: so many bytes, or all if it is shorter.
    pub fn head(&mut self, length: usize) -> &[u8] {
        match &mut self.content {
            Content::Delta { delta, base, whole, is_whole: false, .. } => {
                // Checked when it was read: it cannot fail.
                drop(delta.begin(base, length, whole));
                whole
            }
            Content::Delta { whole, .. } => whole.get(..length).unwrap_or(whole),
            Content::Whole(bytes) => bytes.get(..length).unwrap_or(bytes),
        }
    }

    /// How long it is.
    pub fn size_bytes(&self) -> usize {
        match &self.content {
            Content::Whole(bytes) => bytes.len(),
            Content::Delta { delta, .. } => usize::try_from(delta.result_bytes).unwrap_or(usize::MAX),
        }
    }

    /// What is not copied from its base, each with [`Visitor::MARGIN`] bytes on either side, a zero byte between;
    /// all of it if it is no delta. What is neither in this nor in its base is not in the object.
    pub fn fresh(&self) -> &[u8] {
        match &self.content {
            Content::Whole(bytes) => bytes,
            Content::Delta { fresh, .. } => fresh,
        }
    }
}

/// What a visit leaves.
#[derive(Debug)]
pub struct Visited<V> {
    /// The visitors, one for each thread.
    pub visitors: Vec<V>,
    /// What was not read; at most `max_unread`.
    pub unread: Vec<Unread>,
    /// As many more.
    pub more_unread: u64,
    /// Objects shown.
    pub objects: u64,
    /// Their bytes, decoded.
    pub bytes: u64,
    /// What was read to its end, now or before: to be passed by the next time.
    pub mark: Mark,
}
