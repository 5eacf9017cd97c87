//! Zip, and what is built on it: jar, docx, apk, wheels.
//!
//! Our own reader: the central directory is walked a record at a time, however long it is, and what it leaves out or what
//! has none is read by the members' local headers.

mod central;
mod local;
mod record;

use std::io::{self, BufRead, BufReader, Read, SeekFrom};
use std::rc::Rc;

use self::record::{Entry, Method};
use super::budget::{Bounded, Part};
use super::random::Random;
use super::walk::Walk;
use crate::Why;

pub(super) use self::local::read_sequentially;

const FORMAT: &str = "zip";
/// Places of members that are kept, to see what lies between them.
const MAX_SPANS: usize = 1 << 20;

/// Searches all members by the central directory, and then what lies between them.
pub(super) fn read(walk: &mut Walk<'_>, source: &mut dyn Random) {
    let outcome = match central::find(source) {
        Ok(Some(directory)) => read_by_directory(walk, source, &directory),
        Ok(None) => {
            walk.tell(Why::Broken(format!("{FORMAT}: it has no directory of its members")));
            read_from(walk, source, 0, u64::MAX)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        walk.tell_failure(FORMAT, &error);
    }
}

fn read_by_directory(
    walk: &mut Walk<'_>,
    source: &mut dyn Random,
    directory: &central::Directory,
) -> io::Result<()> {
    let mut spans = Vec::new();
    let mut at = directory.starts_at;
    for _ in 0..directory.entries {
        let Some((entry, next)) = central::entry(source, at)? else {
            walk.tell(Why::Broken(format!("{FORMAT}: its directory is damaged")));
            break;
        };
        at = next;
        let local_at = directory.shift.saturating_add(entry.local_at);
        let Some(data_at) = local::data_at(source, local_at)? else {
            let nothing = |walk: &mut Walk<'_>| {
                walk.tell(Why::Broken(format!("{FORMAT}: the member is not where the directory says")));
                Ok(())
            };
            walk.member(FORMAT, Some(&entry.name), nothing)?;
            continue;
        };
        if spans.len() < MAX_SPANS {
            spans.push((local_at, data_at.saturating_add(entry.packed_bytes)));
        }
        walk.fragment(&entry.name);
        walk.member(FORMAT, Some(&entry.name), |walk| {
            source.seek(SeekFrom::Start(data_at))?;
            let mut part = Part::new(source, entry.packed_bytes);
            content(walk, &entry, &mut BufReader::new(&mut part));
            if part.is_short {
                walk.tell(Why::Broken(format!("{FORMAT}: it ends within a member")));
            }
            Ok(())
        })?;
        if walk.budget.is_spent() {
            return Ok(());
        }
    }
    between(walk, source, spans, directory.starts_at)
}

/// Reads members that the directory does not tell of.
fn between(
    walk: &mut Walk<'_>,
    source: &mut dyn Random,
    mut spans: Vec<(u64, u64)>,
    end: u64,
) -> io::Result<()> {
    spans.sort_unstable();
    spans.push((end, end));
    let mut at = 0;
    for (from, to) in spans {
        if from > at && local::data_at(source, at)?.is_some() {
            read_from(walk, source, at, from)?;
        }
        at = at.max(to);
    }
    Ok(())
}

fn read_from(walk: &mut Walk<'_>, source: &mut dyn Random, from: u64, to: u64) -> io::Result<()> {
    source.seek(SeekFrom::Start(from))?;
    let mut part = Part::new(source, to - from);
    local::members(walk, &mut BufReader::new(&mut part)).map(drop)
}

/// Searches the content of a member, of which the source holds no more than is packed.
fn content(walk: &mut Walk<'_>, entry: &Entry, source: &mut dyn BufRead) {
    if entry.is_encrypted {
        return walk.tell(Why::Unsupported("an encrypted zip member"));
    }
    let window = walk.budget.take_window();
    let outcome = if let Some(reader) = entry.method.reader(window, source) {
        let budget = Rc::clone(&walk.budget);
        walk.stream(&mut Bounded::new(reader, &budget))
    } else {
        walk.tell(Why::Unsupported(entry.method.name()));
        Ok(())
    };
    walk.budget.give_window(window);
    // A member may be packed so that it gives nothing, and be named a million times.
    walk.budget.take_unpacked(entry.packed_bytes);
    if let Err(error) = outcome {
        walk.tell_failure(entry.method.name(), &error);
    }
}

impl Method {
    /// What unpacks it; none if that is not known.
    fn reader<'a>(self, window: u64, source: &'a mut dyn BufRead) -> Option<Box<dyn Read + 'a>> {
        Some(match self {
            Self::Stored => Box::new(source),
            Self::Deflated => Box::new(flate2::bufread::DeflateDecoder::new(source)),
            Self::Packed(format) => super::compressed::decoder(format, window, source),
            Self::Unknown => return None,
        })
    }
}
