//! The headers before the members of a zip: one after the other, as a stream has them.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::super::budget::Part;
use super::super::peek::fill;
use super::super::random::{Random, read_at};
use super::super::walk::Walk;
use super::FORMAT;
use super::record::{Entry, LARGE, Method, extra_field, u16_at, u32_at, u64_at};
use crate::Why;

const HEADER_BYTES: usize = 30;

/// Where the content begins of the member whose header is at a place; none if there is no header.
pub(super) fn data_at(source: &mut dyn Random, at: u64) -> io::Result<Option<u64>> {
    let mut header = [0; HEADER_BYTES];
    if read_at(source, at, &mut header)? < HEADER_BYTES || !header.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    Ok(variable_bytes(&header).map(|(name, extra)| at + (HEADER_BYTES + name + extra) as u64))
}

fn variable_bytes(header: &[u8]) -> Option<(usize, usize)> {
    Some((usize::from(u16_at(header, 26)?), usize::from(u16_at(header, 28)?)))
}

/// Searches a zip without its directory. An error is the source's own.
pub(in super::super) fn read_sequentially(walk: &mut Walk<'_>, source: &mut dyn BufRead) -> io::Result<()> {
    let mut head = [0; 4];
    let mut filled = 0;
    fill(&mut head, &mut filled, source)?;
    // The mark of several volumes may precede.
    let held = if head == *b"PK\x07\x08" { 0 } else { filled };
    let mut source = BufReader::new(Cursor::new(head.get(..held).unwrap_or_default()).chain(source));
    if members(walk, &mut source)? == Ended::Unknown {
        walk.tell(Why::Broken(format!("{FORMAT}: a member whose end cannot be told without the directory")));
    }
    walk.rest(&mut source)
}

/// How a row of members ended.
#[derive(PartialEq, Eq)]
pub(super) enum Ended {
    /// With something else than a member.
    Here,
    /// With a member whose size is told behind it only.
    Unknown,
}

/// Searches one member after the other. What follows the last is left in the source, but for a few bytes.
pub(super) fn members(walk: &mut Walk<'_>, source: &mut dyn BufRead) -> io::Result<Ended> {
    loop {
        let mut header = [0; HEADER_BYTES];
        let mut filled = 0;
        fill(&mut header, &mut filled, source)?;
        if filled < HEADER_BYTES || !header.starts_with(b"PK\x03\x04") {
            return Ok(Ended::Here);
        }
        let Some(entry) = entry(&header, source)? else { return Ok(Ended::Here) };
        walk.fragment(&entry.name);
        let is_open = entry.has_descriptor && entry.packed_bytes == 0;
        if is_open && (entry.is_encrypted || entry.method != Method::Deflated) {
            walk.member(FORMAT, Some(&entry.name), |walk| {
                walk.tell(Why::Unsupported("a zip member whose size is told behind it only"));
                Ok(())
            })?;
            return Ok(Ended::Unknown);
        }
        if is_open {
            walk.member(FORMAT, Some(&entry.name), |walk| {
                super::content(walk, &entry, source);
                Ok(())
            })?;
            if walk.budget.is_spent() {
                return Ok(Ended::Here);
            }
            skip_descriptor(source)?;
        } else {
            let mut part = Part::new(source, entry.packed_bytes);
            walk.member(FORMAT, Some(&entry.name), |walk| {
                super::content(walk, &entry, &mut BufReader::new(&mut part));
                Ok(())
            })?;
            io::copy(&mut part, &mut io::sink())?;
            if part.is_short {
                walk.tell(Why::Broken(format!("{FORMAT}: it ends within a member")));
                return Ok(Ended::Here);
            }
            if entry.has_descriptor {
                skip_descriptor(source)?;
            }
        }
    }
}

/// The header's variable part: the name, and the sizes of 64 bits.
fn entry(header: &[u8], source: &mut dyn Read) -> io::Result<Option<Entry>> {
    let Some((name_bytes, extra_bytes)) = variable_bytes(header) else { return Ok(None) };
    let mut variable = vec![0; name_bytes + extra_bytes];
    let mut filled = 0;
    fill(&mut variable, &mut filled, source)?;
    let (name, extra) = variable.split_at_checked(name_bytes).unwrap_or_default();
    let [Some(flags), Some(method)] = [6, 8].map(|field| u16_at(header, field)) else { return Ok(None) };
    let told = u32_at(header, 18).unwrap_or_default();
    let large = extra_field(extra, LARGE).and_then(|field| u64_at(field, 8)).filter(|_| told == u32::MAX);
    Ok(Some(Entry {
        name: name.to_vec(),
        method: Method::of(method),
        packed_bytes: large.unwrap_or(u64::from(told)),
        is_encrypted: flags & 1 != 0,
        has_descriptor: flags & 8 != 0,
        local_at: 0,
    }))
}

/// Goes over the sizes behind a member: with or without a mark of their own, of 32 or of 64 bits.
fn skip_descriptor(source: &mut dyn BufRead) -> io::Result<()> {
    // What follows is another header; it is looked for where it can be.
    let mut seen = [0; 24];
    let mut filled = 0;
    for bytes in [12, 16, 20, 24] {
        let room = seen.get_mut(..bytes).unwrap_or_default();
        fill(room, &mut filled, source)?;
        if source.fill_buf()?.starts_with(b"PK") {
            break;
        }
    }
    Ok(())
}
