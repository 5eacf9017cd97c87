//! From a path to an open folder and a name in it, through symlinks that may be trusted.
//!
//! Walks one component at a time on open folders, so that nobody can swap a part of the path behind our back.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::{Component, Path, PathBuf},
};

use model::DestinationError;
use rustix::{
    fs::{FileType, Mode, OFlags, Stat, fstat, openat, readlinkat},
    io::Errno,
};

use crate::error::{hostile, refused};

/// As many as the kernel follows.
const MAX_LINKS: usize = 40;
const WALK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A name in an open folder; the name is not a symlink.
pub(super) struct Spot {
    /// The folder, open for reading.
    pub(super) folder: OwnedFd,
    /// Its real path.
    pub(super) folder_path: PathBuf,
    /// Device and inode of the folder.
    pub(super) folder_id: (u64, u64),
    /// The file's name in it.
    pub(super) name: OsString,
}

impl Spot {
    /// The file's real path, for messages.
    pub(super) fn path(&self) -> PathBuf {
        self.folder_path.join(&self.name)
    }
}

/// A symlink whose owner is neither root nor us.
struct ForeignLink {
    path: PathBuf,
    owner: u32,
}

struct Walk {
    me: u32,
    what: String,
    folder: OwnedFd,
    stat: Stat,
    path: PathBuf,
    pending: VecDeque<OsString>,
    foreign: Vec<ForeignLink>,
    links: usize,
}

/// Finds the folder and the name that `path` leads to.
pub(super) fn find(path: &Path) -> Result<Spot, DestinationError> {
    find_as(rustix::process::geteuid().as_raw(), path)
}

/// As [`find`], for the user `me`.
pub(super) fn find_as(me: u32, path: &Path) -> Result<Spot, DestinationError> {
    let what = format!("cannot use the file `{}`", path.display());
    let mut walk = Walk::start(me, what, path)?;
    while let Some(name) = walk.pending.pop_front() {
        let last = walk.pending.is_empty();
        let object = match openat(&walk.folder, &name, WALK, Mode::empty()) {
            Err(Errno::NOENT) if last => return walk.finish(name, None),
            other => other.map_err(|errno| walk.refused(&name, errno))?,
        };
        let stat = fstat(&object).map_err(|errno| walk.refused(&name, errno))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => walk.follow(&name, &object, &stat)?,
            FileType::Directory if !last => walk.enter(&name, object, stat)?,
            _ if last => return walk.finish(name, Some(&stat)),
            _ => return Err(walk.refused(&name, Errno::NOTDIR)),
        }
    }
    // Only a link to a folder's own name, such as `..`, leads here.
    Err(refused(walk.what, "read", &walk.path, Errno::ISDIR))
}

impl Walk {
    fn start(me: u32, what: String, path: &Path) -> Result<Self, DestinationError> {
        let (folder, stat) = root(&what)?;
        let mut walk = Self {
            me,
            what,
            folder,
            stat,
            path: PathBuf::from("/"),
            pending: VecDeque::new(),
            foreign: Vec::new(),
            links: 0,
        };
        walk.queue(path);
        Ok(walk)
    }

    fn refused(&self, name: &OsStr, errno: Errno) -> DestinationError {
        let object = if errno == Errno::ACCESS { self.path.clone() } else { self.path.join(name) };
        refused(self.what.clone(), "search (x)", &object, errno)
    }

    /// Puts a path's parts in front of what is still to walk.
    fn queue(&mut self, path: &Path) {
        for part in path.components().rev() {
            match part {
                Component::Normal(name) => self.pending.push_front(name.to_owned()),
                Component::ParentDir => self.pending.push_front("..".into()),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }

    fn follow(&mut self, name: &OsStr, link: &OwnedFd, stat: &Stat) -> Result<(), DestinationError> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(self.refused(name, Errno::LOOP));
        }
        let path = self.path.join(name);
        if is_planted(&self.stat, stat.st_uid, self.me) {
            return Err(hostile(
                self.what.clone(),
                format!(
                    "`{}` is a symlink of uid {} in a folder that everyone can write",
                    path.display(),
                    stat.st_uid
                ),
                "move the file to a folder of its own, or give the path of the file itself",
            ));
        }
        if stat.st_uid != 0 && stat.st_uid != self.me {
            self.foreign.push(ForeignLink { path, owner: stat.st_uid });
        }
        let target = readlinkat(link, "", Vec::new()).map_err(|errno| self.refused(name, errno))?;
        let target = Path::new(OsStr::from_bytes(target.as_bytes())).to_owned();
        if target.is_absolute() {
            (self.folder, self.stat) = root(&self.what)?;
            self.path = PathBuf::from("/");
        }
        self.queue(&target);
        Ok(())
    }

    fn enter(&mut self, name: &OsStr, folder: OwnedFd, stat: Stat) -> Result<(), DestinationError> {
        if name == ".." {
            self.path.pop();
        } else {
            self.path.push(name);
        }
        if stat.st_mode & 0o1002 == 0o002 {
            return Err(hostile(
                self.what.clone(),
                format!("everyone can replace what is in the folder `{}`", self.path.display()),
                format!("`chmod o-w {}`", self.path.display()),
            ));
        }
        (self.folder, self.stat) = (folder, stat);
        Ok(())
    }

    fn finish(self, name: OsString, file: Option<&Stat>) -> Result<Spot, DestinationError> {
        let shown = self.path.join(&name);
        if name == ".." {
            return Err(refused(self.what, "read", &self.path, Errno::ISDIR));
        }
        // Whoever made a link may send us only to what is theirs anyway.
        let owners = [Some(self.stat.st_uid), file.map(|stat| stat.st_uid)];
        if let Some(link) = self.foreign.iter().find(|link| !owners.contains(&Some(link.owner))) {
            return Err(hostile(
                self.what,
                format!(
                    "the symlink `{}` belongs to uid {}, but what it leads to, `{}`, does not",
                    link.path.display(),
                    link.owner,
                    shown.display()
                ),
                format!("give the path of the file itself, or `chown -h 0 {}`", link.path.display()),
            ));
        }
        let uid = file.map(|stat| stat.st_uid);
        if let Some(uid) = uid.filter(|uid| is_planted(&self.stat, *uid, self.me)) {
            return Err(hostile(
                self.what,
                format!("`{}` was put by uid {uid} into a folder that everyone can write", shown.display()),
                "move the file to a folder of its own",
            ));
        }
        let folder =
            openat(&self.folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                .map_err(|errno| refused(self.what, "read", &self.path, errno))?;
        let folder_id = (self.stat.st_dev, self.stat.st_ino);
        Ok(Spot { folder, folder_path: self.path, folder_id, name })
    }
}

/// Anyone may have put it there: in a sticky folder that everyone can write, such as `/tmp`, only root's,
/// our own and the folder owner's can be trusted.
pub(super) fn is_planted(folder: &Stat, owner: u32, me: u32) -> bool {
    folder.st_mode & 0o002 != 0 && ![0, me, folder.st_uid].contains(&owner)
}

fn root(what: &str) -> Result<(OwnedFd, Stat), DestinationError> {
    let open = || {
        let fd = rustix::fs::open("/", WALK | OFlags::DIRECTORY, Mode::empty())?;
        let stat = fstat(&fd)?;
        Ok((fd, stat))
    };
    open().map_err(|errno| refused(what, "search (x)", Path::new("/"), errno))
}
