//! Writing into a file that cannot be replaced.

use std::{fs::File, os::unix::fs::FileExt as _};

use model::DestinationError;
use rustix::{
    fs::{FallocateFlags, Mode, OFlags, fallocate, fstat, fsync, openat},
    io::Errno,
};

use super::{edit::changed, find::Spot, load::Loaded};
use crate::error::refused;

/// Writes into the file itself, for one that is a mount of its own and cannot be replaced. A power
/// cut in the middle can tear it: there is no other way there.
pub(super) fn overwrite(spot: &Spot, before: &Loaded, content: &[u8]) -> Result<(), DestinationError> {
    let denied =
        |errno| refused(format!("cannot write `{}`", spot.path().display()), "write", &spot.path(), errno);
    let from_io = |io: std::io::Error| denied(Errno::from_io_error(&io).unwrap_or(Errno::IO));
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(&spot.folder, &spot.name, flags, Mode::empty()).map_err(denied)?);
    let stat = fstat(&file).map_err(denied)?;
    if (stat.st_dev, stat.st_ino) != (before.stat.st_dev, before.stat.st_ino) {
        return Err(changed(spot));
    }
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if content.len() > before.content.len() {
        // Room first, so that a full disk is met before the first byte is changed.
        let room = fallocate(&file, FallocateFlags::KEEP_SIZE, 0, length);
        if let Err(errno @ (Errno::NOSPC | Errno::DQUOT)) = room {
            return Err(denied(errno));
        }
    }
    if let Err(io) = file.write_all_at(content, 0) {
        // Best effort: the old bytes have their room still.
        drop(file.write_all_at(&before.content, 0));
        drop(file.set_len(u64::try_from(before.content.len()).unwrap_or(u64::MAX)));
        return Err(from_io(io));
    }
    file.set_len(length).map_err(from_io)?;
    fsync(&file).map_err(denied)
}
