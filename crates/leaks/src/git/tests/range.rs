//! Pushes.

use super::{Bed, contents, key, of, one, paths};
use crate::git::{KnownRefs, Range, range};
use crate::{Finding, InHead, Limits, Object, Report};

fn read(bed: &Bed, asked: &Range) -> Vec<Finding> {
    let mut report = Report::default();
    range(&bed.path, asked, &contents(), &Limits::default(), &mut report).unwrap();
    assert_eq!(report.unread, []);
    report.findings
}

fn new(id: &str) -> Vec<(String, String)> {
    vec![("refs/heads/main".to_owned(), id.to_owned())]
}

#[test]
fn only_what_new_commits_bring() {
    let bed = Bed::new();
    let old = bed.commit("a", &key(1));
    bed.commit("dir/b", &format!("x\n{}", key(2)));
    let first = bed.git(&["rev-parse", "HEAD"]);
    bed.commit("dir/b", "gone");
    bed.git(&["mv", "a", "moved"]);
    bed.git(&["commit", "-q", "-m", &format!("moved, {}", key(3))]);
    let tip = bed.git(&["rev-parse", "HEAD"]);
    let findings = read(&bed, &Range { new: new(&tip), old: vec![old.clone()], ..Range::default() });
    assert!(of(&findings, 1).is_empty(), "the old tip has it, at another path");
    let (finding, found) = one(&findings, 2);
    assert_eq!((finding.place.line, paths(found)), (Some(2), vec!["dir/b"]));
    assert_eq!(found.first.as_ref().unwrap().commit, first);
    assert_eq!((found.in_head, &found.refs[..]), (InHead::HistoryOnly, &["refs/heads/main".to_owned()][..]));
    assert_eq!(one(&findings, 3).1.object, Object::Commit);

    assert!(read(&bed, &Range { new: new(&old), old: vec![tip.clone()], ..Range::default() }).is_empty());
    let zeros = "0".repeat(40);
    assert!(read(&bed, &Range { new: new(&zeros), ..Range::default() }).is_empty());
    let all = read(&bed, &Range { new: new(&tip), old: vec![zeros, "1".repeat(40)], ..Range::default() });
    assert_eq!(one(&all, 1).1.in_head, InHead::Yes);
}

#[test]
fn the_name_of_a_new_ref_is_read_and_one_that_is_there_or_goes_is_not() {
    let bed = Bed::new();
    let (tip, zeros) = (bed.commit("a", "1"), "0".repeat(40));
    let named = |id: &str| vec![(format!("refs/heads/{}", key(1)), id.to_owned())];
    let asked = |id: &str, known| Range { new: named(id), known, ..Range::default() };
    for known in [KnownRefs::Nothing, KnownRefs::Remotes, KnownRefs::All] {
        assert_eq!(one(&read(&bed, &asked(&tip, known)), 1).1.object, Object::RefName);
        assert!(read(&bed, &asked(&zeros, known)).is_empty());
    }
    bed.git(&["branch", &key(1)]);
    assert!(read(&bed, &asked(&tip, KnownRefs::All)).is_empty());
    assert_eq!(read(&bed, &asked(&tip, KnownRefs::Remotes)).len(), 1);
}

#[test]
fn of_a_new_branch_what_other_refs_have_is_old() {
    let bed = Bed::new();
    let base = bed.commit("a", &key(1));
    bed.git(&["update-ref", "refs/remotes/origin/main", &base]);
    bed.git(&["checkout", "-q", "-b", "new"]);
    let tip = bed.commit("b", &key(2));
    bed.git(&["tag", "-a", "v", "-m", &key(3)]);
    let tag = bed.git(&["rev-parse", "v"]);
    bed.git(&["tag", "-d", "v"]);
    bed.git(&["checkout", "-q", "--detach"]);
    bed.git(&["branch", "-q", "-D", "new"]);
    for known in [KnownRefs::Remotes, KnownRefs::All] {
        let findings = read(&bed, &Range { new: new(&tag), known, ..Range::default() });
        assert!(of(&findings, 1).is_empty());
        assert_eq!(one(&findings, 2).1.first.as_ref().unwrap().commit, tip);
        assert_eq!(one(&findings, 3).1.object, Object::Tag);
    }
}

#[test]
fn what_lies_in_quarantine_is_read() {
    let bed = Bed::new();
    let old = bed.commit("a", "1");
    let server = bed.path.with_file_name("server");
    bed.git(&["clone", "-q", "--bare", ".", server.to_str().unwrap()]);
    let tip = bed.commit("b", &key(1));
    let quarantine = bed.path.join(".git/objects");
    let asked = Range { new: new(&tip), old: vec![old], known: KnownRefs::All, quarantine: vec![quarantine] };
    let mut report = Report::default();
    range(&server, &asked, &contents(), &Limits::default(), &mut report).unwrap();
    assert_eq!(one(&report.findings, 1).1.first.as_ref().unwrap().commit, tip);

    let asked = Range { quarantine: Vec::new(), ..asked };
    let error = range(&server, &asked, &contents(), &Limits::default(), &mut report).unwrap_err();
    assert!(error.to_string().contains(&tip));
}

#[test]
fn clocks_that_go_back_do_no_harm() {
    let bed = Bed::new();
    let old = bed.commit("a", &key(1));
    bed.commit("b", &key(2));
    // Twenty commits that say they are older than what they follow.
    let mut tip = bed.git(&["rev-parse", "HEAD"]);
    for number in 0..20 {
        let text = format!(
            "tree {}\nparent {tip}\nauthor A <a@x> {number} +0000\ncommitter A <a@x> {number} +0000\n\nm\n",
            bed.git(&["rev-parse", "HEAD^{tree}"])
        );
        bed.write("../text", &text);
        tip = bed.git(&["hash-object", "-t", "commit", "-w", "../text"]);
    }
    let findings = read(&bed, &Range { new: new(&tip), old: vec![old], ..Range::default() });
    assert!(of(&findings, 1).is_empty());
    assert_eq!(of(&findings, 2).len(), 1);
}
