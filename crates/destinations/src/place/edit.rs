//! Read, change, look again, replace: all or nothing, with at most one fsync of the file and one of its folder.

use std::{path::Path, sync::Arc, time::Duration};

use model::{DestinationError, DestinationErrorKind};
use rustix::{
    fs::{AtFlags, RenameFlags, fsync, renameat, renameat_with, unlinkat},
    io::Errno,
};
use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::{
    Change, Content, MAX_BYTES, attributes, blocking,
    find::{Spot, find},
    load::{Loaded, load},
    lock,
    overwrite::overwrite,
    temporary::{Temporary, sweep},
};
use crate::error::{error, refused};

/// Between two tries for a folder that another process has.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(16);
/// How often an edit is done again, all of it under the lock, because the file was changed in between.
const RETRIES: usize = 2;

pub(super) type ChangeFn = dyn Fn(Option<&[u8]>) -> Result<Change, DestinationError> + Send + Sync;

/// When the folder's lock is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Locked {
    /// Once the new file is written and durable. Quick where many files of a folder change at once.
    ToReplace,
    /// Before the old file is read.
    FromTheStart,
}

pub(super) fn read(path: &Path) -> Result<Option<Content>, DestinationError> {
    Ok(load(&find(path)?)?.map(|loaded| loaded.content))
}

pub(super) async fn edit(path: &Path, change: Arc<ChangeFn>) -> Result<(), DestinationError> {
    let mut turn = lock::queue(path).await?;
    let since = Instant::now();
    let (mut pause, mut locked) = (PAUSE_MIN, Locked::ToReplace);
    loop {
        let (own_path, own_change) = (path.to_owned(), Arc::clone(&change));
        let tried = blocking(move || attempt(&own_path, own_change.as_ref(), locked, turn)).await?;
        let Some(back) = tried else { return Ok(()) };
        turn = back;
        locked = Locked::FromTheStart;
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
    locked: Locked,
    turn: OwnedMutexGuard<()>,
) -> Result<Option<OwnedMutexGuard<()>>, DestinationError> {
    let spot = find(path)?;
    let mut prepared = None;
    if locked == Locked::ToReplace {
        prepared = Some(Prepared::new(&spot, change)?);
    }
    let Some(taken) = lock::take(&spot)? else { return Ok(Some(turn)) };
    sweep(&spot);
    let anew = || Prepared::new(&spot, change)?.commit(&spot);
    let mut done = prepared.map_or_else(anew, |prepared| prepared.commit(&spot));
    for _ in 0..RETRIES {
        if done.as_ref().is_err_and(|failure| failure.kind == DestinationErrorKind::Changed) {
            done = anew();
        }
    }
    drop((taken, turn));
    done?;
    // The others may go on while the folder is made durable.
    fsync(&spot.folder).map_err(|errno| write_refused(&spot, errno))?;
    Ok(None)
}

/// All but the last move.
enum Prepared<'a> {
    Kept,
    Replacing { before: Option<Loaded>, temporary: Temporary<'a>, content: Content },
    Removing { before: Loaded },
}

impl<'a> Prepared<'a> {
    fn new(spot: &'a Spot, change: &ChangeFn) -> Result<Self, DestinationError> {
        let before = load(spot)?;
        let content = match change(before.as_ref().map(|loaded| loaded.content.as_slice()))? {
            Change::Write(content) => Some(content),
            Change::Keep => before.as_ref().map(|loaded| loaded.content.clone()),
            Change::Remove => return Ok(before.map_or(Self::Kept, |before| Self::Removing { before })),
        };
        let Some(content) = content else { return Ok(Self::Kept) };
        if let Some(before) = before.as_ref().filter(|loaded| loaded.content == content) {
            // Nothing to write; but it may be of a run that died before it was durable.
            fsync(&before.file).map_err(|errno| write_refused(spot, errno))?;
            return Ok(Self::Kept);
        }
        if content.len() > MAX_BYTES {
            return Err(error(
                DestinationErrorKind::Malformed,
                format!("cannot write `{}`", spot.path().display()),
                format!("it would be larger than {} MiB", MAX_BYTES / 1024 / 1024),
                "give the path of the file that holds the key",
            ));
        }
        let mut temporary = Temporary::create(spot)?;
        temporary.fill(&content)?;
        attributes::carry_over(spot, before.as_ref(), &temporary.file)?;
        fsync(&temporary.file).map_err(|errno| write_refused(spot, errno))?;
        Ok(Self::Replacing { before, temporary, content })
    }

    /// The folder's lock is held.
    fn commit(self, spot: &Spot) -> Result<(), DestinationError> {
        match self {
            Self::Kept => Ok(()),
            Self::Removing { before } => remove(spot, &before),
            Self::Replacing { before, temporary, content } => {
                replace(spot, before.as_ref(), temporary, &content)
            }
        }
    }
}

fn replace(
    spot: &Spot,
    before: Option<&Loaded>,
    temporary: Temporary<'_>,
    content: &[u8],
) -> Result<(), DestinationError> {
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
        // Someone made the file, or swept our new one away.
        (Err(Errno::EXIST), None) | (Err(Errno::NOENT), _) => Err(changed(spot)),
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

fn remove(spot: &Spot, before: &Loaded) -> Result<(), DestinationError> {
    look_again(spot, Some(before))?;
    match unlinkat(&spot.folder, &spot.name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        // A mount of its own.
        Err(Errno::BUSY) => overwrite(spot, before, b""),
        Err(errno) => Err(write_refused(spot, errno)),
    }
}

fn write_refused(spot: &Spot, errno: Errno) -> DestinationError {
    refused(format!("cannot write `{}`", spot.path().display()), "write", &spot.folder_path, errno)
}

pub(super) fn changed(spot: &Spot) -> DestinationError {
    error(
        DestinationErrorKind::Changed,
        format!("cannot write `{}`", spot.path().display()),
        "someone else changed it at the same moment; nothing was written",
        "see what else writes it, and try again",
    )
}
