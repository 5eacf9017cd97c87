//! What a repository looks like from outside. Nothing of git is asked, and nothing in it is believed.

use std::ffi::CStr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

/// How a repository was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Git {
    /// It has a folder `.git`.
    Folder,
    /// It has a file `.git`, which says where the repository is: a submodule, a linked work tree.
    Pointer,
    /// It is one.
    Bare,
}

/// The repository that a folder is, or lies in; as git looks for it, but only by the looks of folders.
pub fn around(folder: &Path) -> std::io::Result<Option<(PathBuf, Git)>> {
    for folder in std::path::absolute(folder)?.canonicalize()?.ancestors() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(fd) = rustix::fs::openat(CWD, folder, flags, Mode::empty()) else { continue };
        let git = match kind(fd.as_fd(), c".git") {
            Some(FileType::Directory) if is_git_folder(&fd, c".git") => Git::Folder,
            Some(FileType::RegularFile) if is_pointer(&fd, c".git") => Git::Pointer,
            _ if is_bare(&fd) => Git::Bare,
            _ => continue,
        };
        return Ok(Some((folder.to_owned(), git)));
    }
    Ok(None)
}

/// What git wants to see in a folder before it takes it for a repository.
pub(super) fn is_bare(folder: impl AsFd) -> bool {
    let folder = folder.as_fd();
    kind(folder, c"HEAD").is_some_and(|kind| kind != FileType::Directory)
        && is_folder_or_link(folder, c"objects")
        && is_folder_or_link(folder, c"refs")
}

/// Whether a folder called `.git` is one: also a broken one, whose objects are still there.
pub(super) fn is_git_folder(parent: impl AsFd, name: &CStr) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(parent, name, flags, Mode::empty());
    opened.is_ok_and(|folder| {
        is_folder_or_link(folder.as_fd(), c"objects") || kind(folder.as_fd(), c"commondir").is_some()
    })
}

/// Git goes through links here; where they lead is seen when the repository is read.
fn is_folder_or_link(folder: impl AsFd, name: &CStr) -> bool {
    matches!(kind(folder, name), Some(FileType::Directory | FileType::Symlink))
}

/// Whether a file called `.git` says where a repository is.
pub(super) fn is_pointer(parent: impl AsFd, name: &CStr) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut start = [0; 7];
    let opened = rustix::fs::openat(parent, name, flags, Mode::empty());
    opened.and_then(|file| rustix::io::read(&file, &mut start)) == Ok(start.len()) && &start == b"gitdir:"
}

fn kind(folder: impl AsFd, name: &CStr) -> Option<FileType> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}
