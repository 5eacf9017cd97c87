//! The walk: every folder opened once from its parent, every file handed over open, by several threads.
//!
//! No link is followed, nothing but folders and regular files is opened, and the name of a thing is never looked up twice:
//! whoever swaps a folder for a link meanwhile leads nobody out of the tree.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::mounts::face;
use super::queue::Queue;
use super::repository::{self, Git};
use crate::Why;

/// Files handed over at a time.
const BATCH: usize = 32;
/// With so many batches waiting for each thread, a folder's reader goes through the next one itself.
const WAITING: usize = 4;
/// For a piece of a folder's list.
const LIST_BYTES: usize = 32 << 10;

/// Takes what a walk meets; one for each thread.
pub trait Visitor: Send {
    /// Whether to go on with what has this path: false for what was excluded.
    fn enters(&mut self, path: &Path) -> bool;
    /// Whether it wants to see more than folders and repositories; files are opened for it, and that takes time.
    fn wants_files(&self) -> bool {
        true
    }

    /// Something was met.
    fn meets(&mut self, path: &Path, what: Met<'_>);
}

/// What is met on the way.
#[derive(Debug)]
pub enum Met<'a> {
    /// A folder, before anything in it.
    Folder(&'a OwnedFd),
    /// A regular file, and its size in bytes.
    File(File, u64),
    /// A link, and what it says; not followed.
    Link(Vec<u8>),
    /// A pipe, a socket, a terminal and the like: nothing lies in it.
    Special,
    /// A folder with a repository, or the repository itself if it is bare; not gone into.
    Repository(Git),
    /// What could not be read.
    Unread(Why),
}

struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    device: u64,
}

impl Folder {
    /// The path of what is in it; in the folder `.` just its name.
    fn inner(&self, name: &CStr) -> PathBuf {
        let name = text(name);
        if self.path == Path::new(".") { PathBuf::from(name) } else { self.path.join(name) }
    }
}

enum Job {
    /// What was named.
    Root(PathBuf),
    /// A folder in an open one.
    Folder(Arc<Folder>, CString),
    /// Files of an open folder.
    Files(Arc<Folder>, Vec<(CString, FileType)>),
}

/// Walks from each root; the visitors come back.
pub fn walk<V: Visitor>(roots: Vec<PathBuf>, visitors: Vec<V>) -> Vec<V> {
    let enough = visitors.len() * WAITING;
    let queue = Queue::new(roots.into_iter().rev().map(Job::Root).collect());
    let work = |mut visitor: V| {
        let mut list = vec![MaybeUninit::uninit(); LIST_BYTES];
        while let Some((job, _hold)) = queue.take() {
            let mut walker = Walker { queue: &queue, enough, visitor: &mut visitor };
            match job {
                Job::Root(path) => walker.root(path, &mut list),
                Job::Folder(parent, name) => walker.folder(&parent, &name, &mut list),
                Job::Files(folder, names) => walker.files(&folder, &names),
            }
        }
        visitor
    };
    let mut visitors = visitors;
    let Some(first) = visitors.pop() else { return visitors };
    std::thread::scope(|scope| {
        let others: Vec<_> = visitors.into_iter().map(|visitor| scope.spawn(|| work(visitor))).collect();
        let first = work(first);
        let mut all = vec![first];
        for other in others {
            match other.join() {
                Ok(visitor) => all.push(visitor),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

struct Walker<'a, V> {
    queue: &'a Queue<Job>,
    enough: usize,
    visitor: &'a mut V,
}

impl<V: Visitor> Walker<'_, V> {
    /// What was named may be a link: whoever named it meant what it leads to.
    fn root(&mut self, path: PathBuf, list: &mut [MaybeUninit<u8>]) {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let what = match rustix::fs::stat(&path) {
            Err(error) => Met::Unread(refused(error)),
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => match rustix::fs::openat(CWD, &path, flags, Mode::empty()) {
                    Ok(fd) => Met::File(File::from(fd), size(&stat)),
                    Err(error) => Met::Unread(refused(error)),
                },
                FileType::Directory => {
                    match rustix::fs::openat(CWD, &path, flags | OFlags::DIRECTORY, Mode::empty()) {
                        // A device that no folder is on: the first one is looked at in any case.
                        Ok(fd) => return self.open(fd, path, None, list),
                        Err(error) => Met::Unread(refused(error)),
                    }
                }
                FileType::BlockDevice => Met::Unread(Why::Unsupported("a disk")),
                _ => Met::Special,
            },
        };
        self.visitor.meets(&path, what);
    }

    fn folder(&mut self, parent: &Folder, name: &CStr, list: &mut [MaybeUninit<u8>]) {
        let path = parent.inner(name);
        let flags =
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&parent.fd, name, flags, Mode::empty()) {
            Ok(fd) => self.open(fd, path, Some(parent.device), list),
            Err(error) => self.visitor.meets(&path, Met::Unread(refused(error))),
        }
    }

    /// Goes through a folder that was opened.
    fn open(&mut self, fd: OwnedFd, path: PathBuf, around: Option<u64>, list: &mut [MaybeUninit<u8>]) {
        let device = match rustix::fs::fstat(&fd) {
            Ok(stat) => stat.st_dev,
            Err(error) => return self.visitor.meets(&path, Met::Unread(refused(error))),
        };
        if around != Some(device)
            && let Some(name) = face(&fd)
        {
            return self.visitor.meets(&path, Met::Unread(Why::Unsupported(name)));
        }
        if repository::is_bare(&fd) {
            return self.visitor.meets(&path, Met::Repository(Git::Bare));
        }
        self.visitor.meets(&path, Met::Folder(&fd));
        let folder = Arc::new(Folder { fd, path, device });
        if let Err(error) = self.list(&folder, list) {
            self.visitor.meets(&folder.path, Met::Unread(refused(error)));
        }
    }

    fn list(&mut self, folder: &Arc<Folder>, list: &mut [MaybeUninit<u8>]) -> Result<(), Errno> {
        let mut batch = Vec::new();
        let mut entries = RawDir::new(&folder.fd, list);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => kind_of(&folder.fd, name).unwrap_or(FileType::Unknown),
                kind => kind,
            };
            if name.to_bytes() == b".git" && self.is_git(folder, name, kind) {
                continue;
            }
            if kind == FileType::Directory {
                if self.visitor.enters(&folder.inner(name)) {
                    self.queue.add(Job::Folder(Arc::clone(folder), name.to_owned()));
                }
                continue;
            }
            // What the system does not tell may be a folder.
            if kind != FileType::Unknown && !self.visitor.wants_files() {
                continue;
            }
            batch.push((name.to_owned(), kind));
            if batch.len() == BATCH {
                self.hand_over(folder, std::mem::take(&mut batch));
            }
        }
        self.files(folder, &batch);
        Ok(())
    }

    fn hand_over(&mut self, folder: &Arc<Folder>, batch: Vec<(CString, FileType)>) {
        let job = Job::Files(Arc::clone(folder), batch);
        if let Err(Job::Files(folder, batch)) = self.queue.offer(job, self.enough) {
            self.files(&folder, &batch);
        }
    }

    /// Whether what is called `.git` leads to a repository, which is then handed over.
    fn is_git(&mut self, folder: &Folder, name: &CStr, kind: FileType) -> bool {
        let what = match kind {
            FileType::Directory if repository::is_git_folder(&folder.fd, name) => {
                Met::Repository(Git::Folder)
            }
            FileType::RegularFile if repository::is_pointer(&folder.fd, name) => {
                Met::Repository(Git::Pointer)
            }
            FileType::Symlink => Met::Unread(Why::Unsupported("a repository behind a link")),
            _ => return false,
        };
        let path = folder.inner(c".git");
        if self.visitor.enters(&path) {
            let is_there = matches!(what, Met::Repository(_));
            self.visitor.meets(if is_there { &folder.path } else { &path }, what);
        }
        true
    }

    fn files(&mut self, folder: &Folder, names: &[(CString, FileType)]) {
        for (name, kind) in names {
            let path = folder.inner(name);
            if !self.visitor.enters(&path) {
                continue;
            }
            let what = match kind {
                FileType::RegularFile => opened(&folder.fd, name),
                FileType::Symlink => match rustix::fs::readlinkat(&folder.fd, name, Vec::new()) {
                    Ok(to) => Met::Link(to.into_bytes()),
                    Err(error) => Met::Unread(refused(error)),
                },
                FileType::BlockDevice => Met::Unread(Why::Unsupported("a disk")),
                FileType::Unknown => Met::Unread(Why::Changed),
                _ => Met::Special,
            };
            self.visitor.meets(&path, what);
        }
    }
}

fn opened(folder: &OwnedFd, name: &CStr) -> Met<'static> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(folder, name, flags, Mode::empty());
    match opened.and_then(|fd| rustix::fs::fstat(&fd).map(|stat| (fd, stat))) {
        Ok((fd, stat)) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
            Met::File(File::from(fd), size(&stat))
        }
        // Swapped since the folder was listed.
        Ok(_) => Met::Unread(Why::Changed),
        Err(error) => Met::Unread(refused(error)),
    }
}

fn kind_of(folder: impl AsFd, name: &CStr) -> Option<FileType> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

fn size(stat: &rustix::fs::Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// What is gone or became something else since its folder was listed has changed; the rest, the system says.
fn refused(error: Errno) -> Why {
    match error {
        Errno::NOENT | Errno::LOOP | Errno::NOTDIR => Why::Changed,
        other => Why::System(std::io::Error::from(other).to_string()),
    }
}

fn text(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}
