//! Commits, branches, merges, tags, notes, stashes, and what nothing leads to.

use super::{Bed, key, of, one, paths, provenance, report_of};
use crate::{InHead, Object, Pushed};

#[test]
fn tells_the_first_commit_line_path_and_branches() {
    let bed = Bed::new();
    bed.commit("readme", "nothing");
    let first = bed.commit("deep/er/.env", &format!("a=1\n  b={}\n", key(1)));
    bed.git(&["branch", "other"]);
    bed.commit("deep/er/.env", &format!("a=1\nc=2\nb={}\n", key(1)));
    bed.git(&["tag", "v1"]);
    let findings = bed.scan();
    let (finding, found) = one(&findings, 1);
    assert_eq!((finding.place.line, finding.place.column, finding.also), (Some(2), Some(5), 1));
    let author = found.first.as_ref().unwrap();
    assert_eq!(author.commit, first);
    assert_eq!((&author.name[..], &author.email[..]), (&b"Ann Author"[..], &b"ann@example.test"[..]));
    assert_eq!(author.date.unwrap().as_second(), 1_700_000_000 + 60 * 6);
    assert_eq!(paths(found), ["deep/er/.env"]);
    assert_eq!(found.refs, ["refs/heads/main", "refs/heads/other", "refs/tags/v1"]);
    assert_eq!((found.object, found.in_head, found.pushed), (Object::Blob, InHead::Yes, Pushed::Unknown));
    assert_eq!(found.id.as_deref().unwrap(), bed.git(&["rev-parse", &format!("{first}:deep/er/.env")]));
}

#[test]
fn a_deleted_file_is_in_the_history_only() {
    let bed = Bed::new();
    let first = bed.commit("a", &key(1));
    bed.git(&["rm", "-q", "a"]);
    bed.commit("b", "x");
    let findings = bed.scan();
    let (_, found) = one(&findings, 1);
    assert_eq!(found.in_head, InHead::HistoryOnly);
    assert_eq!(found.first.as_ref().unwrap().commit, first);
    assert_eq!(found.refs, ["refs/heads/main"]);
}

#[test]
fn a_file_that_was_moved_keeps_its_first_commit_and_has_both_paths() {
    let bed = Bed::new();
    let first = bed.commit("old/a", &key(1));
    bed.git(&["mv", "old", "new"]);
    bed.git(&["commit", "-q", "-m", "moved"]);
    let findings = bed.scan();
    let (_, found) = one(&findings, 1);
    assert_eq!(found.first.as_ref().unwrap().commit, first);
    assert_eq!(paths(found), ["new/a", "old/a"]);
}

#[test]
fn what_only_a_merge_has_is_the_merges() {
    let bed = Bed::new();
    bed.commit("a", "1");
    bed.git(&["checkout", "-q", "-b", "side"]);
    bed.commit("b", "2");
    bed.git(&["checkout", "-q", "main"]);
    bed.commit("c", "3");
    bed.git(&["merge", "-q", "--no-commit", "side"]);
    let merge = bed.commit("c", &key(1));
    let findings = bed.scan();
    assert_eq!(one(&findings, 1).1.first.as_ref().unwrap().commit, merge);
}

/// The clock of who branched off may say what it likes.
#[test]
fn of_two_branches_the_forefather_is_first() {
    let bed = Bed::new();
    bed.commit("a", "1");
    let first = bed.commit("k", &key(1));
    bed.git(&["checkout", "-q", "-b", "side", "HEAD^"]);
    bed.commit("other", "x");
    bed.git(&["merge", "-q", "main", "-m", "merge"]);
    let findings = bed.scan();
    let (_, found) = one(&findings, 1);
    assert_eq!(found.first.as_ref().unwrap().commit, first);
    assert_eq!(found.refs, ["refs/heads/main", "refs/heads/side"]);
}

#[test]
fn messages_of_commits_and_tags() {
    let bed = Bed::new();
    bed.write("a", "1");
    bed.git(&["add", "-A"]);
    bed.git(&["commit", "-q", "-m", &format!("first\n\nuse {}", key(1))]);
    let commit = bed.git(&["rev-parse", "HEAD"]);
    bed.git(&["tag", "-a", "v1", "-m", &format!("with {}", key(2))]);
    bed.git(&["update-ref", "-d", "refs/heads/main"]);
    std::fs::remove_dir_all(bed.path.join(".git/logs")).unwrap();
    std::fs::remove_file(bed.path.join(".git/COMMIT_EDITMSG")).unwrap();
    drop(std::fs::remove_file(bed.path.join(".git/TAG_EDITMSG")));
    let findings = bed.scan();
    let (finding, found) = one(&findings, 1);
    assert_eq!((found.object, found.in_head), (Object::Commit, InHead::HistoryOnly));
    assert_eq!(finding.place.line, Some(7));
    assert_eq!(found.id.as_deref(), Some(commit.as_str()));
    assert_eq!(found.first.as_ref().unwrap().commit, commit);
    assert_eq!(found.refs, ["refs/tags/v1"]);
    let (_, found) = one(&findings, 2);
    assert_eq!((found.object, &found.refs[..]), (Object::Tag, &["refs/tags/v1".to_owned()][..]));
    assert_eq!(found.first.as_ref().unwrap().name, b"Carl");
    assert_eq!(found.first.as_ref().unwrap().commit, commit);
}

#[test]
fn a_note_says_what_it_is_on() {
    let bed = Bed::new();
    let commit = bed.commit("a", "1");
    bed.git(&["notes", "add", "-m", &key(1)]);
    let findings = bed.scan();
    let notes: Vec<_> = of(&findings, 1).into_iter().map(provenance).collect();
    let note = notes.iter().find(|found| found.object == Object::Note).unwrap();
    assert_eq!(paths(note), [commit]);
    assert_eq!(note.refs, ["refs/notes/commits"]);
}

#[test]
fn stashes_and_what_only_reflogs_know() {
    let bed = Bed::new();
    bed.commit("a", "1");
    bed.write("a", &key(1));
    bed.git(&["stash", "-q"]);
    bed.write("a", &key(2));
    bed.git(&["stash", "-q"]);
    bed.commit("b", &key(3));
    bed.git(&["reset", "-q", "--hard", "HEAD^"]);
    std::fs::remove_file(bed.path.join(".git/ORIG_HEAD")).unwrap();
    let findings = bed.scan();
    let (_, older) = one(&findings, 1);
    assert_eq!((&older.refs[..], older.in_head), (&["refs/stash@{1}".to_owned()][..], InHead::HistoryOnly));
    let (_, newer) = one(&findings, 2);
    assert_eq!(newer.refs, ["refs/stash"]);
    assert_eq!(paths(newer), ["a"]);
    let (_, reset) = one(&findings, 3);
    assert_eq!(reset.refs, ["reflog of HEAD", "reflog of refs/heads/main"]);
    assert_eq!(reset.in_head, InHead::HistoryOnly);
    assert!(reset.first.is_some());
}

#[test]
fn what_nothing_leads_to() {
    let bed = Bed::new();
    bed.commit("a", "1");
    let lost = bed.commit("dir/b", &key(1));
    bed.git(&["reset", "-q", "--hard", "HEAD^"]);
    bed.git(&["reflog", "expire", "--expire=now", "--all"]);
    std::fs::remove_file(bed.path.join(".git/ORIG_HEAD")).unwrap();
    bed.write("loose", &key(2));
    bed.git(&["hash-object", "-w", "loose"]);
    let findings = bed.scan();
    let (_, found) = one(&findings, 1);
    assert_eq!((found.in_head, &found.refs[..]), (InHead::Unreachable, &[][..]));
    assert_eq!(found.first.as_ref().unwrap().commit, lost);
    assert_eq!(paths(found), ["dir/b"]);
    let (_, found) = one(&findings, 2);
    assert_eq!((found.in_head, found.object), (InHead::Unreachable, Object::Blob));
    assert!(found.first.is_none() && found.paths.is_empty());
}

#[test]
fn a_tree_without_a_commit_gives_paths() {
    let bed = Bed::new();
    bed.commit("a", "1");
    bed.write("x/y/z", &key(1));
    bed.git(&["add", "-A"]);
    bed.git(&["write-tree"]);
    bed.git(&["rm", "-q", "--cached", "-r", "x"]);
    let findings = bed.scan();
    let (_, found) = one(&findings, 1);
    assert_eq!(paths(found), ["x/y/z"]);
    assert_eq!(found.in_head, InHead::Unreachable);
}

#[test]
fn names_of_files() {
    let bed = Bed::new();
    let commit = bed.commit(&format!("dir/{}.txt", key(1)), "x");
    let findings = bed.scan();
    let (finding, found) = of(&findings, 1)
        .into_iter()
        .map(|finding| (finding, provenance(finding)))
        .find(|(_, found)| found.object == Object::Tree)
        .unwrap();
    assert_eq!(paths(found), [format!("dir/{}.txt", key(1))]);
    assert_eq!((finding.place.line, found.in_head), (None, InHead::Yes));
    assert_eq!(found.first.as_ref().unwrap().commit, commit);
}

#[test]
fn knows_what_was_pushed() {
    let bed = Bed::new();
    bed.commit("a", &key(1));
    let clone = bed.path.with_file_name("clone");
    bed.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    std::fs::write(clone.join("b"), key(2)).unwrap();
    bed.git_in(&clone, &["add", "-A"]);
    bed.git_in(&clone, &["commit", "-q", "-m", "b"]);
    let report = report_of(&clone);
    assert_eq!(report.unread, []);
    assert_eq!(one(&report.findings, 1).1.pushed, Pushed::Yes);
    let (_, found) = one(&report.findings, 2);
    assert_eq!((found.pushed, &found.refs[..]), (Pushed::No, &["refs/heads/main".to_owned()][..]));

    let bare = bed.path.with_file_name("bare");
    bed.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let report = report_of(&bare);
    let (_, found) = one(&report.findings, 1);
    assert_eq!((found.pushed, found.in_head), (Pushed::Unknown, InHead::Yes));
}

#[test]
fn shallow_clones_and_sha256() {
    let bed = Bed::with(&["init", "-q", "-b", "main", "--object-format=sha256", "."]);
    bed.commit("a", "0");
    let first = bed.commit("dir/a", &key(1));
    let tip = bed.commit("b", "0");
    let findings = bed.scan();
    assert_eq!(one(&findings, 1).1.first.as_ref().unwrap().commit, first);
    assert_eq!(first.len(), 64);

    let clone = bed.path.with_file_name("clone");
    bed.git(&[
        "clone",
        "-q",
        "--depth=1",
        &format!("file://{}", bed.path.display()),
        clone.to_str().unwrap(),
    ]);
    let report = report_of(&clone);
    assert_eq!(report.unread.len(), 1, "the history before it is told: {:?}", report.unread);
    assert_eq!(one(&report.findings, 1).1.first.as_ref().unwrap().commit, tip);
}

#[test]
fn a_partial_clone_is_told() {
    let bed = Bed::new();
    bed.git(&["config", "uploadpack.allowFilter", "true"]);
    bed.commit("a", &key(1));
    let url = format!("file://{}", bed.path.display());
    let clone = bed.path.with_file_name("clone");
    bed.git(&["clone", "-q", "--bare", "--filter=blob:none", &url, clone.to_str().unwrap()]);
    let report = report_of(&clone);
    assert!(report.findings.is_empty());
    assert_eq!(report.unread.len(), 1);
}

#[test]
fn what_alternates_hold_is_read() {
    let bed = Bed::new();
    let first = bed.commit("a", &key(1));
    let clone = bed.path.with_file_name("clone");
    bed.git(&["clone", "-q", "--shared", ".", clone.to_str().unwrap()]);
    let report = report_of(&clone);
    assert_eq!(report.unread, []);
    assert_eq!(one(&report.findings, 1).1.first.as_ref().unwrap().commit, first);
}
