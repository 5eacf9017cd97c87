//! Reading a regular file, bounded, and what else is true of it.

use std::{fs::File, io::Read as _, os::fd::OwnedFd};

use model::{DestinationError, DestinationErrorKind};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{Content, MAX_BYTES, find::Spot};
use crate::error::{error, hostile, refused};

/// A file as it was at one moment.
pub(super) struct Loaded {
    pub(super) content: Content,
    pub(super) stat: Stat,
    pub(super) file: OwnedFd,
}

impl Loaded {
    /// The same bytes under the same owner and mode.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let key = |stat: &Stat| (stat.st_dev, stat.st_uid, stat.st_gid, stat.st_mode);
        key(&self.stat) == key(&other.stat) && self.content == other.content
    }
}

/// Reads the file at `spot`; `None` if there is none.
pub(super) fn load(spot: &Spot) -> Result<Option<Loaded>, DestinationError> {
    let path = spot.path();
    let what = || format!("cannot read `{}`", path.display());
    let denied = |errno| refused(what(), "read", &path, errno);
    // Looked at before it is opened: opening a device or a pipe can already do something.
    match statat(&spot.folder, &spot.name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(denied(errno)),
        Ok(stat) => inspect(spot, &stat)?,
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat(&spot.folder, &spot.name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => {
            return Err(hostile(
                what(),
                "it was replaced by a symlink just now",
                "see who does that, and try again",
            ));
        }
        opened => File::from(opened.map_err(denied)?),
    };
    let stat = fstat(&file).map_err(denied)?;
    inspect(spot, &stat)?;
    let expected = usize::try_from(stat.st_size).unwrap_or(MAX_BYTES).min(MAX_BYTES);
    // One byte more than expected, so that the buffer does not move and leave a copy behind.
    let mut content: Content = Zeroizing::new(Vec::with_capacity(expected + 1));
    let limit = u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX);
    (&file)
        .take(limit)
        .read_to_end(&mut content)
        .map_err(|io| denied(Errno::from_io_error(&io).unwrap_or(Errno::IO)))?;
    if content.len() > MAX_BYTES {
        return Err(too_large(spot));
    }
    Ok(Some(Loaded { content, stat, file: file.into() }))
}

/// Refuses what is not one plain file of a sane size.
fn inspect(spot: &Spot, stat: &Stat) -> Result<(), DestinationError> {
    let shown = spot.path();
    let what = format!("cannot use the file `{}`", shown.display());
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            if stat.st_nlink > 1 {
                return Err(error(
                    DestinationErrorKind::Denied,
                    what,
                    format!("it has {} names (hard links); the others would keep the old key", stat.st_nlink),
                    format!("find them with `find / -xdev -samefile {}`, and keep one", shown.display()),
                ));
            }
            if usize::try_from(stat.st_size).map_or(true, |size| size > MAX_BYTES) {
                return Err(too_large(spot));
            }
            return Ok(());
        }
        FileType::Directory => "a folder",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink => "a symlink that appeared just now",
        FileType::Unknown => "something that is not a file",
    };
    Err(error(
        DestinationErrorKind::BadAddress,
        what,
        format!("it is {kind}"),
        "give the path of a plain file; for anything else there is `command:`",
    ))
}

fn too_large(spot: &Spot) -> DestinationError {
    error(
        DestinationErrorKind::Malformed,
        format!("cannot use the file `{}`", spot.path().display()),
        format!("it is larger than {} MiB", MAX_BYTES / 1024 / 1024),
        "give the path of the file that holds the key",
    )
}
