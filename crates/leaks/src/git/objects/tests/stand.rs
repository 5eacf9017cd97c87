//! Repositories made with git, away from the settings of this machine.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gix_hash::oid;
use gix_object::Kind;

use crate::git::objects::{Mark, Object, Places, Stores, Visited, Visitor};
use crate::{Limits, Unread};

pub(super) struct Repository {
    pub(super) folder: tempfile::TempDir,
}

impl Repository {
    pub(super) fn new(format: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Self { folder };
        repository.git(&["init", "-q", "-b", "main", &format!("--object-format={format}"), "."]);
        repository
    }

    /// Texts that change a little from commit to commit, so that git makes deltas of them.
    pub(super) fn with_history(format: &str, commits: usize) -> Self {
        let repository = Self::new(format);
        let mut lines: Vec<String> =
            (0..400).map(|line| format!("line {line} of a text that is {}\n", line * 7)).collect();
        for commit in 0..commits {
            lines[(commit * 37) % 400] = format!("changed by {commit}, {}\n", commit * 31);
            lines.insert((commit * 91) % 400, format!("inserted by {commit}\n"));
            repository.write("text", lines.concat().as_bytes());
            repository.write(&format!("folder/{}", commit % 5), format!("{commit}").repeat(50).as_bytes());
            repository.commit(&format!("commit {commit}"));
        }
        repository.git(&["tag", "-a", "-m", "a tag", "v1"]);
        repository
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub(super) fn git(&self, arguments: &[&str]) -> Vec<u8> {
        git(self.path(), arguments, &[])
    }

    pub(super) fn git_with(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        git(self.path(), arguments, input)
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.path().join(".git/objects")
    }

    /// The only file of this extension among the packs; writable.
    pub(super) fn pack(&self, extension: &str) -> PathBuf {
        let names =
            std::fs::read_dir(self.objects().join("pack")).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> =
            names.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let path = names.remove(0);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// What git itself finds: each object's kind and content.
    pub(super) fn truth(&self) -> BTreeMap<String, (Kind, Vec<u8>)> {
        let out = self.git(&["cat-file", "--batch-all-objects", "--batch", "--unordered"]);
        let mut rest = &out[..];
        let mut objects = BTreeMap::new();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            let head: Vec<&str> = std::str::from_utf8(&rest[..end]).unwrap().split(' ').collect();
            let size: usize = head[2].parse().unwrap();
            let kind = Kind::from_bytes(head[1].as_bytes()).unwrap();
            objects.insert(head[0].to_owned(), (kind, rest[end + 1..end + 1 + size].to_vec()));
            rest = &rest[end + 2 + size..];
        }
        objects
    }

    pub(super) fn stores(&self, limits: &Limits) -> Stores {
        Stores::open(&Places::of_git_folder(&self.path().join(".git")).unwrap(), limits)
    }

    pub(super) fn visit(&self) -> Seen {
        self.visit_since(None, &Limits::default())
    }

    pub(super) fn visit_since(&self, since: Option<&Mark>, limits: &Limits) -> Seen {
        Seen::of(self.stores(limits).visit(since, Collector::default))
    }
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "someone")
        .env("GIT_AUTHOR_EMAIL", "someone@example.org")
        .env("GIT_COMMITTER_NAME", "someone")
        .env("GIT_COMMITTER_EMAIL", "someone@example.org")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Keeps all that it is shown; its state is the object's bytes, so that what is new can be held to them.
#[derive(Debug, Default)]
pub(super) struct Collector {
    objects: Vec<(String, Kind, Vec<u8>)>,
    streamed: usize,
    deltas: usize,
}

/// Within the first instructions of most deltas, and beyond the first of some.
const HEAD_BYTES: usize = 40;

impl Visitor for Collector {
    type State = Vec<u8>;
    const MARGIN: usize = 8;

    fn object(&mut self, object: &mut Object<'_>, base: Option<&Vec<u8>>) -> Vec<u8> {
        let fresh = object.fresh().to_vec();
        let size = object.size_bytes();
        let head = object.head(HEAD_BYTES).to_vec();
        let bytes = object.bytes().to_vec();
        assert_eq!(size, bytes.len());
        assert_eq!(head, bytes.get(..HEAD_BYTES).unwrap_or(&bytes));
        assert_eq!(head, object.head(HEAD_BYTES));
        if let Some(base) = base {
            self.deltas += 1;
            // Every stretch of eight bytes is in what is new, or in the base.
            let known: HashSet<&[u8]> = fresh.windows(8).chain(base.windows(8)).collect();
            for part in bytes.windows(8) {
                assert!(known.contains(part), "{:?}", String::from_utf8_lossy(part));
            }
        }
        self.objects.push((object.id.to_string(), object.kind, bytes.clone()));
        bytes
    }

    fn stream(&mut self, id: &oid, kind: Kind, size_bytes: u64, content: &mut dyn Read) {
        let mut bytes = Vec::new();
        self.streamed += 1;
        if content.read_to_end(&mut bytes).is_ok() {
            assert_eq!(bytes.len() as u64, size_bytes);
            self.objects.push((id.to_string(), kind, bytes));
        }
    }
}

/// All that was shown.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) objects: BTreeMap<String, (Kind, Vec<u8>)>,
    pub(super) unread: Vec<Unread>,
    pub(super) more_unread: u64,
    pub(super) mark: Mark,
    pub(super) deltas: usize,
    pub(super) streamed: usize,
}

impl Seen {
    pub(super) fn of(visited: Visited<Collector>) -> Self {
        let mut objects = BTreeMap::new();
        let deltas = visited.visitors.iter().map(|visitor| visitor.deltas).sum();
        let streamed = visited.visitors.iter().map(|visitor| visitor.streamed).sum();
        for (id, kind, bytes) in visited.visitors.into_iter().flat_map(|visitor| visitor.objects) {
            assert!(objects.insert(id.clone(), (kind, bytes)).is_none(), "{id} was shown twice");
        }
        let (unread, more_unread, mark) = (visited.unread, visited.more_unread, visited.mark);
        Self { objects, unread, more_unread, mark, deltas, streamed }
    }

    /// What was told, a line each.
    pub(super) fn told(&self) -> Vec<String> {
        self.unread
            .iter()
            .map(|unread| format!("{}: {:?}", String::from_utf8_lossy(&unread.what), unread.why))
            .collect()
    }

    /// Everything is as git has it, and nothing is told.
    pub(super) fn assert_all(&self, repository: &Repository) {
        assert_eq!(self.told(), Vec::<String>::new());
        let truth = repository.truth();
        assert_eq!(self.objects.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>());
        assert!(self.objects == truth);
    }
}
