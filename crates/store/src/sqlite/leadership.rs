//! One holder of a role at a time: an exclusive lock on a file beside the database, which the kernel frees when its
//! process dies.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Leadership, StoreError};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use crate::error::{bug, io};
use crate::files::{PRIVATE, checked_file};

/// How often a role that is held is tried for.
const AGAIN: Duration = Duration::from_secs(1);

struct Held(#[expect(dead_code, reason = "its lock lives as long as it")] File);

#[async_trait::async_trait]
impl Leadership for Held {
    async fn lost(&mut self) {
        // The kernel takes it from nobody who lives.
        std::future::pending::<()>().await;
    }
}

/// Waits until the role is free, and takes it.
pub(crate) async fn lead(database: &Path, role: &str) -> Result<Box<dyn Leadership>, StoreError> {
    let path = lock_path(database, role)?;
    let file = open(&path)?;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Box::new(Held(file))),
            Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(AGAIN).await,
            Err(error) => return Err(io("lock", &path, &error)),
        }
    }
}

/// Whether somebody leads in any role.
pub(crate) fn is_led(database: &Path) -> Result<bool, StoreError> {
    let (Some(folder), Some(name)) = (database.parent(), database.file_name()) else { return Ok(false) };
    let failed = |error: std::io::Error| io("list", folder, &error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let of_ours = path.file_name().and_then(|one| one.to_str()).zip(name.to_str());
        let role = of_ours.and_then(|(one, name)| one.strip_prefix(name)?.strip_prefix('-'));
        if role.is_none_or(|role| ["wal", "shm", "journal"].contains(&role)) {
            continue;
        }
        let file = open(&path)?;
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lock_path(database: &Path, role: &str) -> Result<PathBuf, StoreError> {
    if role.is_empty() || !role.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
        return Err(bug("a role is named by small letters"));
    }
    let mut name = database.as_os_str().to_owned();
    name.push(format!("-{role}"));
    Ok(PathBuf::from(name))
}

/// The file stays: who removed it would let two processes hold two locks of the same name.
fn open(path: &Path) -> Result<File, StoreError> {
    checked_file(path)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(path, flags, PRIVATE).map_err(|error| io("open", path, &error))?;
    Ok(File::from(file))
}
