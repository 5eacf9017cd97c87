//! Searches the objects that it is shown, and notes what ties them together.

use std::collections::HashSet;
use std::io::Read;

use detector::{Anchored, Token};
use gix_hash::{ObjectId, oid};
use gix_object::Kind;
use model::Fingerprint;

use super::objects::{Object, Visitor};
use super::record::Record;
use super::trees;
use crate::{Contents, Limits, Seen, Sighting, Tally, Unread, Wrapping};

/// A token in an object.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) object: ObjectId,
    pub(super) kind: Kind,
    pub(super) token: Token,
    pub(super) wrapping: Vec<Wrapping>,
    pub(super) line: Option<u64>,
    pub(super) column: Option<u64>,
    pub(super) is_allowed_inline: bool,
    /// The name within a tree, for a token that is in a name.
    pub(super) name: Option<Vec<u8>>,
    /// As many more times in the same object.
    pub(super) also: u64,
}

/// One thread's searcher.
#[derive(Debug)]
pub(super) struct Searcher<'a> {
    contents: &'a Contents,
    limits: &'a Limits,
    hash: gix_hash::Kind,
    pub(super) record: Record,
    pub(super) hits: Vec<Hit>,
    pub(super) more_hits: u64,
    pub(super) unread: Vec<Unread>,
    pub(super) more_unread: u64,
    pub(super) tally: Tally,
}

impl<'a> Searcher<'a> {
    pub(super) fn new(contents: &'a Contents, limits: &'a Limits, hash: gix_hash::Kind) -> Self {
        Self {
            contents,
            limits,
            hash,
            record: Record::new(hash, limits.threads),
            hits: Vec::new(),
            more_hits: 0,
            unread: Vec::new(),
            more_unread: 0,
            tally: Tally::default(),
        }
    }

    /// Searches all of an object, in which no other anchors than these can be. Which of them it has.
    pub(super) fn search(&mut self, id: &oid, kind: Kind, bytes: &[u8], anchored: Anchored) -> Anchored {
        let mut seen = Seen::default();
        if kind == Kind::Tree {
            // The ids between the names would only be in the way.
            let names = trees::names(bytes, self.hash);
            self.contents.bytes(&names, &mut seen);
            let name_of = |sighting: &Sighting| {
                let line = usize::try_from(sighting.line?.checked_sub(1)?).ok()?;
                names.split(|&byte| byte == b'\n').nth(line).map(<[u8]>::to_vec)
            };
            let named = seen.sightings.iter().map(name_of).collect::<Vec<_>>();
            self.keep(id, kind, seen, named);
            anchored
        } else {
            let anchored = self.contents.suspected(bytes, anchored, &mut seen);
            self.keep(id, kind, seen, Vec::new());
            anchored
        }
    }

    fn keep(&mut self, id: &oid, kind: Kind, mut seen: Seen, named: Vec<Option<Vec<u8>>>) {
        self.tally.members += seen.tally.members;
        self.more_unread += seen.more_unread;
        self.more_hits += seen.more_sightings;
        for unread in seen.unread.drain(..) {
            if self.unread.len() >= self.limits.max_unread {
                self.more_unread += 1;
                continue;
            }
            let mut what = format!("{kind} {id}").into_bytes();
            if !unread.what.is_empty() {
                what.push(b'!');
                what.extend(unread.what);
            }
            self.unread.push(Unread { what, why: unread.why });
        }
        let mut named = named.into_iter();
        let mut sightings: Vec<_> =
            seen.sightings.into_iter().map(|sighting| (sighting, named.next().flatten())).collect();
        sightings.sort_by_key(|(sighting, _)| (sighting.line, sighting.column));
        let mut known: Vec<(Fingerprint, usize)> = Vec::new();
        for (sighting, name) in sightings {
            let fingerprint = sighting.token.fingerprint();
            if let Some((_, index)) = known.iter().find(|(one, _)| *one == fingerprint) {
                if let Some(hit) = self.hits.get_mut(*index) {
                    hit.also += 1;
                }
                continue;
            }
            if self.hits.len() >= self.limits.max_findings {
                self.more_hits += 1;
                continue;
            }
            known.push((fingerprint, self.hits.len()));
            let has_lines = kind != Kind::Tree;
            self.hits.push(Hit {
                object: id.to_owned(),
                kind,
                token: sighting.token,
                wrapping: sighting.wrapping,
                line: sighting.line.filter(|_| has_lines),
                column: sighting.column.filter(|_| has_lines),
                is_allowed_inline: sighting.is_allowed_inline,
                name,
                also: 0,
            });
        }
    }
}

impl Visitor for Searcher<'_> {
    /// Which anchors the object may have.
    type State = Anchored;

    fn object(&mut self, object: &mut Object<'_>, base: Option<&Anchored>) -> Anchored {
        let (id, kind) = (object.id, object.kind);
        match kind {
            // Most have no name that could be a secret.
            Kind::Tree => {
                if !self.record.trees.note(id, object.bytes()) {
                    return Anchored::default();
                }
            }
            Kind::Commit => self.record.commit(id, object.bytes()),
            Kind::Tag => self.record.tag(id, object.bytes()),
            Kind::Blob => {}
        }
        let anchored = match base {
            // What its base has it most likely has too, so that the filter is asked of what is new.
            Some(base) => base.or(self.contents.anchored(object.fresh())),
            None => self.contents.anchored(object.bytes()),
        };
        let is_packed = kind == Kind::Blob
            && anchored.is_none()
            && Contents::is_packed(object.head(Contents::HEAD_BYTES));
        if anchored.is_none() && !is_packed {
            return anchored;
        }
        self.search(id, kind, object.bytes(), anchored)
    }

    fn stream(&mut self, id: &oid, kind: Kind, _size_bytes: u64, mut content: &mut dyn Read) {
        let mut seen = Seen::default();
        // What cannot be read is told by who calls.
        drop(self.contents.stream(&mut content, &mut seen));
        self.keep(id, kind, seen, Vec::new());
    }
}

/// The hits of all threads, each token once for an object.
pub(super) fn distinct(hits: impl Iterator<Item = Hit>) -> Vec<Hit> {
    let mut known = HashSet::new();
    hits.filter(|hit| known.insert((hit.object, hit.token.fingerprint()))).collect()
}
