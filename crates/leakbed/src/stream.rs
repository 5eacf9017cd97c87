//! A stream for `git fast-import`: many objects and references with one call.
use crate::git::Git;
use crate::trouble::{Doing as _, Result, Trouble};
use std::collections::HashMap;

/// An object of the stream, before git names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Mark(usize);

/// An object that a commit or reference stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum On {
    /// Of the same stream.
    Mark(Mark),
    /// That is there already.
    Oid(String),
}

/// What a commit does to the tree of its first parent.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Mode, content, path.
    Put(&'static str, Mark, String),
    Remove(String),
    Rename(String, String),
    /// Begins with an empty tree.
    Clear,
}

/// A commit to be made.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) branch: &'a str,
    pub(crate) parents: &'a [On],
    pub(crate) author: &'a str,
    pub(crate) committer: &'a str,
    pub(crate) at_s: i64,
    pub(crate) message: &'a [u8],
    pub(crate) changes: &'a [Change],
}

/// How git keeps the objects of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Packed,
    Loose,
}

/// The commands so far.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    marks: usize,
}

/// The names that git gave.
#[derive(Debug, Default)]
pub(crate) struct Oids(HashMap<usize, String>);

impl Oids {
    pub(crate) fn of(&self, mark: Mark) -> Result<String> {
        self.0.get(&mark.0).cloned().ok_or_else(|| Trouble::new("an object was made", "git names it not"))
    }
}

impl Stream {
    pub(crate) fn blob(&mut self, content: &[u8]) -> Mark {
        let mark = self.next();
        self.line(&format!("blob\nmark :{}", mark.0));
        self.data(content);
        mark
    }

    pub(crate) fn commit(&mut self, draft: &Draft<'_>) -> Mark {
        // A branch of the stream goes on by itself; where it begins is said each time.
        if draft.parents.is_empty() {
            self.line(&format!("reset {}", draft.branch));
        }
        let mark = self.next();
        self.line(&format!("commit {}\nmark :{}", draft.branch, mark.0));
        self.line(&format!("author {} {} +0000", draft.author, draft.at_s));
        self.line(&format!("committer {} {} +0000", draft.committer, draft.at_s + 40));
        self.data(draft.message);
        for (index, parent) in draft.parents.iter().enumerate() {
            let verb = if index == 0 { "from" } else { "merge" };
            self.line(&format!("{verb} {}", parent.name()));
        }
        for change in draft.changes {
            match change {
                Change::Put(mode, content, path) => {
                    self.line(&format!("M {mode} :{} {}", content.0, quoted(path)));
                }
                Change::Remove(path) => self.line(&format!("D {}", quoted(path))),
                Change::Rename(from, to) => self.line(&format!("R {} {}", quoted(from), quoted(to))),
                Change::Clear => self.line("deleteall"),
            }
        }
        self.line("");
        mark
    }

    pub(crate) fn point(&mut self, reference: &str, at: &On) {
        self.line(&format!("reset {reference}\nfrom {}\n", at.name()));
    }

    /// Has git make all of it.
    pub(crate) fn import(mut self, git: &Git, storage: Storage) -> Result<Oids> {
        let folder = tempfile::tempdir().doing("a folder for marks")?;
        let file = folder.path().join("marks");
        let marks = format!("--export-marks={}", file.display());
        let limit = match storage {
            Storage::Packed => "fastimport.unpackLimit=1",
            Storage::Loose => "fastimport.unpackLimit=1000000",
        };
        self.line("done");
        git.raw(&["-c", limit, "fast-import", "--quiet", "--force", "--done", &marks], &self.bytes)?;
        let text = std::fs::read_to_string(&file).doing("git's names of objects")?;
        let pairs = text.lines().filter_map(|line| line.strip_prefix(':')?.split_once(' '));
        Ok(Oids(pairs.filter_map(|(mark, oid)| Some((mark.parse().ok()?, oid.to_owned()))).collect()))
    }

    fn next(&mut self) -> Mark {
        self.marks += 1;
        Mark(self.marks)
    }

    fn line(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
    }

    fn data(&mut self, content: &[u8]) {
        self.line(&format!("data {}", content.len()));
        self.bytes.extend_from_slice(content);
        self.bytes.push(b'\n');
    }
}

impl On {
    fn name(&self) -> String {
        match self {
            Self::Mark(mark) => format!(":{}", mark.0),
            Self::Oid(oid) => oid.clone(),
        }
    }
}

/// A path as fast-import reads it.
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            other => text.extend(format!("\\{other:03o}").chars()),
        }
    }
    text + "\""
}
