//! Everything that was planted in a bed is found, where it was planted; nothing else is, and nothing of the bed is run.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use detector::Detector;
use leakbed::{ObjectKind, Place, Planted, Truth};
use leaks::tree::{Excluded, Reads};
use leaks::{Contents, Finding, InHead, Limits, Provenance, Pushed, Report, Source, Wrapping, git, tree};

/// Classes that LEAKS does not name and that are not looked through: `cargo xtask leakbed` plants them all the same.
const BEYOND: [&str; 13] = [
    "archive_after_text",
    "base64_thrice",
    "diagram",
    "git_binary_object",
    "git_binary_patch",
    "git_bundle",
    "git_in_tar",
    "hex_dump",
    "pdf_stream",
    "png_text",
    "split_append",
    "split_at_dots",
    "zlib",
];

struct Bed {
    truth: Truth,
    report: Report,
}

impl Bed {
    /// Plants by a seed, and searches the work tree and every repository in it.
    fn of(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (source, bed) = (folder.path().join("source"), folder.path().join("bed"));
        leakbed::small_source(&source).unwrap();
        let truth = leakbed::plant(&source, &bed, seed).unwrap();
        let report = searched(&bed);
        let sprung: Vec<&String> = truth.traps.iter().filter(|trap| bed.join(trap).exists()).collect();
        assert!(
            sprung.is_empty() && !truth.traps.is_empty(),
            "programs of the repository were run: {sprung:?}"
        );
        Self { truth, report }
    }

    /// The findings of a planted key on its side: in git, or in files.
    fn found(&self, planted: &Planted) -> Vec<&Finding> {
        let is_in_git = planted.place == Place::History;
        let is_it = |finding: &&Finding| finding.token.fingerprint().to_string() == planted.fingerprint;
        self.report
            .findings
            .iter()
            .filter(is_it)
            .filter(|finding| of_git(finding).is_some() == is_in_git)
            .collect()
    }
}

fn searched(bed: &Path) -> Report {
    let limits = Limits::default();
    let contents = Contents::new(Arc::new(Detector::new()), limits.clone());
    let mut report = Report::default();
    let nothing = Excluded::of([]).unwrap();
    let repositories =
        tree::scan(vec![bed.to_owned()], Reads::Files, &nothing, &contents, &limits, &mut report);
    for repository in repositories {
        let options = git::Options { limits: limits.clone(), cursors: None };
        drop(git::scan(&repository.path, &contents, &options, &mut report).unwrap());
    }
    report
}

fn of_git(finding: &Finding) -> Option<&Provenance> {
    match &finding.place.source {
        Source::Git(git) => Some(git),
        _ => None,
    }
}

#[test]
fn all_that_was_planted_is_found_and_nothing_else() {
    for seed in 1..=4 {
        let bed = Bed::of(seed);
        let missed: BTreeSet<&str> = bed
            .truth
            .planted
            .iter()
            .filter(|planted| bed.found(planted).is_empty())
            .map(|planted| planted.hiding.as_str())
            .filter(|hiding| !BEYOND.contains(hiding))
            .collect();
        assert!(missed.is_empty(), "seed {seed}: {missed:?}");
        let known: BTreeSet<&str> =
            bed.truth.planted.iter().map(|planted| planted.fingerprint.as_str()).collect();
        let reported = bed.report.findings.iter().filter(|finding| !finding.place.is_allowed_inline);
        let strange: Vec<&Finding> = reported
            .filter(|finding| !known.contains(finding.token.fingerprint().to_string().as_str()))
            .collect();
        assert!(strange.is_empty(), "seed {seed}: {strange:?}");
    }
}

#[test]
fn the_kinds_are_told() {
    let bed = Bed::of(11);
    for planted in &bed.truth.planted {
        for finding in bed.found(planted) {
            let kind = serde_json::to_value(planted.kind).unwrap();
            assert_eq!(Some(finding.token.kind.name()), kind.as_str(), "{}", planted.hiding);
        }
    }
}

#[test]
fn where_it_came_from_is_told() {
    let mut compared = 0;
    for seed in 21..=22 {
        let bed = Bed::of(seed);
        let planted = bed.truth.planted.iter().filter(|planted| planted.place == Place::History);
        for planted in planted.filter(|planted| planted.oid.is_some() && planted.repository.is_none()) {
            let found = bed.found(planted);
            let of_object = |finding: &&&Finding| of_git(finding).is_some_and(|git| git.id == planted.oid);
            let Some(finding) = found.iter().find(of_object).or(found.first()) else { continue };
            let wrong = differences(planted, finding);
            assert!(wrong.is_empty(), "seed {seed}, {}: {wrong:#?} in {planted:#?}", planted.hiding);
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

/// In what a finding differs from the truth.
fn differences(planted: &Planted, finding: &Finding) -> Vec<String> {
    let git = of_git(finding).expect("it is one of git");
    let mut wrong = Vec::new();
    let mut compare = |what: &str, is_right: bool, told: &dyn std::fmt::Debug| {
        if !is_right {
            wrong.push(format!("{what}: {told:?}"));
        }
    };
    // A tag is told with the commit that it stands at; the truth has none.
    if let (Some(commit), Some(first)) = (&planted.commit, &git.first) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let author = format!("{} <{}>", text(&first.name), text(&first.email));
        compare("commit", *commit == first.commit, &first.commit);
        compare("author", planted.author == Some(author), &first.name);
        let date = first.date.map(model::Timestamp::as_second);
        compare("date", planted.authored_s == date, &date);
    } else {
        compare("commit", planted.commit.is_none(), &git.first);
    }
    if let Some(path) = &planted.path {
        compare("path", git.paths.iter().any(|told| told == path.as_bytes()), &git.paths);
    }
    // HEAD of a linked work tree is one too.
    let is_in_head = planted.in_head || planted.hiding == "linked_head";
    compare("in HEAD", is_in_head == (git.in_head == InHead::Yes), &git.in_head);
    compare("pushed", planted.pushed == (git.pushed == Pushed::Yes), &git.pushed);
    let branches: BTreeSet<&str> =
        git.refs.iter().filter_map(|name| name.strip_prefix("refs/heads/")).collect();
    let wanted: BTreeSet<&str> = planted.branches.iter().map(String::as_str).collect();
    compare("branches", branches == wanted, &branches);
    // Of what is packed, the line is that within; of a commit and a tag, that of the whole object.
    let is_plain = !finding.wrapping.iter().any(|wrapping| matches!(wrapping, Wrapping::Member(_)));
    let is_text = is_plain && matches!(planted.object, ObjectKind::Blob | ObjectKind::Note);
    if let (true, Some(first), Some(last)) = (is_text, planted.line, planted.last_line) {
        let line = finding.place.line.and_then(|line| usize::try_from(line).ok());
        compare("line", line.is_some_and(|line| (first..=last).contains(&line)), &line);
    }
    wrong
}
