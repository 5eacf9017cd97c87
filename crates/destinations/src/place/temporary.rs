//! The new file before it takes its place, and what killed runs left of such files.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fmt::Write as _,
    fs::File,
    io::Write as _,
    os::unix::ffi::OsStrExt as _,
    path::PathBuf,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use model::DestinationError;
use rustix::{
    fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, openat, statat, unlinkat},
    io::Errno,
};

use super::find::Spot;
use crate::error::refused;

const PREFIX: &str = ".keywright-";
const SUFFIX: &str = ".tmp";
const RANDOM_BYTES: usize = 16;
const SWEEP_EVERY: Duration = Duration::from_hours(1);
const SWEEP_MAX_NAMES: usize = 100_000;

/// A file that nobody else has: removed on drop unless it was put in place.
pub(super) struct Temporary<'a> {
    spot: &'a Spot,
    name: String,
    pub(super) file: File,
    placed: bool,
}

impl<'a> Temporary<'a> {
    /// Makes an empty one, mode 0600, beside the file at `spot`.
    pub(super) fn create(spot: &'a Spot) -> Result<Self, DestinationError> {
        let what = || format!("cannot write `{}`", spot.path().display());
        let mut random = [0u8; RANDOM_BYTES];
        getrandom::fill(&mut random)
            .map_err(|_no_entropy| refused(what(), "write", &spot.folder_path, Errno::IO))?;
        let mut name = String::from(PREFIX);
        for byte in random {
            write!(name, "{byte:02x}")
                .map_err(|_full| refused(what(), "write", &spot.folder_path, Errno::IO))?;
        }
        name.push_str(SUFFIX);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&spot.folder, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| refused(what(), "write", &spot.folder_path, errno))?;
        let temporary = Self { spot, name, file: file.into(), placed: false };
        // Tells sweepers that it has somebody. Where there are no locks, they find none and leave it, too.
        flock(&temporary.file, FlockOperation::NonBlockingLockExclusive).ok();
        Ok(temporary)
    }

    /// Writes all of it.
    pub(super) fn fill(&mut self, content: &[u8]) -> Result<(), DestinationError> {
        self.file.write_all(content).map_err(|io| {
            let errno = Errno::from_io_error(&io).unwrap_or(Errno::IO);
            refused(
                format!("cannot write `{}`", self.spot.path().display()),
                "write",
                &self.spot.folder_path,
                errno,
            )
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It has taken its place; there is nothing to remove.
    pub(super) fn placed(mut self) {
        self.placed = true;
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // If this fails, the next run sweeps it.
            unlinkat(&self.spot.folder, &self.name, AtFlags::empty()).ok();
        }
    }
}

/// Removes what killed runs left: whoever lives holds a lock on its file. Once an hour per folder, since it
/// reads all names; the folder's lock must be held.
pub(super) fn sweep(spot: &Spot) {
    static SWEPT: LazyLock<Mutex<HashMap<PathBuf, Instant>>> = LazyLock::new(Mutex::default);
    {
        let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.get(&spot.folder_path).is_some_and(|at| at.elapsed() < SWEEP_EVERY) {
            return;
        }
        if swept.len() > SWEEP_MAX_NAMES {
            swept.clear();
        }
        swept.insert(spot.folder_path.clone(), Instant::now());
    }
    let Ok(names) = Dir::read_from(&spot.folder) else { return };
    for entry in names.take(SWEEP_MAX_NAMES).filter_map(Result::ok) {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if !is_ours(name) {
            continue;
        }
        if is_abandoned(spot, name) {
            // A left-over that cannot be removed is no reason not to deliver.
            unlinkat(&spot.folder, name, AtFlags::empty()).ok();
        }
    }
}

fn is_abandoned(spot: &Spot, name: &OsStr) -> bool {
    let plain = statat(&spot.folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    // Root and the owner can open it; for anyone else it stays.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = if plain { openat(&spot.folder, name, flags, Mode::empty()).ok() } else { None };
    opened.is_some_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
}

fn is_ours(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM_BYTES * 2
            && random.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}
