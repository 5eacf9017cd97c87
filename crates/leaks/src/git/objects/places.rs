//! Where the objects of a repository are.

use std::io;
use std::path::{Path, PathBuf};

/// The folders that hold the objects of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Folders of objects: the repository's own first, then others such as the quarantine of a push. Those that their
    /// `info/alternates` name are read too, and need not be here.
    pub folders: Vec<PathBuf>,
    /// How objects are named.
    pub hash: gix_hash::Kind,
}

impl Places {
    /// Those of a repository, by its git folder; of a linked worktree too.
    pub fn of_git_folder(git_folder: &Path) -> io::Result<Self> {
        Ok(Self { folders: vec![git_folder.join("objects")], hash: gix_hash::Kind::Sha1 })
    }
}
