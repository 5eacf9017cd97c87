//! What one file, object or stream holds: unpacked at depth within the limits, and searched.
//!
//! Forms are told by how they begin, never by a name. Nothing is written to disk; what was not read is told.

mod ar;
mod budget;
mod compressed;
mod format;
mod peek;
mod random;
mod seen;
mod sqlite;
mod tar;
mod text;
mod walk;
mod zip;
mod zstd;

#[cfg(test)]
mod tests;

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use detector::{Anchored, Detector};

pub use self::seen::{Seen, Sighting};

use self::budget::{Budget, Source};
use self::format::Format;
use self::walk::Walk;
use crate::{Limits, Why};

/// What is read at once. Files up to it are searched whole.
const PIECE_BYTES: usize = 1 << 20;
/// Buffers that are kept for the next file.
const MAX_BUFFERS: usize = 32;

/// Searches what files, objects and streams hold. One is shared between threads.
#[derive(Debug)]
pub struct Contents {
    detector: Arc<Detector>,
    limits: Limits,
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Contents {
    /// Within these limits, which hold for each outermost file by itself.
    pub fn new(detector: Arc<Detector>, limits: Limits) -> Self {
        Self { detector, limits, buffers: Mutex::default() }
    }

    /// Searches what is in memory. Plain bytes without anything in them cost no more than the quick filter.
    pub fn bytes(&self, bytes: &[u8], seen: &mut Seen) {
        if Format::of(bytes).is_none() && !self.detector.has_anchor(bytes) {
            seen.tally.bytes += bytes.len() as u64;
            return;
        }
        Walk::new(self, seen, Budget::new(&self.limits)).bytes(bytes);
    }

    /// Searches what is in memory and cannot have other anchors than these, without asking the quick filter once more.
    /// Which of them it has.
    pub(crate) fn suspected(&self, bytes: &[u8], anchored: Anchored, seen: &mut Seen) -> Anchored {
        let mut walk = Walk::new(self, seen, Budget::new(&self.limits));
        if Format::of(bytes).is_some() {
            walk.bytes(bytes);
            anchored
        } else {
            walk.text_with(bytes, anchored)
        }
    }

    /// Searches what a reader gives, to its end. After an error, what came before it has been searched.
    pub fn stream(&self, reader: &mut dyn Read, seen: &mut Seen) -> io::Result<()> {
        let budget = Budget::new(&self.limits);
        let mut source = Source { reader, budget: Rc::clone(&budget) };
        let outcome = Walk::new(self, seen, Rc::clone(&budget)).stream(&mut source);
        budget.take_source_failure().map_or(outcome, Err)
    }

    /// Searches a file on disk, or a device or a pipe to its end. One that changes meanwhile is told.
    pub fn file(&self, mut file: File, seen: &mut Seen) -> io::Result<()> {
        let before = file.metadata()?;
        if !before.is_file() {
            return self.stream(&mut file, seen);
        }
        self.regular(&mut file, &before, seen)?;
        tell_change(self, &file, &before, seen)
    }

    fn regular(&self, file: &mut File, before: &Metadata, seen: &mut Seen) -> io::Result<()> {
        let mut head = [0; format::HEAD_BYTES];
        if before.len() > PIECE_BYTES as u64 {
            let filled = random::read_at(file, 0, &mut head)?;
            file.rewind()?;
            let format = Format::of(head.get(..filled).unwrap_or_default());
            if let Some(format @ (Format::Zip | Format::Sqlite | Format::SqliteWal)) = format {
                return self.on_disk(file, format, seen);
            }
        }
        self.stream(file, seen)
    }

    /// What is read here and there, without having it in memory; and once more as it lies.
    fn on_disk(&self, file: &mut File, format: Format, seen: &mut Seen) -> io::Result<()> {
        let budget = Budget::new(&self.limits);
        let mut walk = Walk::new(self, seen, budget);
        let mark = walk.seen.sightings.len();
        if walk.may_descend(format) {
            walk.random(format, file);
        }
        file.rewind()?;
        let mut outcome = Ok(());
        walk.aside(mark, |walk| outcome = walk.rest(&mut io::BufReader::new(file)));
        outcome
    }

    /// The quick filter: what there may be in plain bytes.
    pub(crate) fn anchored(&self, bytes: &[u8]) -> Anchored {
        self.detector.anchored(bytes)
    }

    /// As much as has to be seen to tell what has to be unpacked.
    pub(crate) const HEAD_BYTES: usize = format::HEAD_BYTES;

    /// Whether what begins so has to be unpacked.
    pub(crate) fn is_packed(head: &[u8]) -> bool {
        Format::of(head).is_some()
    }

    fn buffer(&self) -> Vec<u8> {
        let kept = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| vec![0; PIECE_BYTES])
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        if buffers.len() < MAX_BUFFERS && buffer.len() == PIECE_BYTES && buffer.capacity() <= 2 * PIECE_BYTES
        {
            buffers.push(buffer);
        }
    }
}

fn tell_change(contents: &Contents, file: &File, before: &Metadata, seen: &mut Seen) -> io::Result<()> {
    let after = file.metadata()?;
    if after.len() != before.len() || after.modified().ok() != before.modified().ok() {
        Walk::new(contents, seen, Budget::new(&contents.limits)).tell(Why::Changed);
    }
    Ok(())
}
