//! Files of a git folder that were damaged: reading them ends, what it leaves is bounded, and no object is hidden by it.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index as Spot;
use proptest::test_runner::TestRunner;

use super::{Bed, contents, key, of};
use crate::git::{Options, Scanned, scan, staged};
use crate::{Limits, Report};

const MAX_FINDINGS: usize = 12;
const MAX_UNREAD: usize = 6;

/// What is done to a file.
#[derive(Clone, Debug)]
enum Damage {
    Overwrite(Spot, Vec<u8>),
    Insert(Spot, Vec<u8>),
    Cut(Spot),
    /// A part of it, once more, so many times.
    Repeat(Spot, usize, usize),
}

impl Damage {
    fn on(self, bytes: &mut Vec<u8>) {
        let place = |spot: Spot| spot.index(bytes.len() + 1);
        match self {
            Self::Overwrite(spot, with) => {
                let at = place(spot);
                let end = bytes.len().min(at + with.len());
                bytes.splice(at..end, with);
            }
            Self::Insert(spot, with) => {
                let at = place(spot);
                bytes.splice(at..at, with);
            }
            Self::Cut(spot) => bytes.truncate(place(spot)),
            Self::Repeat(spot, length, times) => {
                let at = place(spot);
                let part = bytes[at..bytes.len().min(at + length)].repeat(times);
                bytes.splice(at..at, part);
            }
        }
    }
}

/// Numbers at the ends of what they can be do more harm than others.
fn harmful() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        &[0xff; 4],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0; 8],
        b"\n",
        b"ref: HEAD\n",
        b"ref: ../../..\n",
        b"\0link\0\0\0\x14",
        b"TREE\xff\xff\xff\xff",
        b"[remote \"",
        b"9999999999999999999999",
        b"\x1b[2J",
        b"[[[[{{{{\"",
    ];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..5),
        prop::collection::vec(any::<u8>(), 40..200),
        prop::sample::select(words).prop_map(<[u8]>::to_vec),
    ]
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        4 => (any::<Spot>(), harmful()).prop_map(|(at, with)| Damage::Overwrite(at, with)),
        2 => (any::<Spot>(), harmful()).prop_map(|(at, with)| Damage::Insert(at, with)),
        1 => any::<Spot>().prop_map(Damage::Cut),
        1 => (any::<Spot>(), 1..200_usize, 1..300_usize).prop_map(|(at, length, times)| Damage::Repeat(at, length, times)),
    ];
    prop::collection::vec(one, 1..4)
}

fn limits() -> Limits {
    Limits {
        max_findings: MAX_FINDINGS,
        max_unread: MAX_UNREAD,
        max_unpacked_bytes: 4 << 20,
        threads: 1,
        ..Limits::default()
    }
}

fn check_bounds(report: &Report) {
    assert!(report.findings.len() <= MAX_FINDINGS && report.unread.len() <= MAX_UNREAD);
    for unread in &report.unread {
        assert!(unread.what.len() < 1 << 12, "a name of {} bytes", unread.what.len());
    }
}

fn scanned(path: &Path, cursors: Option<&Path>) -> (Report, Scanned) {
    let options = Options { limits: limits(), cursors: cursors.map(Path::to_owned) };
    let mut report = Report::default();
    let scanned = scan(path, &contents(), &options, &mut report).unwrap();
    check_bounds(&report);
    (report, scanned)
}

/// Runs a check on a file that was damaged, and puts it back.
fn damage(path: &Path, cases: u32, check: impl Fn()) {
    let sound = std::fs::read(path).unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(cases));
    runner
        .run(&damages(), |damages| {
            let mut bytes = sound.clone();
            for damage in damages {
                damage.on(&mut bytes);
            }
            std::fs::write(path, bytes).unwrap();
            check();
            Ok(())
        })
        .unwrap();
    std::fs::write(path, sound).unwrap();
}

#[test]
fn no_damaged_file_hides_an_object() {
    let bed = Bed::new();
    bed.commit("a", &key(1));
    bed.commit("a", "2");
    bed.git(&["tag", "-m", "x", "v1"]);
    bed.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    bed.git(&["pack-refs", "--all"]);
    bed.git(&["branch", "loose"]);
    bed.git(&["config", "remote.origin.url", "https://example.test/x"]);
    let linked = bed.path.with_file_name("linked");
    bed.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "loose"]);
    let git = bed.path.join(".git");
    for name in [
        "HEAD",
        "config",
        "index",
        "logs/HEAD",
        "logs/refs/heads/main",
        "packed-refs",
        "refs/heads/loose",
        "worktrees/linked/HEAD",
        "worktrees/linked/commondir",
        "worktrees/linked/gitdir",
        "worktrees/linked/index",
    ] {
        damage(&git.join(name), 24, || {
            let (report, _) = scanned(&bed.path, None);
            assert_eq!(of(&report.findings, 1).len(), 1, "{name}: {report:?}");
        });
    }
}

#[test]
fn damaged_indexes_are_endured() {
    for form in ["2", "3", "4", "split"] {
        let bed = Bed::new();
        bed.commit("dir/sub/one", "1");
        bed.commit("dir/two", "2");
        bed.git(&["write-tree"]);
        match form {
            "split" => bed.git(&["update-index", "--split-index"]),
            form => bed.git(&["update-index", "--index-version", form]),
        };
        bed.write("dir/three", &key(1));
        bed.git(&["add", "-A"]);
        bed.git(&["rm", "-q", "--cached", "dir/two"]);
        let contents = contents();
        let check = |is_sound: bool| {
            let mut report = Report::default();
            staged(&bed.path, None, &contents, &limits(), &mut report).unwrap();
            check_bounds(&report);
            assert!(!is_sound || of(&report.findings, 1).len() == 1, "{form}: {report:?}");
        };
        check(true);
        let git = bed.path.join(".git");
        damage(&git.join("index"), 150, || check(false));
        let entries = std::fs::read_dir(&git).unwrap().map(|entry| entry.unwrap().path());
        for shared in entries.filter(|path| path.to_string_lossy().contains("/sharedindex.")) {
            damage(&shared, 150, || check(false));
        }
        check(true);
    }
}

#[test]
fn a_damaged_cursor_that_is_refused_hides_nothing() {
    let bed = Bed::new();
    bed.commit("a", &key(1));
    bed.git(&["repack", "-adq"]);
    bed.commit("b", "2");
    let cursors = tempfile::tempdir().unwrap();
    let (_, first) = scanned(&bed.path, Some(cursors.path()));
    first.keep(cursors.path()).unwrap();
    let file = std::fs::read_dir(cursors.path()).unwrap().next().unwrap().unwrap().path();
    assert!(scanned(&bed.path, Some(cursors.path())).0.findings.is_empty());
    damage(&file, 100, || {
        let (report, scanned) = scanned(&bed.path, Some(cursors.path()));
        // Of one that still can be read, a changed checksum has its pack read again: that tells too much, not too little.
        assert!(of(&report.findings, 1).len() >= scanned.unusable.len(), "{:?}", scanned.unusable);
    });
}
