//! The allowlist: tokens that are known and let be, each by its fingerprint and with a reason.
//!
//! A scanned tree is hostile: a list that lies in it counts only if the caller says so, and what it leaves out is told.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::Glob;
use model::{Fingerprint, Timestamp};
use rustix::fs::{FileType, Mode, OFlags};

use crate::{Place, Source};

/// The name that the file has in a repository's root.
pub const ALLOW_FILE: &str = ".keywright-allow.toml";

/// More is not read of an allowlist.
pub const MAX_ALLOW_BYTES: usize = 1 << 20;

/// A list of tokens that are known and let be.
#[derive(Clone, Debug)]
pub struct Allowlist {
    pub(crate) file: PathBuf,
    reach: Reach,
    pub(crate) lines: BTreeMap<Fingerprint, Arc<AllowLine>>,
}

/// What an allowlist speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything that is scanned: the caller's own list.
    Everything,
    /// What lies in this folder: the list of a repository.
    Under(PathBuf),
}

/// One token of an allowlist.
#[derive(Clone, Debug)]
pub struct AllowLine {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// Whose token.
    pub fingerprint: Fingerprint,
    /// Why it is let be.
    pub reason: String,
    /// Who says so.
    pub by: Option<String>,
    /// When it ends: the end of the day that the file names, in UTC.
    pub until: Option<Timestamp>,
    /// Where alone it counts.
    pub path: Option<Glob>,
}

/// What is wrong with an allowlist. It quotes no value: one may be the key itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.line())]
pub struct AllowError {
    /// The file.
    pub file: PathBuf,
    /// All that is wrong, in the order of the lines.
    pub faults: Vec<AllowFault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowFault {
    /// The line, from 1; 0 if it is about the whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// How it is right.
    pub mend: String,
}

/// What a list says of a token at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    Allowed(&'a Arc<AllowLine>),
    /// It did, and its time is over.
    Lapsed(&'a Arc<AllowLine>),
}

impl PartialEq for AllowLine {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line && self.fingerprint == other.fingerprint
    }
}

impl Eq for AllowLine {}

impl Allowlist {
    /// Reads the file; none if there is none. A link is not followed, and what is no file is refused.
    pub fn read(file: &Path, reach: Reach) -> Result<Option<Self>, AllowError> {
        match bounded(file) {
            Ok(Some(bytes)) => match std::str::from_utf8(&bytes) {
                Ok(text) => Self::parse(text, file, reach).map(Some),
                Err(_invalid) => Err(AllowError::whole(file, "it is not UTF-8", "write it anew, as UTF-8")),
            },
            Ok(None) => Ok(None),
            Err(cause) => {
                let mend = "give a plain file of at most 1 MiB that can be read, and no link";
                Err(AllowError::whole(file, &format!("it cannot be read: {cause}"), mend))
            }
        }
    }

    /// How many tokens it lets be.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it lets none be.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn answer(&self, token: &Fingerprint, place: &Place, now: Timestamp) -> Option<Answer<'_>> {
        let line = self.lines.get(token)?;
        let paths = self.paths(&place.source)?;
        if let Some(glob) = &line.path {
            let glob = glob.compile_matcher();
            // A blob with two names is let be where both are.
            if paths.is_empty() || !paths.iter().all(|path| is_plain(path) && glob.is_match(path)) {
                return None;
            }
        }
        Some(if line.until.is_some_and(|end| end <= now) {
            Answer::Lapsed(line)
        } else {
            Answer::Allowed(line)
        })
    }

    /// The paths of a place, as the list's globs are meant; none if the place is out of its reach.
    fn paths(&self, source: &Source) -> Option<Vec<PathBuf>> {
        let within = |path: &Path| match &self.reach {
            Reach::Everything => Some(path.strip_prefix(".").unwrap_or(path).to_owned()),
            Reach::Under(root) => path.strip_prefix(root).ok().map(Path::to_owned),
        };
        match source {
            Source::File(path) => within(path).map(|path| vec![path]),
            Source::Stream(_) => (self.reach == Reach::Everything).then(Vec::new),
            Source::Git(git) => {
                let folder = match &self.reach {
                    Reach::Everything => PathBuf::new(),
                    Reach::Under(root) => work_tree(&git.repository).strip_prefix(root).ok()?.to_owned(),
                };
                Some(git.paths.iter().map(|path| folder.join(as_path(path))).collect())
            }
        }
    }
}

impl AllowError {
    fn whole(file: &Path, what: &str, mend: &str) -> Self {
        let fault = AllowFault { line: 0, what: what.to_owned(), mend: mend.to_owned() };
        Self { file: file.to_owned(), faults: vec![fault] }
    }

    fn line(&self) -> String {
        let file = crate::show::path(&self.file);
        let first = self.faults.first().map_or("", |fault| fault.what.as_str());
        format!("the allowlist `{file}` has {} faults; the first: {first}", self.faults.len())
    }

    /// All faults, each with its line and how it is right.
    pub fn report(&self) -> model::Report {
        let file = crate::show::path(&self.file);
        let what = format!("cannot use the allowlist `{file}`");
        let mut report = model::Report::new(model::Blame::Operator, model::Retry::AfterFix, what);
        for fault in &self.faults {
            let at = if fault.line == 0 { file.clone() } else { format!("{file}:{}", fault.line) };
            report = report.because(format!("{at}: {}", fault.what)).mend(format!("{at}: {}", fault.mend));
        }
        report
    }
}

/// The folder that the paths of a repository are meant from.
pub(crate) fn work_tree(repository: &Path) -> &Path {
    match repository.parent() {
        Some(parent) if repository.file_name().is_some_and(|name| name == ".git") => parent,
        _ => repository,
    }
}

pub(crate) fn as_path(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// Without steps upwards: `docs/../keys` is not in `docs`.
fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::RootDir))
}

fn bounded(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(file, flags, Mode::empty()) {
        Ok(opened) => opened,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    if FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut bytes = Vec::new();
    let limit = MAX_ALLOW_BYTES as u64 + 1;
    std::fs::File::from(opened).take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_ALLOW_BYTES {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}
