//! The walk on real folders.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use detector::Detector;
use model::{Fingerprint, Secret};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;
use crate::{Source, Why};

/// A legacy key that nobody ever had.
fn key(number: u32) -> String {
    let digits = Fingerprint::of(&Secret::new(format!("canary {number}"))).to_string();
    format!("n8n_api_{digits}{}", digits.get(..16).unwrap_or_default())
}

struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: impl AsRef<Path>, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn folder(&self, name: &str) {
        std::fs::create_dir_all(self.path().join(name)).unwrap();
    }

    /// A repository's outside.
    fn git(&self, name: &str) {
        for part in ["objects", "refs"] {
            self.folder(&format!("{name}/{part}"));
        }
        self.file(format!("{name}/HEAD"), "ref: refs/heads/main\n");
    }

    fn scan(&self, excluded: &[&str], reads: Reads) -> (Report, Vec<String>) {
        let limits = Limits { threads: 3, ..Limits::default() };
        let contents = Contents::new(Arc::new(Detector::new()), limits.clone());
        let excluded = Excluded::of(excluded.iter().copied()).unwrap();
        let mut report = Report::default();
        let roots = vec![self.path().to_owned()];
        let met = scan(roots, reads, &excluded, &contents, &limits, &mut report);
        let met = met.into_iter().map(|one| format!("{:?} {}", one.git, self.within(&one.path)));
        (report, met.collect())
    }

    fn within(&self, path: &Path) -> String {
        path.strip_prefix(self.path()).unwrap().to_string_lossy().into_owned()
    }

    /// Files with findings, as many as each has.
    fn found(&self, report: &Report) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for finding in &report.findings {
            let Source::File(path) = &finding.place.source else { panic!("{finding:?}") };
            *found.entry(self.within(path)).or_default() += 1;
        }
        found
    }

    fn unread(&self, report: &Report) -> Vec<(String, Why)> {
        let name = |what: &[u8]| self.within(Path::new(OsStr::from_bytes(what)));
        report.unread.iter().map(|unread| (name(&unread.what), unread.why.clone())).collect()
    }
}

#[test]
fn every_file_is_read_whatever_it_is_called_and_wherever_it_lies() {
    let tree = Tree::new();
    let names = [".env", "a/b/c/d/e/x", ".gitignored/x", "target/x", "image.png", "-", "a b\n", "ü"];
    for (number, name) in (0..).zip(names) {
        tree.file(name, &format!("KEY={}\n", key(number)));
    }
    tree.file(".gitignore", "*\n");
    tree.file("empty", "");
    for number in 0..1_000 {
        tree.file(format!("many/{number}"), if number % 100 == 7 { "" } else { "x" });
    }
    tree.file("large", &format!("{}{}", "x".repeat(3 << 20), format_args!("\n  {}\n", key(99))));
    let (report, met) = tree.scan(&[], Reads::Files);
    let mut expected: BTreeMap<String, usize> = names.iter().map(|name| ((*name).to_owned(), 1)).collect();
    expected.insert("large".to_owned(), 1);
    assert_eq!((tree.found(&report), met), (expected, vec![]));
    assert_eq!((report.tally.files, report.is_partial()), (1_000 + 8 + 3, false), "{:?}", report.unread);
    let large = report.findings.iter().find(|one| one.place.line == Some(2)).unwrap();
    assert_eq!(large.place.column, Some(3));
}

#[test]
fn links_are_counted_and_not_followed() {
    let (tree, outside) = (Tree::new(), Tree::new());
    outside.file("x", &key(1));
    symlink(outside.path(), tree.path().join("folder")).unwrap();
    symlink(outside.path().join("x"), tree.path().join("file")).unwrap();
    symlink("..", tree.path().join("loop")).unwrap();
    symlink("nowhere", tree.path().join("dangling")).unwrap();
    symlink(key(2), tree.path().join("its-text")).unwrap();
    let (report, _) = tree.scan(&[], Reads::Files);
    assert_eq!(tree.found(&report), BTreeMap::from([("its-text".to_owned(), 1)]));
    assert_eq!((report.tally.links, report.tally.files, report.is_partial()), (5, 0, false));
}

#[test]
fn a_link_that_was_named_itself_is_what_it_leads_to() {
    let (tree, outside) = (Tree::new(), Tree::new());
    outside.file("x", &key(1));
    symlink(outside.path(), tree.path().join("folder")).unwrap();
    let limits = Limits::default();
    let contents = Contents::new(Arc::new(Detector::new()), limits.clone());
    let mut report = Report::default();
    let roots = vec![tree.path().join("folder"), outside.path().join("x"), tree.path().join("not-there")];
    scan(roots, Reads::Files, &Excluded::default(), &contents, &limits, &mut report);
    assert_eq!(tree.unread(&report), [("not-there".to_owned(), Why::Changed)]);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn pipes_and_sockets_are_not_opened() {
    let tree = Tree::new();
    // Who opened it to read would wait for a writer.
    mknodat(CWD, tree.path().join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = UnixListener::bind(tree.path().join("socket")).unwrap();
    let (report, _) = tree.scan(&[], Reads::Files);
    assert_eq!((report.tally.special, report.tally.files, report.is_partial()), (2, 0, false));
}

#[test]
fn names_may_be_keys() {
    let tree = Tree::new();
    tree.file(format!("{}/x", key(1)), "");
    tree.file(key(2), "");
    tree.folder(&format!("empty/{}", key(3)));
    let (report, _) = tree.scan(&[], Reads::Files);
    let lines: Vec<_> = report.findings.iter().map(|one| one.place.line).collect();
    assert_eq!(lines, [None; 3], "{report:?}");
}

#[test]
fn repositories_are_handed_back_and_not_read_as_files() {
    let tree = Tree::new();
    tree.git(".git");
    tree.file(".git/objects/x", &key(1));
    tree.git("bare.git");
    tree.git("a/nested/.git");
    tree.file("a/nested/x", &key(2));
    tree.file("a/linked/.git", "gitdir: /elsewhere/.git/worktrees/linked\n");
    tree.file("a/linked/x", &key(3));
    // Neither is one.
    tree.file("looks/.git", &key(4));
    tree.file("folder/.git/x", &key(5));
    tree.file("b/HEAD", &key(6));
    tree.folder("b/objects");
    symlink("elsewhere", tree.path().join("b/.git")).unwrap();
    let (report, met) = tree.scan(&[], Reads::Files);
    assert_eq!(met, ["Folder ", "Pointer a/linked", "Folder a/nested", "Bare bare.git"]);
    let files = ["a/linked/x", "a/nested/x", "b/HEAD", "folder/.git/x", "looks/.git"];
    assert_eq!(tree.found(&report), files.map(|name| (name.to_owned(), 1)).into());
    assert_eq!(tree.unread(&report), [("b/.git".to_owned(), Why::Unsupported("a repository behind a link"))]);
    let (report, met) = tree.scan(&[], Reads::RepositoriesOnly);
    assert_eq!((met.len(), report.findings.len(), report.tally.files), (4, 0, 0));
}

/// Sees folders and repositories.
#[derive(Default)]
struct Folders {
    met: Vec<String>,
}

impl Visitor for Folders {
    fn enters(&mut self, _path: &Path) -> bool {
        true
    }

    fn wants_files(&self) -> bool {
        false
    }

    fn meets(&mut self, path: &Path, what: Met<'_>) {
        let what = match what {
            Met::Folder(_) => "folder",
            Met::Repository(_) => "repository",
            _ => panic!("{}: {what:?}", path.display()),
        };
        self.met.push(format!("{what} {}", path.file_name().unwrap().display()));
    }
}

#[test]
fn no_file_is_opened_for_who_wants_none() {
    let tree = Tree::new();
    tree.file("a/x", "");
    tree.git("a/b/.git");
    symlink("/", tree.path().join("a/link")).unwrap();
    let mut met = walk(vec![tree.path().join("a")], vec![Folders::default()]).remove(0).met;
    met.sort();
    assert_eq!(met, ["folder a", "folder b", "repository b"]);
}

#[test]
fn a_repository_whose_objects_lie_behind_a_link_is_one() {
    let tree = Tree::new();
    for git in [".git", "bare"] {
        tree.file(format!("a/{git}/HEAD"), "ref: refs/heads/main\n");
        tree.folder(&format!("a/{git}/refs"));
        symlink("/elsewhere", tree.path().join(format!("a/{git}/objects"))).unwrap();
    }
    let (_, met) = tree.scan(&[], Reads::Files);
    assert_eq!(met, ["Folder a", "Bare a/bare"]);
}

#[test]
fn what_is_excluded_is_counted() {
    let tree = Tree::new();
    tree.file("a/x.txt", &key(1));
    tree.file("b/c/x.txt", &key(2));
    tree.file("b/c/y.log", &key(3));
    tree.git("b/.git");
    let (report, met) = tree.scan(&["a", "*.log", ".git"], Reads::Files);
    assert_eq!(tree.found(&report), BTreeMap::from([("b/c/x.txt".to_owned(), 1)]));
    assert_eq!((report.tally.excluded, met), (3, vec![]));
}

#[test]
fn faces_of_the_system_are_told_and_not_read() {
    let limits = Limits::default();
    let contents = Contents::new(Arc::new(Detector::new()), limits.clone());
    let mut report = Report::default();
    scan(vec!["/proc".into()], Reads::Files, &Excluded::default(), &contents, &limits, &mut report);
    assert_eq!((report.tally.files, report.unread.len()), (0, 1));
    assert_eq!(report.unread[0].why, Why::Unsupported("proc"));
}

#[test]
fn the_repository_around_a_folder_is_found() {
    let tree = Tree::new();
    tree.git("r/.git");
    tree.folder("r/a/b");
    tree.file("r/sub/.git", "gitdir: ../.git/modules/sub\n");
    let around = |name: &str| {
        around(&tree.path().join(name)).unwrap().map(|(path, git)| {
            (path.strip_prefix(tree.path().canonicalize().unwrap()).unwrap().to_owned(), git)
        })
    };
    assert_eq!(around("r/a/b"), Some(("r".into(), Git::Folder)));
    assert_eq!(around("r/sub"), Some(("r/sub".into(), Git::Pointer)));
    assert_eq!(around("r/.git"), Some(("r/.git".into(), Git::Bare)));
}
