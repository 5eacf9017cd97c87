//! The records on a page.

use std::ops::Range;

/// A record on a page.
pub(super) struct Cell {
    /// What of it is on the page.
    pub(super) local: Range<usize>,
    /// Its whole size.
    pub(super) payload_bytes: u64,
    /// The page on which it goes on.
    pub(super) overflow: Option<u32>,
}

const TABLE_LEAF: u8 = 0x0d;
const INDEX_LEAF: u8 = 0x0a;
const INDEX_INTERIOR: u8 = 0x02;
const FILE_HEADER_BYTES: usize = 100;

/// The records of a page; none if it holds something else.
pub(super) fn cells(page: &[u8], usable: usize, has_file_header: bool) -> impl Iterator<Item = Cell> {
    let at = if has_file_header { FILE_HEADER_BYTES } else { 0 };
    let kind = page.get(at).copied().unwrap_or_default();
    let pointers = match kind {
        TABLE_LEAF | INDEX_LEAF => Some(at + 8),
        INDEX_INTERIOR => Some(at + 12),
        _ => None,
    };
    let count = pointers.and_then(|_| u16_at(page, at + 3)).unwrap_or_default();
    (0..usize::from(count)).filter_map(move |index| {
        let pointer = u16_at(page, pointers? + 2 * index)?;
        cell(page, kind, usize::from(pointer), usable)
    })
}

fn cell(page: &[u8], kind: u8, at: usize, usable: usize) -> Option<Cell> {
    let at = if kind == INDEX_INTERIOR { at + 4 } else { at };
    let (payload_bytes, mut at) = varint(page, at)?;
    if kind == TABLE_LEAF {
        at = varint(page, at)?.1;
    }
    let usable = u64::try_from(usable).ok()?;
    let share = |numerator: u64| (usable.checked_sub(12)? * numerator / 255).checked_sub(23);
    let most = if kind == TABLE_LEAF { usable.checked_sub(35)? } else { share(64)? };
    if payload_bytes <= most {
        let end = at.checked_add(usize::try_from(payload_bytes).ok()?)?;
        return Some(Cell { local: at..end.min(page.len()), payload_bytes, overflow: None });
    }
    let least = share(32)?;
    let fitting = least + (payload_bytes.checked_sub(least)?) % (usable - 4);
    let local = if fitting <= most { fitting } else { least };
    let end = at.checked_add(usize::try_from(local).ok()?)?;
    let overflow = u32::from_be_bytes(*page.get(end..)?.first_chunk()?);
    Some(Cell { local: at..end, payload_bytes, overflow: Some(overflow) })
}

/// Where the blobs are in a record.
pub(super) fn blobs(payload: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let (header_bytes, mut at) = varint(payload, 0).unwrap_or_default();
    let header_bytes = usize::try_from(header_bytes).unwrap_or(usize::MAX).min(payload.len());
    let mut content_at = header_bytes;
    std::iter::from_fn(move || {
        while at < header_bytes {
            let (kind, next) = varint(payload, at)?;
            at = next;
            let begin = content_at;
            content_at = begin.checked_add(usize::try_from(column_bytes(kind)).ok()?)?;
            if kind >= 12 {
                return Some(begin..content_at.min(payload.len()).max(begin));
            }
        }
        None
    })
}

/// The size of a column of a kind.
fn column_bytes(kind: u64) -> u64 {
    match kind {
        1..=4 => kind,
        5 => 6,
        6 | 7 => 8,
        12.. => (kind - 12) / 2,
        _ => 0,
    }
}

/// A number of up to nine bytes, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.get(at..)?.iter().take(9).enumerate() {
        if index == 8 {
            return Some((value << 8 | u64::from(byte), at + 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + index + 1));
        }
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
