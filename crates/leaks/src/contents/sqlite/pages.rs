//! Where the pages are: in a database, or in a write-ahead log.

use std::collections::BTreeSet;
use std::io;

use super::super::random::{Random, read_at, size_of};

/// Pages, counted from 0 as they lie.
pub(super) trait Pages {
    fn count(&self) -> u64;
    /// Reads one; what lies beyond the end is zero.
    fn read(&mut self, index: u64, into: &mut Vec<u8>) -> io::Result<()>;
    /// Where the page of a number is; of several images, the one nearest to a place.
    fn find(&self, number: u32, near: u64) -> Option<u64>;
    fn usable_bytes(&self) -> usize;
    /// Whether the first page begins with the header of the file.
    fn has_file_header(&self) -> bool;
}

/// A database file.
pub(super) struct Database<'a> {
    source: &'a mut dyn Random,
    page_bytes: usize,
    reserved_bytes: usize,
    count: u64,
}

impl<'a> Database<'a> {
    /// An error if the header is damaged.
    pub(super) fn open(source: &'a mut dyn Random) -> io::Result<Self> {
        let mut header = [0; 100];
        let filled = read_at(source, 0, &mut header)?;
        let [.., high, low, _, _, reserved] = *header.first_chunk::<21>().unwrap_or(&[0; 21]);
        let page_bytes = match u16::from_be_bytes([high, low]) {
            1 => 1 << 16,
            told => usize::from(told),
        };
        let is_sound =
            filled == header.len() && is_page_size(page_bytes) && usize::from(reserved) + 480 <= page_bytes;
        if !is_sound {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let count = size_of(source)?.div_ceil(page_bytes as u64);
        Ok(Self { source, page_bytes, reserved_bytes: reserved.into(), count })
    }
}

impl Pages for Database<'_> {
    fn count(&self) -> u64 {
        self.count
    }

    fn read(&mut self, index: u64, into: &mut Vec<u8>) -> io::Result<()> {
        read_page(self.source, index * self.page_bytes as u64, self.page_bytes, into)
    }

    fn find(&self, number: u32, _near: u64) -> Option<u64> {
        u64::from(number).checked_sub(1).filter(|&index| index < self.count)
    }

    fn usable_bytes(&self) -> usize {
        self.page_bytes - self.reserved_bytes
    }

    fn has_file_header(&self) -> bool {
        true
    }
}

/// A write-ahead log: frames of a page each, of which several may be of the same page.
pub(super) struct Log<'a> {
    source: &'a mut dyn Random,
    page_bytes: usize,
    count: u64,
    /// Numbers of pages, and the frames that hold them.
    frames: BTreeSet<(u32, u64)>,
}

const LOG_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: usize = 24;
const MAX_FRAMES: u64 = 1 << 19;

impl<'a> Log<'a> {
    /// An error if the header is damaged.
    pub(super) fn open(source: &'a mut dyn Random) -> io::Result<Self> {
        let mut header = [0; 12];
        read_at(source, 0, &mut header)?;
        let [.., a, b, c, d] = header;
        let page_bytes = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or_default();
        if !is_page_size(page_bytes) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let frame_bytes = (FRAME_HEADER_BYTES + page_bytes) as u64;
        let count = size_of(source)?.saturating_sub(LOG_HEADER_BYTES) / frame_bytes;
        let mut log = Self { source, page_bytes, count, frames: BTreeSet::new() };
        for index in 0..count.min(MAX_FRAMES) {
            let mut number = [0; 4];
            let at = log.frame_at(index);
            read_at(log.source, at, &mut number)?;
            log.frames.insert((u32::from_be_bytes(number), index));
        }
        Ok(log)
    }

    /// There are more frames than are kept in mind.
    pub(super) fn has_more(&self) -> bool {
        self.count > MAX_FRAMES
    }

    fn frame_at(&self, index: u64) -> u64 {
        LOG_HEADER_BYTES + index * (FRAME_HEADER_BYTES + self.page_bytes) as u64
    }
}

impl Pages for Log<'_> {
    fn count(&self) -> u64 {
        self.count
    }

    fn read(&mut self, index: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let at = self.frame_at(index) + FRAME_HEADER_BYTES as u64;
        read_page(self.source, at, self.page_bytes, into)
    }

    fn find(&self, number: u32, near: u64) -> Option<u64> {
        let before = self.frames.range((number, 0)..=(number, near)).next_back();
        let behind = self.frames.range((number, near)..=(number, u64::MAX)).next();
        [before, behind]
            .into_iter()
            .flatten()
            .map(|&(_, index)| index)
            .min_by_key(|index| index.abs_diff(near))
    }

    /// What is reserved is told in the database only; hardly any database reserves something.
    fn usable_bytes(&self) -> usize {
        self.page_bytes
    }

    fn has_file_header(&self) -> bool {
        false
    }
}

fn is_page_size(bytes: usize) -> bool {
    bytes.is_power_of_two() && (512..=1 << 16).contains(&bytes)
}

fn read_page(source: &mut dyn Random, at: u64, page_bytes: usize, into: &mut Vec<u8>) -> io::Result<()> {
    into.clear();
    into.resize(page_bytes, 0);
    read_at(source, at, into)?;
    Ok(())
}
