//! One writer at a time: a queue for this process's tasks, `flock` on the folder for other processes.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash},
    os::fd::AsFd as _,
    path::Path,
    sync::{Arc, LazyLock, MutexGuard, PoisonError},
    time::Duration,
};

use model::{DestinationError, DestinationErrorKind};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::find::Spot;
use crate::error::{error, refused};

/// How long another process may hold the folder.
pub(super) const FOREIGN_WAIT: Duration = Duration::from_secs(10);
/// How long this process's own queue may be; each holder in it is bounded by the above.
const QUEUE_WAIT: Duration = Duration::from_mins(2);
const LANES: usize = 256;

/// Which lane something waits in; that two things may share one costs only time.
fn lane(of: impl Hash) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(of);
    usize::try_from(hash % LANES as u64).unwrap_or_default()
}

/// Waits for this process's turn at a file. It saves edits that would be refused; that they are
/// refused is the folder lock's work, since a file can have two paths.
pub(super) async fn queue(path: &Path) -> Result<OwnedMutexGuard<()>, DestinationError> {
    static TURNS: LazyLock<Vec<Arc<Mutex<()>>>> =
        LazyLock::new(|| std::iter::repeat_with(Arc::default).take(LANES).collect());
    let turn = TURNS.get(lane(path)).map(Arc::clone).unwrap_or_default();
    tokio::time::timeout(QUEUE_WAIT, turn.lock_owned())
        .await
        .map_err(|_elapsed| busy(path, QUEUE_WAIT, "other deliveries of this process"))
}

/// The folder is ours, before the other tasks of this process and before other processes.
pub(super) struct Taken<'a> {
    spot: &'a Spot,
    _lane: MutexGuard<'static, ()>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // If this fails, closing the folder does it.
        flock(&self.spot.folder, FlockOperation::Unlock).ok();
    }
}

/// Takes the folder; `None` if another process has it. Waits for tasks of this process only.
pub(super) fn take(spot: &Spot) -> Result<Option<Taken<'_>>, DestinationError> {
    static FOLDERS: [std::sync::Mutex<()>; LANES] = [const { std::sync::Mutex::new(()) }; LANES];
    let Some(folder) = FOLDERS.get(lane(spot.folder_id)) else { return Ok(None) };
    let own = folder.lock().unwrap_or_else(PoisonError::into_inner);
    match flock(spot.folder.as_fd(), FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Taken { spot, _lane: own })),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(errno) => {
            let what = format!("cannot lock the folder `{}`", spot.folder_path.display());
            Err(refused(what, "read", &spot.folder_path, errno))
        }
    }
}

/// Nothing was written, because the turn never came.
pub(super) fn busy(path: &Path, waited: Duration, by: &str) -> DestinationError {
    error(
        DestinationErrorKind::Unreachable,
        format!("cannot write `{}`", path.display()),
        format!("its folder was locked for {} s by {by}; nothing was written", waited.as_secs()),
        format!("see who holds it: `lsof +d {}`", path.parent().unwrap_or(path).display()),
    )
}
