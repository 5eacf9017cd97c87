//! Where the objects of a repository are.

use std::io;
use std::path::{Path, PathBuf};

use super::file;

/// The folders that hold the objects of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Folders of objects: the repository's own first, then others such as the quarantine of a push. Those that their
    /// `info/alternates` name are read too, and need not be here.
    pub folders: Vec<PathBuf>,
    /// How objects are named.
    pub hash: gix_hash::Kind,
}

const MAX_TEXT_BYTES: u64 = 1 << 20;

impl Places {
    /// Those of a repository, by its git folder; of a linked worktree too.
    pub fn of_git_folder(git_folder: &Path) -> io::Result<Self> {
        let common = match file::read(&git_folder.join("commondir"), MAX_TEXT_BYTES) {
            Ok(name) => git_folder.join(path(name.trim_ascii())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => git_folder.to_owned(),
            Err(error) => return Err(error),
        };
        let hash = match file::read(&common.join("config"), MAX_TEXT_BYTES) {
            Ok(config) => hash(&config),
            Err(error) if error.kind() == io::ErrorKind::NotFound => gix_hash::Kind::Sha1,
            Err(error) => return Err(error),
        };
        Ok(Self { folders: vec![common.join("objects")], hash })
    }
}

/// The folders that a folder of objects borrows from.
pub(super) fn alternates(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let text = match file::read(&folder.join("info").join("alternates"), MAX_TEXT_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    Ok(lines.map(|line| folder.join(path(&unquoted(line)))).collect())
}

/// Git quotes a name as C does if it begins with a quotation mark.
fn unquoted(line: &[u8]) -> Vec<u8> {
    let Some(inner) = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")) else {
        return line.to_vec();
    };
    let mut name = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(&byte) = rest.next() {
        name.push(if byte == b'\\' { rest.next().copied().unwrap_or(byte) } else { byte });
    }
    name
}

fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// `extensions.objectformat` of a configuration; includes are not followed, as git does not for this one either.
fn hash(config: &[u8]) -> gix_hash::Kind {
    let mut is_within = false;
    let mut hash = gix_hash::Kind::Sha1;
    for line in config.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line).trim().to_ascii_lowercase();
        if line.starts_with('[') {
            is_within = line.starts_with("[extensions]");
        } else if is_within
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == "objectformat"
        {
            let is_sha256 = value.trim().trim_matches('"') == "sha256";
            hash = if is_sha256 { gix_hash::Kind::Sha256 } else { gix_hash::Kind::Sha1 };
        }
    }
    hash
}
