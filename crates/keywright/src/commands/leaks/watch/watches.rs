//! What the kernel is asked to tell of: folders of trees; of repositories where refs and the index lie.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use leaks::git;
use leaks::tree::{Excluded, Met, Visitor, walk};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

const EVENTS_BYTES: usize = 64 << 10;
/// A repository's refs are not nested deeper by anybody.
const MAX_REF_FOLDERS: usize = 10_000;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// A file was written and closed, or came from elsewhere.
    Written(PathBuf),
    /// A file is being written.
    BeingWritten(PathBuf),
    /// A folder is new.
    Folder(PathBuf),
    /// A repository's refs or index changed.
    Repository(PathBuf),
    /// The kernel had more to tell than it keeps.
    TooMuch,
}

enum Of {
    Folder(PathBuf),
    Repository(PathBuf),
}

pub(super) struct Watches {
    told: AsyncFd<OwnedFd>,
    of: HashMap<i32, Of>,
    repositories: BTreeSet<PathBuf>,
    excluded: Excluded,
    is_partial: bool,
}

impl Watches {
    pub(super) fn open(excluded: Excluded) -> std::io::Result<Self> {
        let told = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "its follower is unsafe; what this one asks for, an owned descriptor gives"
        )]
        let told = AsyncFd::new(told)?;
        Ok(Self { told, of: HashMap::new(), repositories: BTreeSet::new(), excluded, is_partial: false })
    }

    /// Watches a folder and all below it, repositories too; whether it turned out just now that not all can be.
    pub(super) fn add(&mut self, path: &Path) -> bool {
        let was_partial = self.is_partial;
        let (told, excluded) = (self.told.get_ref(), &self.excluded);
        let visitor = Adding { told, excluded, of: Vec::new(), met: Vec::new(), is_partial: false };
        let added = walk(vec![path.to_owned()], vec![visitor]);
        let added: Vec<_> = added.into_iter().map(|one| (one.of, one.met, one.is_partial)).collect();
        for (of, met, is_partial) in added {
            self.of.extend(of);
            self.is_partial |= is_partial;
            for repository in met {
                self.add_repository(&repository);
            }
        }
        self.is_partial && !was_partial
    }

    /// Watches where refs and the index of a repository lie; whether it is a new one.
    pub(super) fn add_repository(&mut self, repository: &Path) -> bool {
        let Some(folder) = git::folder_of(repository) else { return false };
        let mut folders = vec![folder.join("refs"), folder];
        let mut left = MAX_REF_FOLDERS;
        while let Some(folder) = folders.pop() {
            let flags =
                WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::ONLYDIR;
            match inotify::add_watch(self.told.get_ref(), &folder, flags | WatchFlags::DONT_FOLLOW) {
                Ok(number) => drop(self.of.insert(number, Of::Repository(repository.to_owned()))),
                Err(Errno::NOSPC | Errno::NOMEM) => self.is_partial = true,
                // A ref of this name is a file.
                Err(_) => continue,
            }
            if left == 0 || !folder.components().any(|part| part.as_os_str() == "refs") {
                continue;
            }
            left -= 1;
            let inner = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            folders.extend(
                inner.filter(|one| one.file_type().is_ok_and(|kind| kind.is_dir())).map(|one| one.path()),
            );
        }
        self.repositories.insert(repository.to_owned())
    }

    /// All that were met.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &PathBuf> {
        self.repositories.iter()
    }

    /// Whether something is there that the kernel does not tell of.
    pub(super) fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// How many folders a user may watch.
    pub(super) fn limit(&self) -> String {
        let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
        limit.map_or_else(|_| format!("about {}", self.of.len()), |limit| limit.trim().to_owned())
    }

    /// What happened next.
    pub(super) async fn next(&mut self) -> std::io::Result<Vec<Happened>> {
        loop {
            let mut ready = self.told.readable().await?;
            let mut buffer = vec![MaybeUninit::uninit(); EVENTS_BYTES];
            let mut reader = Reader::new(self.told.get_ref(), &mut buffer);
            let mut events = Vec::new();
            loop {
                match reader.next() {
                    Ok(event) => {
                        let name =
                            event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
                        events.push((event.wd(), event.events(), name));
                    }
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            ready.clear_ready();
            let mut happened = Vec::new();
            for (number, flags, name) in events {
                happened.extend(self.happened(number, flags, name.as_deref()));
            }
            happened.dedup();
            if !happened.is_empty() {
                return Ok(happened);
            }
        }
    }

    fn happened(&mut self, number: i32, flags: ReadFlags, name: Option<&OsStr>) -> Option<Happened> {
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            return Some(Happened::TooMuch);
        }
        if flags.contains(ReadFlags::IGNORED) {
            self.of.remove(&number);
            return None;
        }
        let path = match self.of.get(&number)? {
            Of::Repository(repository) => {
                let repository = repository.clone();
                // A new folder of refs has to be watched too.
                if flags.contains(ReadFlags::ISDIR) {
                    self.add_repository(&repository);
                }
                return Some(Happened::Repository(repository));
            }
            Of::Folder(folder) if folder == Path::new(".") => PathBuf::from(name?),
            Of::Folder(folder) => folder.join(name?),
        };
        if self.excluded.has(&path) {
            return None;
        }
        if flags.contains(ReadFlags::ISDIR) {
            if flags.contains(ReadFlags::MOVED_FROM) {
                self.forget(&path);
                return None;
            }
            let folder = path.parent().filter(|_| path.ends_with(".git")).unwrap_or(&path);
            return Some(Happened::Folder(folder.to_owned()));
        }
        if flags.contains(ReadFlags::MODIFY) {
            return Some(Happened::BeingWritten(path));
        }
        (!flags.contains(ReadFlags::MOVED_FROM)).then_some(Happened::Written(path))
    }

    /// What went away under its name tells nothing more.
    fn forget(&mut self, path: &Path) {
        let is_gone = |of: &Of| matches!(of, Of::Folder(folder) if folder.starts_with(path));
        let gone: Vec<i32> =
            self.of.iter().filter(|(_, of)| is_gone(of)).map(|(number, _)| *number).collect();
        for number in gone {
            self.of.remove(&number);
            inotify::remove_watch(self.told.get_ref(), number).ok();
        }
    }
}

/// Adds each folder that is met.
struct Adding<'a> {
    told: &'a OwnedFd,
    excluded: &'a Excluded,
    of: Vec<(i32, Of)>,
    met: Vec<PathBuf>,
    is_partial: bool,
}

impl Visitor for Adding<'_> {
    fn enters(&mut self, path: &Path) -> bool {
        !self.excluded.has(path)
    }

    fn wants_files(&self) -> bool {
        false
    }

    fn meets(&mut self, path: &Path, what: Met<'_>) {
        match what {
            Met::Folder(folder) => {
                let flags = WatchFlags::CLOSE_WRITE
                    | WatchFlags::MODIFY
                    | WatchFlags::CREATE
                    | WatchFlags::MOVED_TO
                    | WatchFlags::MOVED_FROM
                    | WatchFlags::ONLYDIR;
                // The folder that is open, whatever is at its name by now.
                let open = format!("/proc/self/fd/{}", folder.as_raw_fd());
                match inotify::add_watch(self.told, open.as_str(), flags) {
                    Ok(number) => self.of.push((number, Of::Folder(path.to_owned()))),
                    Err(_) => self.is_partial = true,
                }
            }
            Met::Repository(_) => self.met.push(path.to_owned()),
            _ => {}
        }
    }
}
