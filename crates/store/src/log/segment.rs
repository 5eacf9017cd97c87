//! The segment files: their names, their folder and its lock, and reading them line by line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use model::StoreError;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::line::LINE_MAX_BYTES;
use crate::error::io;
use crate::files::PRIVATE;

const SUFFIX: &str = ".jsonl";

/// A segment's name: `<node>-00000001.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) node: String,
    pub(crate) number: u64,
}

impl SegmentName {
    /// `None` for a file that is not a segment.
    pub(crate) fn parse(file_name: &str) -> Option<Self> {
        let (node, digits) = file_name.strip_suffix(SUFFIX)?.rsplit_once('-')?;
        let node_ok = !node.is_empty() && node.bytes().all(|b| b.is_ascii_alphanumeric());
        let digits_ok = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits.parse().ok()?;
        let name = Self { node: node.to_owned(), number };
        (node_ok && digits_ok && name.to_string() == file_name).then_some(name)
    }
}

impl std::fmt::Display for SegmentName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:08}{SUFFIX}", self.node, self.number)
    }
}

/// The folder of a log, held open so that it cannot be exchanged under us.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    fd: OwnedFd,
}

/// The folder's lock; given back when it is closed.
pub(crate) struct Lock {
    _held: OwnedFd,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| io("open", path, &error))?;
        Ok(Self { path: path.to_owned(), fd })
    }

    /// Waits until no other process or thread appends.
    pub(crate) fn lock(&self, how: FlockOperation) -> Result<Lock, StoreError> {
        // A lock belongs to an open file, so each taking opens its own.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let locked = rustix::fs::openat(&self.fd, ".", flags, Mode::empty())
            .and_then(|fd| rustix::io::retry_on_intr(|| rustix::fs::flock(&fd, how)).map(|()| fd));
        locked.map(|fd| Lock { _held: fd }).map_err(|error| io("lock", &self.path, &error))
    }

    /// All segments, by chain and number, with their lengths.
    pub(crate) fn segments(&self) -> Result<Vec<(SegmentName, u64)>, StoreError> {
        let failed = |error: std::io::Error| io("list", &self.path, &error);
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Some(name) = entry.file_name().to_str().and_then(SegmentName::parse) {
                found.push((name, entry.metadata().map_err(failed)?.len()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// `None` if it is not there. Symlinks are not followed.
    pub(crate) fn open_segment(&self, name: &SegmentName, how: OFlags) -> Result<Option<File>, StoreError> {
        let flags = how | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match rustix::fs::openat(&self.fd, name.to_string(), flags, Mode::empty()) {
            Ok(fd) => {
                let file = File::from(fd);
                let meta = file.metadata().map_err(|error| self.failed("open", name, &error))?;
                if meta.is_file() {
                    Ok(Some(file))
                } else {
                    Err(self.failed("open", name, &std::io::Error::other("it is not a file")))
                }
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed("open", name, &error)),
        }
    }

    /// Makes a segment that is not there yet; only its owner may read it.
    pub(crate) fn create_segment(&self, name: &SegmentName) -> Result<File, StoreError> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let flags = flags | OFlags::WRONLY | OFlags::APPEND;
        let made = rustix::fs::openat(&self.fd, name.to_string(), flags, PRIVATE)
            .and_then(|fd| rustix::fs::fchmod(&fd, PRIVATE).map(|()| fd));
        made.map(File::from).map_err(|error| self.failed("make", name, &error))
    }

    pub(crate) fn remove_segment(&self, name: &SegmentName) -> Result<(), StoreError> {
        rustix::fs::unlinkat(&self.fd, name.to_string(), AtFlags::empty())
            .map_err(|error| self.failed("remove", name, &error))
    }

    /// The inode and length that a name has now.
    pub(crate) fn identity(&self, name: &SegmentName) -> Option<(u64, u64)> {
        let stat = rustix::fs::statat(&self.fd, name.to_string(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some((stat.st_ino, u64::try_from(stat.st_size).ok()?))
    }

    /// Makes the list of segments durable.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        rustix::fs::fsync(&self.fd).map_err(|error| io("sync", &self.path, &error))
    }

    pub(crate) fn failed(&self, what: &str, name: &SegmentName, error: &dyn std::error::Error) -> StoreError {
        io(what, &self.path.join(name.to_string()), error)
    }
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Ended by a line feed.
    Whole,
    /// The last one, without an end.
    Partial,
    /// Longer than any line may be.
    TooLong,
}

/// Reads a segment line by line in bounded memory.
pub(crate) struct Lines {
    from: std::io::Take<BufReader<File>>,
    /// The line read last.
    pub(crate) line: Vec<u8>,
    /// Its number in the file, from 1, if reading began at the file's start.
    pub(crate) number: u64,
    /// Where the line after it begins.
    pub(crate) offset: u64,
}

impl Lines {
    /// Reads from `offset` up to `end`, even if the file grows meanwhile.
    pub(crate) fn new(mut file: File, offset: u64, end: u64) -> std::io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        let from = BufReader::with_capacity(64 * 1024, file).take(end.saturating_sub(offset));
        Ok(Self { from, line: Vec::new(), number: 0, offset })
    }

    /// The next line, in `self.line`; `None` at the end.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Line>> {
        self.line.clear();
        let limit = LINE_MAX_BYTES as u64 + 1;
        let count = self.from.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.offset += count as u64;
        Ok(Some(if self.line.last() == Some(&b'\n') {
            self.line.pop();
            Line::Whole
        } else if count as u64 == limit {
            Line::TooLong
        } else {
            Line::Partial
        }))
    }

    /// All that is left.
    pub(crate) fn into_rest(self) -> impl std::io::Read {
        self.from
    }
}
