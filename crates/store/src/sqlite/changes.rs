//! Tells of writes by anyone, without looking at the database: the kernel says when its write-ahead file grows.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Changes, StoreError};
use rustix::fs::inotify::{CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use crate::error::{io, unavailable};

/// Where the kernel does not tell (some network file systems), somebody looks this often.
const AT_LAST: Duration = Duration::from_mins(1);

struct Watched {
    told: AsyncFd<OwnedFd>,
    path: PathBuf,
}

/// From now on. Called on a runtime.
pub(crate) fn watch(database: &Path) -> Result<Box<dyn Changes>, StoreError> {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    let path = PathBuf::from(path);
    let failed = |error: Errno| io("watch", &path, &error);
    let told = rustix::fs::inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(failed)?;
    // It is there as long as anybody has the database open, as we do.
    rustix::fs::inotify::add_watch(&told, &path, WatchFlags::MODIFY).map_err(failed)?;
    #[expect(
        deprecated,
        reason = "its follower is unsafe; what this one asks for, an owned descriptor gives"
    )]
    let told = AsyncFd::new(told).map_err(|error| unavailable(format!("cannot watch the store: {error}")))?;
    Ok(Box::new(Watched { told, path }))
}

#[async_trait::async_trait]
impl Changes for Watched {
    async fn next(&mut self) -> Result<(), StoreError> {
        match tokio::time::timeout(AT_LAST, self.told()).await {
            Ok(told) => told.map_err(|error| io("watch", &self.path, &error)),
            Err(_long) => Ok(()),
        }
    }
}

impl Watched {
    /// Returns when something was told, and takes all that was.
    async fn told(&self) -> std::io::Result<()> {
        loop {
            let mut ready = self.told.readable().await?;
            let mut some = false;
            let mut buffer = [0; 4096];
            loop {
                match rustix::io::read(self.told.get_ref(), &mut buffer) {
                    Ok(0) | Err(Errno::AGAIN) => break,
                    Ok(_) => some = true,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            ready.clear_ready();
            if some {
                return Ok(());
            }
        }
    }
}
