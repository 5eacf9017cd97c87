//! `SQLite` files and their write-ahead logs: records that spill over several pages, put together again.
//!
//! All pages are read, those of the free list too. The raw bytes of the file are searched by the caller.

mod cell;
mod pages;

use std::io;

use self::cell::Cell;
use self::pages::{Database, Log, Pages};
use super::format::Format;
use super::random::Random;
use super::walk::Walk;
use crate::Why;

const FORMAT: &str = "sqlite";

/// Searches a database.
pub(super) fn read(walk: &mut Walk<'_>, source: &mut dyn Random) {
    within(walk, |walk| records(walk, &mut Database::open(source)?));
}

/// Searches a write-ahead log.
pub(super) fn read_log(walk: &mut Walk<'_>, source: &mut dyn Random) {
    within(walk, |walk| {
        let mut log = Log::open(source)?;
        if log.has_more() {
            walk.tell(Why::Limit("max_frames"));
        }
        records(walk, &mut log)
    });
}

fn within(walk: &mut Walk<'_>, read: impl FnOnce(&mut Walk<'_>) -> io::Result<()>) {
    let outcome = walk.member(FORMAT, None, read);
    if let Err(error) = outcome {
        walk.tell_failure(FORMAT, &error);
    }
}

fn records(walk: &mut Walk<'_>, pages: &mut dyn Pages) -> io::Result<()> {
    let mut page = Vec::new();
    for index in 0..pages.count() {
        pages.read(index, &mut page)?;
        let mut local_bytes = 0;
        for cell in cell::cells(&page, pages.usable_bytes(), index == 0 && pages.has_file_header()) {
            if walk.budget.is_spent() {
                return Ok(());
            }
            // Sound records share a page. Those that lie over each other can be as many as to be read without end.
            local_bytes += cell.local.len();
            if local_bytes > page.len() {
                walk.tell(Why::Broken(format!("{FORMAT}: records that lie over each other")));
                break;
            }
            record(walk, pages, index, &page, &cell)?;
        }
    }
    Ok(())
}

/// A record that spills is put together and searched; an archive within any record is unpacked.
fn record(
    walk: &mut Walk<'_>,
    pages: &mut dyn Pages,
    index: u64,
    page: &[u8],
    cell: &Cell,
) -> io::Result<()> {
    let local = page.get(cell.local.clone()).unwrap_or_default();
    let Some(first) = cell.overflow else {
        columns(walk, local);
        return Ok(());
    };
    let room = walk.budget.buffer_bytes_left();
    let wanted = usize::try_from(cell.payload_bytes).unwrap_or(usize::MAX);
    let mut payload = local.to_vec();
    follow(walk, pages, index, first, &mut payload, wanted.min(room))?;
    if payload.len() >= room {
        walk.tell_once("max_buffer_bytes");
    }
    walk.budget.set_buffer_bytes_left(room.saturating_sub(payload.len()));
    walk.fragment(&payload);
    columns(walk, &payload);
    walk.budget.set_buffer_bytes_left(room);
    Ok(())
}

/// Goes along the pages of a record; no more of them than its size needs, so that a ring ends.
fn follow(
    walk: &mut Walk<'_>,
    pages: &mut dyn Pages,
    near: u64,
    first: u32,
    payload: &mut Vec<u8>,
    wanted: usize,
) -> io::Result<()> {
    let mut next = first;
    let mut page = Vec::new();
    while payload.len() < wanted && next != 0 {
        let Some(index) = pages.find(next, near) else { return Ok(()) };
        pages.read(index, &mut page)?;
        let (Some(head), Some(body)) = (page.first_chunk::<4>(), page.get(4..pages.usable_bytes())) else {
            return Ok(());
        };
        if walk.budget.is_used_up(body.len() as u64) {
            walk.tell_once("max_unpacked_bytes");
            return Ok(());
        }
        next = u32::from_be_bytes(*head);
        payload.extend(body.iter().take(wanted - payload.len()));
    }
    Ok(())
}

/// Unpacks those columns of a record that begin as an archive does.
fn columns(walk: &mut Walk<'_>, payload: &[u8]) {
    for blob in cell::blobs(payload) {
        let Some(bytes) = payload.get(blob) else { return };
        if Format::of(bytes).is_some() {
            walk.bytes(bytes);
        }
    }
}
