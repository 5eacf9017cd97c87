//! One outermost file's way down: what is searched as text, what is unpacked first.

use std::collections::HashSet;
use std::io::{self, BufRead, Cursor, Read};
use std::rc::Rc;

use super::budget::Budget;
use super::format::Format;
use super::peek::{Peek, fill};
use super::random::Random;
use super::{Contents, Seen, compressed};
use crate::{Member, Unread, Why, Wrapping};

/// Names are cut to this in a report.
const MAX_NAME_BYTES: usize = 1 << 10;

pub(super) struct Walk<'a> {
    pub(super) contents: &'a Contents,
    pub(super) seen: &'a mut Seen,
    pub(super) budget: Rc<Budget>,
    /// How what is read now is wrapped.
    pub(super) wrapping: Vec<Wrapping>,
    /// What is read is read a second time, as raw bytes: what is encoded within is unpacked already.
    pub(super) is_aside: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(contents: &'a Contents, seen: &'a mut Seen, budget: Rc<Budget>) -> Self {
        Self { contents, seen, budget, wrapping: Vec::new(), is_aside: false }
    }

    /// Searches what is in memory, unpacked if it is an archive.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let Some(format) = Format::of(bytes) else { return self.text(bytes) };
        let mark = self.seen.sightings.len();
        if self.may_descend(format) {
            match format {
                Format::Zip | Format::Sqlite | Format::SqliteWal => {
                    self.random(format, &mut Cursor::new(bytes));
                }
                _ => {
                    let mut rest = bytes;
                    // A slice does not fail.
                    drop(self.sequential(format, &mut rest));
                }
            }
        }
        self.aside(mark, |walk| walk.text(bytes));
    }

    /// Searches what a reader gives. An error is the reader's own; what came before it has been searched.
    pub(super) fn stream(&mut self, reader: &mut dyn Read) -> io::Result<()> {
        let mut buffer = self.contents.buffer();
        let mut filled = 0;
        let end = fill(&mut buffer, &mut filled, reader);
        let head = buffer.get(..filled).unwrap_or_default();
        let outcome = match end {
            Ok(false) => match Format::of(head) {
                None => self.pieces(&mut buffer, filled, reader),
                Some(format) if !self.may_descend(format) => self.pieces(&mut buffer, filled, reader),
                Some(format @ (Format::Zip | Format::Sqlite | Format::SqliteWal)) => {
                    self.buffered(format, &mut Peek::new(&buffer, filled, reader))
                }
                Some(format) => self.sequential(format, &mut Peek::new(&buffer, filled, reader)),
            },
            Ok(true) => {
                self.bytes(head);
                Ok(())
            }
            Err(error) => {
                self.bytes(head);
                Err(error)
            }
        };
        self.contents.give_back(buffer);
        outcome
    }

    /// Unpacks what can be read from its beginning to its end.
    pub(super) fn sequential(&mut self, format: Format, source: &mut dyn BufRead) -> io::Result<()> {
        match format {
            Format::Tar => super::tar::read(self, source),
            Format::Ar => super::ar::read(self, source),
            Format::Gzip | Format::Xz | Format::Zstd | Format::Bzip2 => {
                compressed::read(self, format, source)
            }
            Format::Zip => super::zip::read_sequentially(self, source),
            Format::Sqlite | Format::SqliteWal | Format::Closed(_) => self.rest(source),
        }
    }

    /// Unpacks what has to be read here and there.
    pub(super) fn random(&mut self, format: Format, source: &mut dyn Random) {
        match format {
            Format::Zip => super::zip::read(self, source),
            Format::Sqlite => super::sqlite::read(self, source),
            Format::SqliteWal => super::sqlite::read_log(self, source),
            _ => {}
        }
    }

    /// What has to be read here and there, from a stream: buffered if it fits.
    fn buffered(&mut self, format: Format, source: &mut dyn BufRead) -> io::Result<()> {
        let left = self.budget.buffer_bytes_left();
        let mut whole = Vec::new();
        let outcome = io::copy(&mut (&mut *source).take(left as u64), &mut whole);
        if whole.len() < left {
            self.budget.set_buffer_bytes_left(left - whole.len());
            let mark = self.seen.sightings.len();
            self.random(format, &mut Cursor::new(&whole));
            self.aside(mark, |walk| walk.text(&whole));
            self.budget.set_buffer_bytes_left(left);
            return outcome.map(drop);
        }
        if format != Format::Zip {
            self.tell(Why::Limit("max_buffer_bytes"));
        }
        self.sequential(format, &mut io::BufReader::new(Cursor::new(whole).chain(source)))
    }

    /// What is left of a source, as plain bytes.
    pub(super) fn rest(&mut self, source: &mut dyn BufRead) -> io::Result<()> {
        let mut buffer = self.contents.buffer();
        let outcome = self.pieces(&mut buffer, 0, source);
        self.contents.give_back(buffer);
        outcome
    }

    /// A member of an archive: counted, named, searched. An error is the reader's own.
    pub(super) fn member(
        &mut self,
        format: &'static str,
        name: Option<&[u8]>,
        read: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.budget.take_member().is_none() {
            self.tell_once("max_members");
            return Ok(());
        }
        self.seen.tally.members += 1;
        let name = name.map(|name| name.get(..MAX_NAME_BYTES).unwrap_or(name).to_vec());
        self.wrapping.push(Wrapping::Member(Member { format, name }));
        let outcome = read(self);
        self.wrapping.pop();
        outcome
    }

    /// Reads the raw bytes of what has been unpacked, and keeps what is not known from there.
    pub(super) fn aside(&mut self, mark: usize, read: impl FnOnce(&mut Self)) {
        let raw = self.seen.sightings.len();
        let was_aside = std::mem::replace(&mut self.is_aside, true);
        read(self);
        self.is_aside = was_aside;
        if self.seen.sightings.len() == raw || raw == mark {
            return;
        }
        let later = self.seen.sightings.split_off(raw);
        let known: HashSet<_> =
            self.seen.sightings.iter().skip(mark).map(|one| one.token.fingerprint()).collect();
        self.seen.sightings.extend(later.into_iter().filter(|one| !known.contains(&one.token.fingerprint())));
    }

    /// Whether an archive may be unpacked here; if not, it is told.
    pub(super) fn may_descend(&mut self, format: Format) -> bool {
        if let Format::Closed(what) = format {
            self.tell(Why::Unsupported(what));
            return false;
        }
        let depth = self.wrapping.iter().filter(|one| matches!(one, Wrapping::Member(_))).count();
        if depth >= self.contents.limits.max_depth {
            self.tell(Why::Limit("max_depth"));
            return false;
        }
        true
    }

    /// Tells what came of a decompressor that failed.
    pub(super) fn tell_failure(&mut self, format: &'static str, error: &io::Error) {
        if self.budget.has_source_failed() {
            return;
        }
        match error.kind() {
            _ if self.budget.is_spent() => self.tell_once("max_unpacked_bytes"),
            io::ErrorKind::OutOfMemory => self.tell(Why::Limit("max_window_bytes")),
            io::ErrorKind::Unsupported => self.tell(Why::Unsupported("a rare method of compression")),
            io::ErrorKind::UnexpectedEof => self.tell(Why::Broken(format!("{format}: it ends too early"))),
            _ => self.tell(Why::Broken(format!("{format}: it is damaged"))),
        }
    }

    /// Tells a limit of the whole file, where it is first met.
    pub(super) fn tell_once(&mut self, limit: &'static str) {
        if self.budget.is_first(limit) {
            self.tell(Why::Limit(limit));
        }
    }

    /// Tells that what is read now is not read, or not to its end.
    pub(super) fn tell(&mut self, why: Why) {
        if self.seen.unread.len() >= self.contents.limits.max_unread {
            self.seen.more_unread += 1;
            return;
        }
        let what = path_of(&self.wrapping);
        self.seen.unread.push(Unread { what, why });
    }
}

/// The members' names, joined by `!`; where one has none, its format.
fn path_of(wrapping: &[Wrapping]) -> Vec<u8> {
    let names = wrapping.iter().filter_map(|one| match one {
        Wrapping::Member(member) => Some(member.name.as_deref().unwrap_or(member.format.as_bytes())),
        Wrapping::Layer(_) => None,
    });
    names.collect::<Vec<_>>().join(&b'!')
}
