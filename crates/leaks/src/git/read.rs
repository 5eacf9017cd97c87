//! Reads small files of a git folder: regular ones only, through no link, up to a bound.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::Why;

/// A file of a git folder.
#[derive(Debug)]
pub(super) enum Text {
    /// It is not there.
    Absent,
    /// All of it.
    Whole(Vec<u8>),
    /// It is there, and was not read.
    Unread(Why),
}

impl Text {
    /// Reads a file of at most so many bytes.
    pub(super) fn of(path: &Path, max_bytes: usize) -> Self {
        match open(path) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    || error.kind() == io::ErrorKind::NotADirectory =>
            {
                Self::Absent
            }
            Err(error) => Self::Unread(Why::System(error.to_string())),
            Ok(None) => Self::Unread(Why::Unsupported("it is no regular file")),
            Ok(Some(file)) => {
                let mut bytes = Vec::new();
                match file.take(max_bytes as u64 + 1).read_to_end(&mut bytes) {
                    Err(error) => Self::Unread(Why::System(error.to_string())),
                    Ok(_) if bytes.len() > max_bytes => Self::Unread(Why::Limit("max_buffer_bytes")),
                    Ok(_) => Self::Whole(bytes),
                }
            }
        }
    }

    /// Its bytes, if it was read.
    pub(super) fn whole(self) -> Option<Vec<u8>> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Absent | Self::Unread(_) => None,
        }
    }
}

/// Opens a regular file, and nothing that a link at the end of the path points to; none for what is of another kind.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        // A link; a socket, or a device without a driver.
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO | rustix::io::Errno::OPNOTSUPP) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}
