//! Where a repository's files are: its work tree, its git folder, and what linked work trees have in common.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::read::Text;

/// What is read at most of a small file of a git folder.
pub(super) const MAX_TEXT_BYTES: usize = 4 << 20;
/// Linked work trees that are looked at.
const MAX_WORK_TREES: usize = 10_000;

/// A repository.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// As it is called in reports.
    pub(super) name: PathBuf,
    /// Its git folder: what a linked work tree has for itself.
    pub(super) git: PathBuf,
    /// What all its work trees share; the same as `git` unless it is a linked work tree.
    pub(super) common: PathBuf,
    /// What its configuration says.
    pub(super) config: Config,
    /// It was found as `.git` of a work tree.
    pub(super) has_work_tree: bool,
}

/// The git folder that a repository's work trees share, by its one true path: two that have it in common are one.
pub fn folder_of(repository: &Path) -> Option<PathBuf> {
    Folder::find(repository)?.common.canonicalize().ok()
}

impl Folder {
    /// Of a work tree, a bare repository or a git folder; none if it is none of these.
    pub(super) fn find(path: &Path) -> Option<Self> {
        let dot_git = path.join(".git");
        let (git, has_work_tree) = if is_git_folder(&dot_git) {
            (dot_git, true)
        } else if let Some(pointed) = pointed_by(&dot_git).filter(|folder| is_git_folder(folder)) {
            (pointed, true)
        } else if is_git_folder(path) {
            (path.to_owned(), path.file_name() == Some(OsStr::new(".git")))
        } else {
            return None;
        };
        Some(Self::at(path.to_owned(), git, has_work_tree))
    }

    /// A git folder, known to be one.
    pub(super) fn at(name: PathBuf, git: PathBuf, has_work_tree: bool) -> Self {
        let common = common_of(&git).unwrap_or_else(|| git.clone());
        let config = Text::of(&common.join("config"), MAX_TEXT_BYTES).whole().unwrap_or_default();
        Self { name, git, common, config: Config::of(&config), has_work_tree }
    }

    /// Whether others push to it, and nobody works in it.
    pub(super) fn is_bare(&self) -> bool {
        self.config.is_bare.unwrap_or(!self.has_work_tree)
    }

    /// The git folders of linked work trees, by their names.
    pub(super) fn work_trees(&self) -> Vec<(String, PathBuf)> {
        let Ok(entries) = std::fs::read_dir(self.common.join("worktrees")) else { return Vec::new() };
        let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders
            .take(MAX_WORK_TREES)
            .map(|entry| (entry.file_name().to_string_lossy().into(), entry.path()))
            .collect()
    }

    /// How objects are named.
    pub(super) fn hash(&self) -> gix_hash::Kind {
        match self.config.object_format.as_deref() {
            Some("sha256") => gix_hash::Kind::Sha256,
            _ => gix_hash::Kind::Sha1,
        }
    }
}

/// Whether git would take a folder for its own: a HEAD, and objects with refs, or the place where these are.
pub(super) fn is_git_folder(path: &Path) -> bool {
    let has_head = path.join("HEAD").symlink_metadata().is_ok_and(|head| !head.is_dir());
    has_head
        && ((path.join("objects").is_dir() && path.join("refs").is_dir())
            || common_of(path)
                .is_some_and(|common| common.join("objects").is_dir() && common.join("refs").is_dir()))
}

/// Where a file `.git` points.
pub(super) fn pointed_by(dot_git: &Path) -> Option<PathBuf> {
    let text = Text::of(dot_git, MAX_TEXT_BYTES).whole()?;
    let target = first_line(text.strip_prefix(b"gitdir: ").or_else(|| text.strip_prefix(b"gitdir:"))?);
    Some(dot_git.parent()?.join(OsStr::from_bytes(target)))
}

/// What a linked work tree's git folder says of where the rest is.
pub(super) fn common_of(git: &Path) -> Option<PathBuf> {
    let text = Text::of(&git.join("commondir"), MAX_TEXT_BYTES).whole()?;
    Some(git.join(OsStr::from_bytes(first_line(&text))))
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii()
}
