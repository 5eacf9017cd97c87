//! Read, change, look again, replace: under the folder's lock, all or nothing.

use std::{fs::File, os::unix::fs::FileExt as _, path::Path, sync::Arc, time::Duration};

use model::{DestinationError, DestinationErrorKind};
use rustix::{
    fs::{
        Access, AtFlags, FallocateFlags, FlockOperation, Mode, OFlags, RenameFlags, StatxAttributes,
        StatxFlags, accessat, fallocate, flock, fstat, fsync, openat, renameat, renameat_with, statx,
        unlinkat,
    },
    io::Errno,
};
use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::{
    Change, Content, MAX_BYTES, attributes, blocking,
    find::{Spot, find},
    load::{Loaded, load},
    lock::{self, Turn},
    temporary::{Temporary, sweep},
};
use crate::error::{error, refused};

/// Between two tries for a folder that another process has.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(16);

pub(super) type ChangeFn = dyn Fn(Option<&[u8]>) -> Result<Change, DestinationError> + Send + Sync;

pub(super) fn read(path: &Path) -> Result<Option<Content>, DestinationError> {
    Ok(load(&find(path)?)?.map(|loaded| loaded.content))
}

/// What an edit needs is there: to make files in the folder, to keep the owner, to replace the file.
pub(super) fn check(path: &Path) -> Result<Option<Content>, DestinationError> {
    let spot = find(path)?;
    let what = || format!("cannot write `{}`", spot.path().display());
    accessat(&spot.folder, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(|errno| refused(what(), "write", &spot.folder_path, errno))?;
    let Some(loaded) = load(&spot)? else { return Ok(None) };
    attributes::can_carry_over(&spot, &loaded.stat)?;
    // A file is replaced, not written, so its own write permission counts only where it is a mount.
    let mount = statx(&loaded.file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    match accessat(&spot.folder, &spot.name, Access::WRITE_OK, AtFlags::EACCESS) {
        Err(errno) if mount || errno != Errno::ACCESS => Err(refused(what(), "write", &spot.path(), errno)),
        Ok(()) | Err(_) => Ok(Some(loaded.content)),
    }
}

pub(super) async fn edit(path: &Path, change: Arc<ChangeFn>) -> Result<(), DestinationError> {
    let mut turn = lock::queue(path).await?;
    let since = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        let (own_path, own_change) = (path.to_owned(), Arc::clone(&change));
        let tried = blocking(move || attempt(&own_path, own_change.as_ref(), turn)).await?;
        let Some(back) = tried else { return Ok(()) };
        turn = back;
        if since.elapsed() > lock::FOREIGN_WAIT {
            return Err(lock::busy(path, lock::FOREIGN_WAIT, "another process"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Edits, or gives the turn back because another process has the folder.
fn attempt(
    path: &Path,
    change: &ChangeFn,
    turn: OwnedMutexGuard<()>,
) -> Result<Option<OwnedMutexGuard<()>>, DestinationError> {
    let spot = find(path)?;
    if lock::try_take(&spot)? == Turn::Theirs {
        return Ok(Some(turn));
    }
    sweep(&spot);
    let mut done = edit_once(&spot, change);
    if done.as_ref().is_err_and(|failure| failure.kind == DestinationErrorKind::Changed) {
        done = edit_once(&spot, change);
    }
    let unlocked = flock(&spot.folder, FlockOperation::Unlock);
    drop(turn);
    done?;
    // The others may go on while the folder is made durable.
    unlocked.and_then(|()| fsync(&spot.folder)).map_err(|errno| write_refused(&spot, errno))?;
    Ok(None)
}

fn edit_once(spot: &Spot, change: &ChangeFn) -> Result<(), DestinationError> {
    let before = load(spot)?;
    match change(before.as_ref().map(|loaded| loaded.content.as_slice()))? {
        Change::Keep => keep(spot, before.as_ref()),
        Change::Write(content) if before.as_ref().is_some_and(|loaded| loaded.content == content) => {
            keep(spot, before.as_ref())
        }
        Change::Write(content) if content.len() > MAX_BYTES => Err(error(
            DestinationErrorKind::Malformed,
            format!("cannot write `{}`", spot.path().display()),
            format!("it would be larger than {} MiB", MAX_BYTES / 1024 / 1024),
            "give the path of the file that holds the key",
        )),
        Change::Write(content) => replace(spot, before.as_ref(), &content),
        Change::Remove => remove(spot, before.as_ref()),
    }
}

/// Nothing to write; but what is there may be from a run that died before it was durable.
fn keep(spot: &Spot, before: Option<&Loaded>) -> Result<(), DestinationError> {
    before.map_or(Ok(()), |loaded| fsync(&loaded.file)).map_err(|errno| write_refused(spot, errno))
}

fn replace(spot: &Spot, before: Option<&Loaded>, content: &[u8]) -> Result<(), DestinationError> {
    let mut temporary = Temporary::create(spot)?;
    temporary.fill(content)?;
    attributes::carry_over(spot, before, &temporary.file)?;
    fsync(&temporary.file).map_err(|errno| write_refused(spot, errno))?;
    look_again(spot, before)?;
    let renamed = if before.is_some() {
        renameat(&spot.folder, temporary.name(), &spot.folder, &spot.name)
    } else {
        rename_to_nothing(spot, temporary.name())
    };
    match (renamed, before) {
        (Ok(()), _) => {
            temporary.placed();
            Ok(())
        }
        (Err(Errno::EXIST), None) => Err(changed(spot)),
        (Err(Errno::BUSY | Errno::XDEV), Some(before)) => {
            drop(temporary);
            overwrite(spot, before, content)
        }
        (Err(errno), _) => Err(write_refused(spot, errno)),
    }
}

fn rename_to_nothing(spot: &Spot, from: &str) -> rustix::io::Result<()> {
    match renameat_with(&spot.folder, from, &spot.folder, &spot.name, RenameFlags::NOREPLACE) {
        // Some file systems don't have it.
        Err(Errno::INVAL | Errno::NOSYS) => renameat(&spot.folder, from, &spot.folder, &spot.name),
        other => other,
    }
}

/// The last look before the point of no return.
fn look_again(spot: &Spot, before: Option<&Loaded>) -> Result<(), DestinationError> {
    match (before, load(spot)?) {
        (None, None) => Ok(()),
        (Some(before), Some(now)) if before.is_same(&now) => Ok(()),
        _ => Err(changed(spot)),
    }
}

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

fn remove(spot: &Spot, before: Option<&Loaded>) -> Result<(), DestinationError> {
    let Some(before) = before else { return Ok(()) };
    look_again(spot, Some(before))?;
    match unlinkat(&spot.folder, &spot.name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::BUSY) => overwrite(spot, before, b""),
        Err(errno) => Err(write_refused(spot, errno)),
    }
}

fn write_refused(spot: &Spot, errno: Errno) -> DestinationError {
    refused(format!("cannot write `{}`", spot.path().display()), "write", &spot.folder_path, errno)
}

fn changed(spot: &Spot) -> DestinationError {
    error(
        DestinationErrorKind::Changed,
        format!("cannot write `{}`", spot.path().display()),
        "someone else changed it at the same moment; nothing was written",
        "see what else writes it, and try again",
    )
}
