//! Opens files and folders of objects; never a link, a pipe or a device.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file, and says how long it is.
pub(super) fn open(path: &Path) -> io::Result<(File, u64)> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok((file, metadata.len()))
}

/// A whole file, if it is no longer than `max_bytes`.
pub(super) fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let (file, size_bytes) = open(path)?;
    if size_bytes > max_bytes {
        return Err(io::Error::other("it is larger than such a file can be"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or_default());
    file.take(max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The names in a folder, sorted; none if it is not there. A link is not followed.
pub(super) fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    match folder.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_dir() => return Err(io::Error::other("it is not a folder")),
        Ok(_) => {}
    }
    let mut names = folder.read_dir()?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// A part of a file, such as a zlib stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    pub(super) file: &'a File,
    /// Tells files apart.
    pub(super) number: usize,
    pub(super) start: u64,
    /// It ends here at the latest.
    pub(super) end: u64,
}

/// A part of a file that was read; what lies behind it needs no other read.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    length: usize,
    start: u64,
    file: usize,
}

/// Read at once where one piece is wanted after the other.
const NEXT_BYTES: usize = 16 << 10;

impl Window {
    /// The bytes from a span's start: at least `want`, beyond its end too, if the file has so many. If some are not held
    /// yet, `ahead` are read.
    pub(super) fn at(&mut self, span: Span<'_>, want: usize, ahead: usize) -> io::Result<&[u8]> {
        let Span { file, number, start: at, .. } = span;
        let skip = at.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let held = skip.filter(|skip| number == self.file && skip.saturating_add(want) <= self.length);
        let skip = if let Some(skip) = held {
            skip
        } else {
            // What follows upon what was read is likely to be followed itself.
            let is_next = number == self.file && skip.is_some_and(|skip| skip <= self.length);
            let size = want.max(if is_next { ahead.max(NEXT_BYTES) } else { ahead });
            self.length = 0;
            if self.bytes.len() < size {
                self.bytes.resize(size, 0);
            }
            let room = self.bytes.get_mut(..size).unwrap_or_default();
            self.length = read_at(file, at, room)?;
            (self.start, self.file) = (at, number);
            0
        };
        Ok(self.bytes.get(skip..self.length).unwrap_or_default())
    }
}

/// Reads until the room is full or the file ends.
fn read_at(file: &File, at: u64, room: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = room.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
