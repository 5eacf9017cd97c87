//! Tar: ustar, GNU, pax, and old ones that have a checksum only.
//!
//! Our own reader, since long names and pax records have to be bounded in memory and sparse files must not be blown up.

use std::io::{self, BufRead, Read};

use super::budget::Part;
use super::peek::fill;
use super::walk::Walk;
use crate::Why;

const BLOCK_BYTES: usize = 512;
/// Of long names and pax records, as much as is taken into memory.
const MAX_RECORD_BYTES: u64 = 1 << 20;
const FORMAT: &str = "tar";

/// Whether a block is the header of a member: its checksum says so.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Some(told) = block.get(148..156).and_then(octal) else { return false };
    let Some(block) = block.get(..BLOCK_BYTES) else { return false };
    let bytes = block.iter().enumerate();
    let sum: u64 =
        bytes.map(|(at, &byte)| if (148..156).contains(&at) { 0x20 } else { u64::from(byte) }).sum();
    // An empty block's sum is that of its eight blanks: no header.
    told == sum && sum != 8 * 0x20
}

/// What precedes a member and holds for it.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Searches all members. An error is the source's own.
pub(super) fn read(walk: &mut Walk<'_>, source: &mut dyn BufRead) -> io::Result<()> {
    let mut block = [0; BLOCK_BYTES];
    let mut extension = Extension::default();
    loop {
        let mut filled = 0;
        fill(&mut block, &mut filled, source)?;
        if filled == 0 {
            return Ok(());
        }
        if block.iter().all(|&byte| byte == 0) {
            // The end; another archive may have been put behind it.
            continue;
        }
        if filled < BLOCK_BYTES || !is_header(&block) {
            walk.tell(Why::Broken(format!("{FORMAT}: no header where one has to be")));
            let held = io::Cursor::new(block.get(..filled).unwrap_or_default());
            return walk.rest(&mut io::BufReader::new(held.chain(source)));
        }
        let kind = *block.get(156).unwrap_or(&0);
        let Some(size) = size_of(&block, kind, &extension) else {
            walk.tell(Why::Broken(format!("{FORMAT}: a size that cannot be read")));
            return walk.rest(source);
        };
        match kind {
            b'L' | b'K' | b'x' | b'g' | b'X' => {
                let record = record(walk, source, size)?;
                match kind {
                    b'L' => extension.name = Some(until_zero(&record).to_vec()),
                    b'x' | b'X' => read_pax(&record, &mut extension),
                    _ => {}
                }
            }
            _ => {
                let name = std::mem::take(&mut extension).name.unwrap_or_else(|| name_of(&block));
                if kind == b'S' {
                    skip_sparse_map(&block, source)?;
                }
                member(walk, source, &name, size)?;
            }
        }
    }
}

fn member(walk: &mut Walk<'_>, source: &mut dyn BufRead, name: &[u8], size: u64) -> io::Result<()> {
    let mut part = Part::new(source, size);
    if size > 0 {
        walk.member(FORMAT, Some(name), |walk| walk.stream(&mut part))?;
    }
    finish(walk, part, size)
}

/// Goes on to the block behind a member.
fn finish(walk: &mut Walk<'_>, mut part: Part<'_>, size: u64) -> io::Result<()> {
    io::copy(&mut part, &mut io::sink())?;
    if part.is_short {
        walk.tell(Why::Broken(format!("{FORMAT}: it ends within a member")));
        return Ok(());
    }
    let padding = size.next_multiple_of(BLOCK_BYTES as u64) - size;
    io::copy(&mut part.reader.take(padding), &mut io::sink())?;
    Ok(())
}

/// A long name, or pax records: searched, and taken into memory as far as the bound goes.
fn record(walk: &mut Walk<'_>, source: &mut dyn BufRead, size: u64) -> io::Result<Vec<u8>> {
    let mut part = Part::new(source, size);
    let mut record = Vec::new();
    (&mut part).take(MAX_RECORD_BYTES).read_to_end(&mut record)?;
    walk.fragment(&record);
    if part.left > 0 && !part.is_short {
        walk.tell(Why::Limit("max_record_bytes"));
    }
    finish(walk, part, size)?;
    Ok(record)
}

/// A GNU sparse file may have more of its map in blocks of its own.
fn skip_sparse_map(block: &[u8; BLOCK_BYTES], source: &mut dyn BufRead) -> io::Result<()> {
    let mut has_more = block.get(482).is_some_and(|&more| more != 0);
    let mut map = [0; BLOCK_BYTES];
    while has_more {
        let mut filled = 0;
        has_more = !fill(&mut map, &mut filled, source)? && map.get(504).is_some_and(|&more| more != 0);
    }
    Ok(())
}

/// The bytes that follow a header; none if it cannot be read, or cannot be.
fn size_of(block: &[u8; BLOCK_BYTES], kind: u8, extension: &Extension) -> Option<u64> {
    // Links, devices and folders have no content, whatever they say.
    if matches!(kind, b'1'..=b'6') {
        return Some(0);
    }
    let told = match extension.size {
        Some(size) if !matches!(kind, b'L' | b'K' | b'x' | b'g' | b'X') => size,
        _ => number(block.get(124..136)?)?,
    };
    (told <= u64::MAX - BLOCK_BYTES as u64).then_some(told)
}

/// Octal digits, or big-endian bytes with the highest bit set.
fn number(field: &[u8]) -> Option<u64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
    let is_small = first == 0x80 && high.iter().all(|&byte| byte == 0);
    is_small.then(|| low.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    let digits = digits.get(..end)?;
    if digits.iter().any(|digit| !matches!(digit, b'0'..=b'7')) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value << 3 | u64::from(digit - b'0')))
}

fn name_of(block: &[u8; BLOCK_BYTES]) -> Vec<u8> {
    let name = until_zero(block.get(..100).unwrap_or_default());
    let has_prefix = block.get(257..263) == Some(b"ustar\0");
    let prefix = until_zero(block.get(345..500).unwrap_or_default());
    if has_prefix && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// Records such as `30 path=a/long/name` and a newline; the number counts the whole record.
fn read_pax(mut records: &[u8], extension: &mut Extension) {
    while let Some(blank) = records.iter().take(20).position(|&byte| byte == b' ') {
        let (told, _) = records.split_at(blank);
        let Some(bytes) = std::str::from_utf8(told).ok().and_then(|told| told.parse::<usize>().ok()) else {
            return;
        };
        let Some((record, rest)) = records.split_at_checked(bytes) else { return };
        let Some(record) = record.get(blank + 1..).and_then(|record| record.strip_suffix(b"\n")) else {
            return;
        };
        if let Some(path) = record.strip_prefix(b"path=") {
            extension.name = Some(path.to_vec());
        } else if let Some(size) = record.strip_prefix(b"size=") {
            extension.size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
        }
        records = rest;
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.get(..memchr::memchr(0, bytes).unwrap_or(bytes.len())).unwrap_or(bytes)
}
