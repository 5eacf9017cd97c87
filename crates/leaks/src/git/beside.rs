//! What a git folder holds beside objects: configuration, messages, reflogs, hooks, names of refs, LFS files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::folder::{Folder, is_git_folder};
use super::read::{self, Text};
use super::refs::Refs;
use super::strays::is_read_as_objects;
use super::tips::{Tips, author_of_log_line};
use crate::{
    Author, Contents, Finding, InHead, Limits, Object, Place, Provenance, Pushed, Report, Seen, Sighting,
    Source, Unread, Why,
};

const MAX_DEPTH: usize = 32;
const MAX_FILES: usize = 1_000_000;
const MAX_LOG_BYTES: usize = 64 << 20;

/// Reads what lies beside the objects of a repository.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    pub(super) folder: &'a Folder,
    pub(super) contents: &'a Contents,
    pub(super) limits: &'a Limits,
    pub(super) report: &'a mut Report,
    pub(super) tips: &'a mut Tips,
    /// The git folders of submodules that were met.
    pub(super) modules: Vec<PathBuf>,
    files: usize,
}

/// Where among the files of a git folder something was seen.
struct Spot<'a> {
    object: Object,
    path: &'a [u8],
    refs: Vec<String>,
    first: Option<Author>,
}

impl<'a> Beside<'a> {
    pub(super) fn new(
        folder: &'a Folder,
        contents: &'a Contents,
        limits: &'a Limits,
        report: &'a mut Report,
        tips: &'a mut Tips,
    ) -> Self {
        Self { folder, contents, limits, report, tips, modules: Vec::new(), files: 0 }
    }

    /// Reads all files of the git folder, but objects and refs, and those of other repositories within.
    pub(super) fn read(&mut self) {
        let (git, common) = (self.folder.git.clone(), self.folder.common.clone());
        self.walk(&common, b"", MAX_DEPTH);
        // A linked work tree's folder lies within, unless somebody moved it.
        let within = git.canonicalize().ok().zip(common.canonicalize().ok());
        if !within.is_some_and(|(git, common)| git.starts_with(common)) {
            self.walk(&git, b"", MAX_DEPTH);
        }
    }

    /// Searches the names of refs, and what their files hold that is no id.
    pub(super) fn names(&mut self, refs: &Refs) {
        for (path, text) in &refs.odd {
            for sighting in self.search(text, path) {
                self.find(
                    sighting,
                    Spot { object: Object::Administrative, path, refs: Vec::new(), first: None },
                );
            }
        }
        let names: Vec<_> = refs.targets.keys().chain(refs.others.keys()).collect();
        let mut text = Vec::new();
        for name in &names {
            text.extend(name.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }));
            text.push(b'\n');
        }
        for sighting in self.search(&text, b"refs") {
            let name = line_of(&text, sighting.line).to_owned();
            let refs = vec![String::from_utf8_lossy(&name).into_owned()];
            self.find(sighting, Spot { object: Object::RefName, path: &name, refs, first: None });
        }
    }

    fn walk(&mut self, folder: &Path, name: &[u8], depth: usize) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.tell(name, Why::System(error.to_string())),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.tell(name, Why::System(error.to_string())),
            };
            self.files += 1;
            if depth == 0 || self.files > MAX_FILES {
                return self.tell(name, Why::Limit("files of a git folder"));
            }
            let file_name = entry.file_name();
            let mut name = name.to_owned();
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(file_name.as_bytes());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&entry.path(), &name, depth),
                Ok(kind) if kind.is_file() => self.file(&entry.path(), &name),
                Ok(kind) if kind.is_symlink() && is_of_repositories(&name) => {
                    self.tell(&name, Why::Unsupported("a repository behind a link"));
                }
                // Links are not followed; what they say is no secret's place. Nothing lies in sockets.
                Ok(_) => {}
                Err(error) => self.tell(&name, Why::System(error.to_string())),
            }
        }
    }

    fn folder(&mut self, path: &Path, name: &[u8], depth: usize) {
        if is_read_as_objects(name) {
            return;
        }
        let is_module = name.starts_with(b"modules/");
        if is_module && is_git_folder(path) {
            self.modules.push(path.to_owned());
            return;
        }
        self.walk(path, name, depth - 1);
    }

    fn file(&mut self, path: &Path, name: &[u8]) {
        let base = Path::new(OsStr::from_bytes(name)).file_name().map_or(name, OsStr::as_bytes);
        if name == b"packed-refs" || name.starts_with(b"refs/") || is_read_as_objects(name) {
            return;
        }
        if let Some(of) = log_of(name) {
            return self.log(path, name, &of);
        }
        let is_index = base == b"index" || base.starts_with(b"sharedindex.");
        let mut seen = Seen::default();
        match read::open(path) {
            Ok(None) => self.tell(name, Why::Unsupported("it is no regular file")),
            Err(error) => self.tell(name, Why::System(error.to_string())),
            Ok(Some(file)) => {
                if let Err(error) = self.contents.file(file, &mut seen) {
                    self.tell(name, Why::System(error.to_string()));
                }
            }
        }
        self.report.tally.files += 1;
        let object = if is_index { Object::Index } else { Object::Administrative };
        for mut sighting in self.take(seen, name) {
            if is_index {
                (sighting.line, sighting.column) = (None, None);
            }
            self.find(sighting, Spot { object, path: name, refs: Vec::new(), first: None });
        }
    }

    fn log(&mut self, path: &Path, name: &[u8], of: &[u8]) {
        let log = match Text::of(path, MAX_LOG_BYTES) {
            Text::Absent => return,
            Text::Unread(why) => return self.tell(name, why),
            Text::Whole(log) => log,
        };
        self.report.tally.files += 1;
        self.tips.add_log(of, &log);
        for sighting in self.search(&log, name) {
            let first = author_of_log_line(line_of(&log, sighting.line));
            let refs = vec![String::from_utf8_lossy(of).into_owned()];
            self.find(sighting, Spot { object: Object::Reflog, path: name, refs, first });
        }
    }

    fn search(&mut self, bytes: &[u8], name: &[u8]) -> Vec<Sighting> {
        let mut seen = Seen::default();
        self.contents.bytes(bytes, &mut seen);
        self.take(seen, name)
    }

    fn take(&mut self, seen: Seen, name: &[u8]) -> Vec<Sighting> {
        self.report.tally.bytes += seen.tally.bytes;
        self.report.tally.members += seen.tally.members;
        self.report.more_unread += seen.more_unread;
        self.report.more_findings += seen.more_sightings;
        for unread in seen.unread {
            let what =
                if unread.what.is_empty() { name.to_owned() } else { [name, &unread.what].join(&b'!') };
            self.tell(&what, unread.why);
        }
        seen.sightings
    }

    fn find(&mut self, sighting: Sighting, spot: Spot<'_>) {
        let provenance = Provenance {
            repository: self.folder.name.clone(),
            object: spot.object,
            id: None,
            paths: vec![spot.path.to_owned()],
            first: spot.first,
            refs: spot.refs,
            more_refs: 0,
            in_head: InHead::Beside,
            // Names of refs are pushed with them; the rest of a git folder never is.
            pushed: if spot.object == Object::RefName { Pushed::Unknown } else { Pushed::No },
        };
        let place = Place {
            source: Source::Git(Box::new(provenance)),
            line: sighting.line,
            column: sighting.column,
            is_allowed_inline: sighting.is_allowed_inline,
        };
        let finding = Finding { token: sighting.token, place, wrapping: sighting.wrapping, also: 0 };
        self.report.find(finding, self.limits);
    }

    fn tell(&mut self, name: &[u8], why: Why) {
        let what = [self.folder.common.as_os_str().as_bytes(), name].join(&b'/');
        self.report.pass_by(Unread { what, why }, self.limits);
    }
}

/// Where git looks for submodules and for the folders of linked work trees.
fn is_of_repositories(name: &[u8]) -> bool {
    name.starts_with(b"modules") || name.starts_with(b"worktrees")
}

/// The ref whose log a file is.
fn log_of(name: &[u8]) -> Option<Vec<u8>> {
    if let Some(of) = name.strip_prefix(b"logs/") {
        return Some(of.to_owned());
    }
    let rest = name.strip_prefix(b"worktrees/")?;
    let slash = memchr::memchr(b'/', rest)?;
    let of = rest.get(slash + 1..)?.strip_prefix(b"logs/")?;
    Some([b"worktrees/", rest.get(..slash)?, b"/", of].concat())
}

/// A line by its number, which begins at one.
pub(super) fn line_of(text: &[u8], line: Option<u64>) -> &[u8] {
    let line = line.and_then(|line| usize::try_from(line.checked_sub(1)?).ok());
    line.and_then(|line| text.split(|&byte| byte == b'\n').nth(line)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_known_by_their_place() {
        assert_eq!(log_of(b"logs/refs/heads/a/logs/b").unwrap(), b"refs/heads/a/logs/b");
        assert_eq!(log_of(b"worktrees/x/logs/HEAD").unwrap(), b"worktrees/x/HEAD");
        assert_eq!(log_of(b"worktrees/logs/HEAD"), None);
        assert_eq!(log_of(b"config"), None);
    }
}
