//! What a git folder holds beside objects, linked work trees, submodules, hostile folders.

use super::{Bed, key, of, one, paths, provenance, report_of};
use crate::{InHead, Object, Report};

#[test]
fn files_of_the_git_folder() {
    let bed = Bed::new();
    bed.commit("a", "1");
    bed.git(&["config", "remote.origin.url", &format!("https://u:{}@example.test/x", key(1))]);
    bed.write(".git/hooks/pre-commit", &format!("#!/bin/sh\ncurl -H {}\n", key(2)));
    bed.write(".git/rebase-merge/message", &key(3));
    bed.write(".git/lfs/objects/aa/bb/x", &key(4));
    bed.git(&["branch", &format!("fix-{}", key(5))]);
    let findings = bed.scan();
    let (finding, found) = one(&findings, 1);
    assert_eq!(
        (found.object, found.in_head, paths(found)),
        (Object::Administrative, InHead::Beside, vec!["config"])
    );
    assert!(finding.place.line.unwrap() > 1 && found.id.is_none());
    assert_eq!(one(&findings, 2).0.place.line, Some(2));
    assert_eq!(paths(one(&findings, 3).1), ["rebase-merge/message"]);
    assert_eq!(paths(one(&findings, 4).1), ["lfs/objects/aa/bb/x"]);
    let names: Vec<_> = of(&findings, 5).into_iter().map(provenance).collect();
    let name = names.iter().find(|found| found.object == Object::RefName).unwrap();
    assert_eq!(name.refs, [format!("refs/heads/fix-{}", key(5))]);
}

/// Git passes over what lies there and is none of its own; whoever looks for keys may not.
#[test]
fn what_lies_among_objects_and_refs() {
    let bed = Bed::new();
    bed.commit("a", "1");
    bed.write(".git/objects/x.env", &key(1));
    bed.write(".git/objects/info/x", &key(2));
    bed.write(".git/objects/pack/pack-x.keep", &key(3));
    bed.write(".git/refs/heads/x", &format!("{}\n{}\n", "1".repeat(40), key(4)));
    bed.write(".git/refs/y", &format!("ref: {}\n", key(5)));
    bed.write(".git/packed-refs", &format!("# pack-refs with: peeled\n# {}\n", key(6)));
    let findings = bed.scan();
    let names = (1..=6).map(|number| paths(one(&findings, number).1).remove(0).to_owned());
    let expected = [
        "objects/x.env",
        "objects/info/x",
        "objects/pack/pack-x.keep",
        "refs/heads/x",
        "refs/y",
        "packed-refs",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert_eq!(one(&findings, 4).0.place.line, Some(2));
    bed.write(".git/objects/pack/pack-x.old", "PACK\0\0\0\u{2}");
    assert_eq!(bed.report().unread.len(), 1);
}

#[test]
fn objects_behind_a_link_are_read_and_other_repositories_behind_one_are_told() {
    let bed = Bed::new();
    bed.commit("a", &key(1));
    let away = bed.path.with_file_name("away");
    std::fs::rename(bed.path.join(".git/objects"), &away).unwrap();
    std::os::unix::fs::symlink(&away, bed.path.join(".git/objects")).unwrap();
    assert_eq!(paths(one(&bed.scan(), 1).1), ["a"]);
    for name in ["modules", "worktrees/x"] {
        let link = bed.path.join(".git").join(name);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&away, link).unwrap();
    }
    let unread = bed.report().unread;
    assert!(
        unread.len() == 2
            && unread.iter().all(|one| one.why == crate::Why::Unsupported("a repository behind a link"))
    );
}

#[test]
fn lines_of_reflogs() {
    let bed = Bed::new();
    bed.commit("a", "1");
    bed.git(&["update-ref", "--create-reflog", "-m", &format!("took {}", key(1)), "refs/heads/x", "HEAD"]);
    let findings = bed.scan();
    let (finding, found) = one(&findings, 1);
    assert_eq!((found.object, paths(found)), (Object::Reflog, vec!["logs/refs/heads/x"]));
    assert_eq!(finding.place.line, Some(1));
    assert_eq!(found.first.as_ref().unwrap().commit, bed.git(&["rev-parse", "HEAD"]));
}

#[test]
fn linked_work_trees() {
    let bed = Bed::new();
    bed.commit("a", "1");
    let linked = bed.path.with_file_name("linked");
    bed.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    std::fs::write(linked.join("b"), key(1)).unwrap();
    bed.git_in(&linked, &["add", "b"]);
    bed.git_in(&linked, &["commit", "-q", "-m", "b"]);
    std::fs::write(linked.join("c"), key(2)).unwrap();
    bed.git_in(&linked, &["add", "c"]);
    for path in [&bed.path, &linked] {
        let report = report_of(path);
        assert_eq!(report.unread, []);
        let (_, found) = one(&report.findings, 1);
        assert_eq!(
            (&found.refs[..], found.in_head),
            (&["worktrees/linked/HEAD".to_owned()][..], InHead::Yes)
        );
        assert_eq!(one(&report.findings, 2).1.object, Object::Index);
    }
}

#[test]
fn submodules_are_repositories_of_their_own() {
    let bed = Bed::new();
    let inner = Bed::new();
    inner.commit("k", &key(1));
    bed.commit("a", "1");
    bed.git(&["submodule", "-q", "add", inner.path.to_str().unwrap(), "sub/dir"]);
    let report = bed.report();
    assert_eq!(report.unread, []);
    assert_eq!(report.tally.repositories, 2);
    let (_, found) = one(&report.findings, 1);
    assert_eq!(found.repository, bed.path.join(".git/modules/sub/dir"));
    assert_eq!(found.in_head, InHead::Yes);
    // By its own work tree.
    assert_eq!(one(&report_of(&bed.path.join("sub/dir")).findings, 1).1.in_head, InHead::Yes);
}

#[test]
fn a_submodule_that_points_out_is_told() {
    let bed = Bed::new();
    let other = Bed::new();
    other.commit("k", &key(1));
    bed.commit("a", "1");
    bed.write(".git/modules/x/HEAD", "ref: refs/heads/main\n");
    bed.write(".git/modules/x/commondir", &format!("{}\n", other.path.join(".git").display()));
    let report = bed.report();
    assert!(report.findings.is_empty());
    assert_eq!(report.unread.len(), 1);
}

#[test]
fn what_a_shallow_clone_does_not_hold_is_told() {
    let bed = Bed::new();
    bed.commit("k", &key(1));
    bed.git(&["rm", "-q", "k"]);
    bed.commit("a", "1");
    assert!(bed.report().unread.is_empty());
    let from = format!("file://{}", bed.path.display());
    bed.git(&["clone", "-q", "--depth", "1", &from, "shallow"]);
    let report = report_of(&bed.path.join("shallow"));
    assert!(report.findings.is_empty(), "the key is in a commit that was not fetched");
    assert_eq!(report.unread.len(), 1, "so it is not clean: {:?}", report.unread);
    bed.git_in(&bed.path.join("shallow"), &["fetch", "-q", "--unshallow"]);
    assert!(report_of(&bed.path.join("shallow")).unread.is_empty());
}

#[test]
fn broken_and_hostile_refs_do_no_harm() {
    let bed = Bed::new();
    bed.commit("a", &key(1));
    bed.write(".git/refs/heads/loop", "ref: refs/heads/loop\n");
    bed.write(".git/refs/heads/none", "1111111111111111111111111111111111111111\n");
    bed.write(".git/refs/heads/short", "11\n");
    bed.write(".git/refs/heads/\u{1b}[31m\r", "ref: ../../../../etc/passwd\n");
    bed.write(".git/packed-refs", "# pack-refs\nxx yy\n^11\n1111 refs/x\n\n");
    std::os::unix::fs::symlink("/dev/zero", bed.path.join(".git/refs/heads/zero")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", bed.path.join(".git/MERGE_MSG")).unwrap();
    let findings = bed.scan();
    assert_eq!(one(&findings, 1).1.refs, ["refs/heads/main"]);
}

#[test]
fn what_is_no_repository() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".git"), "gitdir: .git\n").unwrap();
    let outcome =
        super::scan(folder.path(), &super::contents(), &super::Options::default(), &mut Report::default());
    assert!(outcome.unwrap_err().to_string().contains("no git repository"));
}
