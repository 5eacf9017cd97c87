//! Scans of what is new since the last time.

use super::{Bed, contents, key, of, one, paths};
use crate::Report;
use crate::git::{Options, scan};

#[test]
fn the_next_scan_reads_only_what_is_new() {
    let bed = Bed::new();
    let cursors = tempfile::tempdir().unwrap();
    let options = Options { cursors: Some(cursors.path().to_owned()), ..Options::default() };
    let next = || {
        let mut report = Report::default();
        let scanned = scan(&bed.path, &contents(), &options, &mut report).unwrap();
        assert_eq!(report.unread, []);
        (report, scanned)
    };
    bed.commit("dir/a", &key(1));
    let (report, scanned) = next();
    assert_eq!(of(&report.findings, 1).len(), 1);
    assert_eq!(of(&next().0.findings, 1).len(), 1, "nothing was kept yet");
    scanned.keep(cursors.path()).unwrap();
    assert!(next().0.findings.is_empty());

    let second = bed.commit("dir/b", &key(2));
    bed.git(&["branch", "other"]);
    let (report, scanned) = next();
    assert!(of(&report.findings, 1).is_empty());
    let (_, found) = one(&report.findings, 2);
    assert_eq!((paths(found), &found.first.as_ref().unwrap().commit), (vec!["dir/b"], &second));
    assert_eq!(found.refs, ["refs/heads/main", "refs/heads/other"]);
    scanned.keep(cursors.path()).unwrap();

    let file = std::fs::read_dir(cursors.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::write(file, "{").unwrap();
    let (report, scanned) = next();
    assert_eq!(scanned.unusable.len(), 1);
    assert_eq!(report.findings.len(), 2);
}
