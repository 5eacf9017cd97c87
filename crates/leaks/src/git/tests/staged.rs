//! What is staged.

use super::{Bed, contents, key, one, paths};
use crate::git::staged;
use crate::{Finding, InHead, Limits, Object, Report};

fn staged_in(bed: &Bed) -> Vec<Finding> {
    let mut report = Report::default();
    staged(&bed.path, None, &contents(), &Limits::default(), &mut report).unwrap();
    assert_eq!(report.unread, []);
    report.findings
}

#[test]
fn tells_what_differs_from_head() {
    let bed = Bed::new();
    bed.commit("old/a", &key(1));
    bed.write("x/y/new", &format!("\nk {}", key(2)));
    bed.write("x/plain", "1");
    assert!(staged_in(&bed).is_empty());
    bed.git(&["add", "-A"]);
    let findings = staged_in(&bed);
    assert_eq!(findings.len(), 1);
    let (finding, found) = one(&findings, 2);
    assert_eq!((found.object, found.in_head, paths(found)), (Object::Index, InHead::Beside, vec!["x/y/new"]));
    assert_eq!((finding.place.line, finding.place.column), (Some(2), Some(3)));

    // A whole scan finds it too, and knows that it is only staged.
    let findings = bed.scan();
    let (_, found) = one(&findings, 2);
    assert_eq!((found.object, found.in_head, paths(found)), (Object::Index, InHead::Beside, vec!["x/y/new"]));
    assert_eq!(one(&findings, 1).1.in_head, InHead::Yes);
}

#[test]
fn all_forms_of_an_index() {
    for form in ["2", "3", "4", "split"] {
        let bed = Bed::new();
        bed.commit("a/b/c", "1");
        bed.commit("a/b/d", &key(1));
        match form {
            "split" => bed.git(&["update-index", "--split-index"]),
            form => bed.git(&["update-index", "--index-version", form]),
        };
        bed.write("a/b/c", &key(2));
        bed.write("a/e", &key(3));
        bed.git(&["rm", "-q", "--cached", "a/b/d"]);
        bed.git(&["add", "a/b/c", "a/e"]);
        if form == "3" {
            bed.write("late", "1");
            bed.git(&["add", "-N", "late"]);
        }
        let findings = staged_in(&bed);
        assert_eq!(findings.len(), 2, "{form}: {findings:?}");
        assert_eq!(paths(one(&findings, 2).1), ["a/b/c"]);
        assert_eq!(paths(one(&findings, 3).1), ["a/e"]);
    }
}

#[test]
fn before_the_first_commit_all_is_new() {
    let bed = Bed::new();
    bed.write("a", &key(1));
    bed.git(&["add", "a"]);
    assert_eq!(paths(one(&staged_in(&bed), 1).1), ["a"]);
}
