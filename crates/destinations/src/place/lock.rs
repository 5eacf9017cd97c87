//! One writer at a time in a folder: a queue for this process's tasks, `flock` for other processes.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    path::Path,
    sync::{Arc, LazyLock},
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
const QUEUES: usize = 256;

/// Waits for this process's turn in a folder. Only fairness hangs on it, correctness on `flock`: two
/// folders may share a queue, and one folder under two names has two.
pub(super) async fn queue(path: &Path) -> Result<OwnedMutexGuard<()>, DestinationError> {
    static TURNS: LazyLock<Vec<Arc<Mutex<()>>>> =
        LazyLock::new(|| std::iter::repeat_with(Arc::default).take(QUEUES).collect());
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(path.parent());
    let index = usize::try_from(hash % QUEUES as u64).unwrap_or_default();
    let turn = TURNS.get(index).map(Arc::clone).unwrap_or_default();
    tokio::time::timeout(QUEUE_WAIT, turn.lock_owned())
        .await
        .map_err(|_elapsed| busy(path, QUEUE_WAIT, "other deliveries of this process into the same folder"))
}

/// Tries to take the folder; false if another process has it. Held until the folder is closed.
pub(super) fn try_take(spot: &Spot) -> Result<Turn, DestinationError> {
    match flock(&spot.folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Turn::Ours),
        Err(Errno::WOULDBLOCK) => Ok(Turn::Theirs),
        Err(errno) => {
            let what = format!("cannot lock the folder `{}`", spot.folder_path.display());
            Err(refused(what, "read", &spot.folder_path, errno))
        }
    }
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Ours,
    Theirs,
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
