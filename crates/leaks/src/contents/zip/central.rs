//! The directory at the end of a zip.

use std::io;

use memchr::memmem;

use super::super::random::{Random, read_at, size_of};
use super::record::{Entry, LARGE, Method, extra_field, u16_at, u32_at, u64_at};

/// Where the directory is.
pub(super) struct Directory {
    pub(super) starts_at: u64,
    pub(super) entries: u64,
    /// What was put before the archive, by which its offsets are off.
    pub(super) shift: u64,
}

const END_BYTES: usize = 22;
const MAX_COMMENT_BYTES: usize = 0xffff;
const HEADER_BYTES: usize = 46;
/// Name, extra fields and comment, at the most.
const MAX_VARIABLE_BYTES: usize = 3 * 0xffff;

/// Finds the directory by the record at the end.
pub(super) fn find(source: &mut dyn Random) -> io::Result<Option<Directory>> {
    let size = size_of(source)?;
    let tail_bytes = size.min((END_BYTES + MAX_COMMENT_BYTES) as u64);
    let mut tail = vec![0; usize::try_from(tail_bytes).unwrap_or_default()];
    let filled = read_at(source, size - tail_bytes, &mut tail)?;
    tail.truncate(filled);
    // The last that fits: a comment may hold what looks like one.
    for at in memmem::rfind_iter(&tail, b"PK\x05\x06") {
        let end_at = size - tail_bytes + at as u64;
        if let Some(directory) = tail.get(at..).and_then(|end| directory(end, end_at)) {
            let directory = match large(source, end_at)? {
                Some(large) => large,
                None => directory,
            };
            let mut magic = [0; 4];
            read_at(source, directory.starts_at, &mut magic)?;
            if directory.entries == 0 || magic == *b"PK\x01\x02" {
                return Ok(Some(directory));
            }
        }
    }
    Ok(None)
}

fn directory(end: &[u8], end_at: u64) -> Option<Directory> {
    let entries = u64::from(u16_at(end, 10)?);
    placed(end_at, entries, u64::from(u32_at(end, 12)?), u64::from(u32_at(end, 16)?))
}

/// The record of 64 bits before the usual one, if there is one.
fn large(source: &mut dyn Random, end_at: u64) -> io::Result<Option<Directory>> {
    let Some(locator_at) = end_at.checked_sub(20) else { return Ok(None) };
    let mut locator = [0; 20];
    read_at(source, locator_at, &mut locator)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    // It stands right before its locator, unless it has been extended.
    for at in [locator_at.checked_sub(56), u64_at(&locator, 8)].into_iter().flatten() {
        let mut end = [0; 56];
        if read_at(source, at, &mut end)? == end.len() && end.starts_with(b"PK\x06\x06") {
            let [Some(entries), Some(bytes), Some(told_at)] = [32, 40, 48].map(|field| u64_at(&end, field))
            else {
                continue;
            };
            return Ok(placed(at, entries, bytes, told_at));
        }
    }
    Ok(None)
}

/// The directory ends where the record at the end begins, whatever was put before the archive.
fn placed(end_at: u64, entries: u64, bytes: u64, told_at: u64) -> Option<Directory> {
    let Some(starts_at) = end_at.checked_sub(bytes).filter(|&at| at >= told_at) else {
        return (told_at <= end_at).then_some(Directory { starts_at: told_at, entries, shift: 0 });
    };
    Some(Directory { starts_at, entries, shift: starts_at - told_at })
}

/// Reads the entry at a place, and tells where the next begins.
pub(super) fn entry(source: &mut dyn Random, at: u64) -> io::Result<Option<(Entry, u64)>> {
    let mut header = [0; HEADER_BYTES];
    if read_at(source, at, &mut header)? < HEADER_BYTES || !header.starts_with(b"PK\x01\x02") {
        return Ok(None);
    }
    let [Some(name), Some(extra), Some(comment)] =
        [28, 30, 32].map(|field| u16_at(&header, field).map(usize::from))
    else {
        return Ok(None);
    };
    let mut variable = vec![0; (name + extra + comment).min(MAX_VARIABLE_BYTES)];
    if read_at(source, at + HEADER_BYTES as u64, &mut variable)? < variable.len() {
        return Ok(None);
    }
    let next = at + (HEADER_BYTES + variable.len()) as u64;
    let (name, rest) = variable.split_at_checked(name).unwrap_or_default();
    let extra = rest.get(..extra).unwrap_or_default();
    Ok(parse(&header, name, extra).map(|entry| (entry, next)))
}

fn parse(header: &[u8], name: &[u8], extra: &[u8]) -> Option<Entry> {
    let flags = u16_at(header, 8)?;
    let mut large = extra_field(extra, LARGE).unwrap_or_default();
    // Those of 64 bits stand there in this order, as far as the others are full.
    let mut widened = |told: u32| {
        if told != u32::MAX {
            return Some(u64::from(told));
        }
        let value = u64_at(large, 0)?;
        large = large.get(8..).unwrap_or_default();
        Some(value)
    };
    let _unpacked = widened(u32_at(header, 24)?);
    let packed_bytes = widened(u32_at(header, 20)?)?;
    let local_at = widened(u32_at(header, 42)?)?;
    Some(Entry {
        name: name.to_vec(),
        method: Method::of(u16_at(header, 10)?),
        packed_bytes,
        is_encrypted: flags & 1 != 0,
        has_descriptor: flags & 8 != 0,
        local_at,
    })
}
