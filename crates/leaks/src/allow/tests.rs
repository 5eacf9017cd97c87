use std::path::{Path, PathBuf};

use detector::{Claims, Kind, Proof, Token};
use model::{Secret, Timestamp};

use super::*;
use crate::{
    Allowed, Coverage, Finding, InHead, Judged, Marks, Object, Provenance, Pushed, Report, Rules, Verdict,
};

fn token(name: &str) -> Token {
    let secret = Secret::new(format!("canary-{name}-{}", "x".repeat(40)));
    Token { kind: Kind::Legacy, secret, proof: Proof::Shape, claims: Claims::default() }
}

fn digits(name: &str) -> String {
    token(name).fingerprint().to_string()
}

fn in_file(path: &str) -> Place {
    Place { source: Source::File(path.into()), line: Some(1), column: None, is_allowed_inline: false }
}

fn in_git(repository: &str, paths: &[&str]) -> Place {
    let source = Source::Git(Box::new(Provenance {
        repository: repository.into(),
        object: Object::Blob,
        id: None,
        paths: paths.iter().map(|path| path.as_bytes().to_vec()).collect(),
        first: None,
        refs: Vec::new(),
        more_refs: 0,
        in_head: InHead::Yes,
        pushed: Pushed::No,
    }));
    Place { source, line: Some(1), column: None, is_allowed_inline: false }
}

fn list(text: &str, reach: Reach) -> Allowlist {
    Allowlist::parse(text, Path::new("list.toml"), reach).unwrap()
}

fn now() -> Timestamp {
    "2027-01-01T12:00:00Z".parse().unwrap()
}

fn judge(places: Vec<Place>, lists: &[Allowlist], marks: Marks, coverage: Coverage) -> Judged {
    let finding = |place| Finding { token: token("a"), place, wrapping: Vec::new(), also: 0 };
    let report = Report { findings: places.into_iter().map(finding).collect(), ..Report::default() };
    Judged::judge(report, Rules { allowlists: lists, marks, coverage }, now())
}

/// Whether a line with these fields lets a place be.
fn check(fields: &str, reach: Reach, place: Place, expected: bool) {
    let text = format!("[[allow]]\nfingerprint = \"{}\"\nreason = \"a test\"\n{fields}", digits("a"));
    let judged = judge(vec![place], &[list(&text, reach)], Marks::Heeded, Coverage::Whole);
    assert_eq!(judged.allowed().count() == 1, expected, "{fields}: {judged:?}");
}

#[test]
fn a_path_keeps_a_line_to_where_it_is_meant() {
    let docs = "path = \"docs/**\"";
    let under = |root: &str| Reach::Under(PathBuf::from(root));
    check("", Reach::Everything, in_file("/x/y"), true);
    check(docs, Reach::Everything, in_file("docs/a/b"), true);
    check(docs, Reach::Everything, in_file("./docs/a"), true);
    check(docs, Reach::Everything, in_file("docs/../keys"), false);
    check(docs, Reach::Everything, in_file("src/docs/a"), false);
    check(docs, under("/r"), in_file("/r/docs/a"), true);
    check(docs, under("/r"), in_file("/s/docs/a"), false);
    check("path = \"*\"", under("/r"), in_file("/r/docs/a"), false);
    check(docs, under("/r"), in_git("/r", &["docs/a"]), true);
    check(docs, under("/r"), in_git("/r/.git", &["docs/a"]), true);
    check(docs, under("/r"), in_git("/r/docs/inner", &["keys"]), true);
    check(docs, under("/r"), in_git("/r", &["docs/a", "keys"]), false);
    check(docs, under("/r"), in_git("/r", &[]), false);
    check("", under("/r"), in_git("/s", &["docs/a"]), false);
}

#[test]
fn the_last_day_counts() {
    check("until = 2027-01-01", Reach::Everything, in_file("a"), true);
    check("until = 2026-12-31", Reach::Everything, in_file("a"), false);
}

#[test]
fn what_is_over_is_reported_and_said() {
    let text =
        format!("[[allow]]\nfingerprint = \"{}\"\nreason = \"a test\"\nuntil = 2026-12-31", digits("a"));
    let lists = [list(&text, Reach::Everything)];
    let judged = judge(vec![in_file("a")], &lists, Marks::Heeded, Coverage::Whole);
    assert_eq!(judged.verdict(), Verdict::Found(1));
    assert_eq!(judged.allowlists[0].lapsed.len(), 1);
    assert_eq!(judged.allowlists[0].unused, []);
    assert_eq!(judged.leaks[0].places[0].lapsed.as_ref().unwrap().line.line, 1);
}

#[test]
fn unused_lines_are_told_where_all_was_scanned() {
    let text = format!("\n[[allow]]\nfingerprint = \"{}\"\nreason = \"a test\"", digits("b"));
    let lists = [list(&text, Reach::Everything)];
    let unused = |coverage| judge(vec![], &lists, Marks::Heeded, coverage).allowlists.remove(0).unused;
    assert_eq!(unused(Coverage::Whole)[0].line, 2);
    assert_eq!(unused(Coverage::Part), []);
}

#[test]
fn marks_count_if_the_caller_says_so() {
    let marked = Place { is_allowed_inline: true, ..in_file("a") };
    let judged = judge(vec![marked.clone()], &[], Marks::Heeded, Coverage::Whole);
    assert_eq!(judged.verdict(), Verdict::Allowed(1));
    assert_eq!(judged.allowed().next().unwrap().2, &Allowed::Inline);
    assert_eq!(judge(vec![marked], &[], Marks::Ignored, Coverage::Whole).verdict(), Verdict::Found(1));
}

fn faults(text: &str) -> String {
    let error = Allowlist::parse(text, Path::new("list.toml"), Reach::Everything).unwrap_err();
    let lines = error.faults.iter().map(|fault| format!("{}: {}; {}", fault.line, fault.what, fault.mend));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn all_faults_are_told_and_no_value_quoted() {
    let (a, key) = (digits("a"), token("a").secret);
    let text = format!(
        "[[allow]]\nfingerprint = \"{a}\"\nreason = \"a test\"\nforever = true\n\
         [[allow]]\nfingerprint = \"{}\"\nreason = \" \"\n\
         [[allow]]\nreason = \"a test\"\n\
         [[allow]]\nfingerprint = \"{a}\"\n\
         [[allow]]\nfingerprint = \"{a}\"\nreason = \"1\"\nuntil = \"2027-01-01\"\npath = \"../x\"\n\
         [[allow]]\nfingerprint = \"{a}\"\nreason = \"2\"\n\
         [[allow]]\nfingerprint = \"{a}\"\nreason = \"3\"\n\
         [deny]\n",
        key.expose()
    );
    let told = faults(&text);
    assert!(!told.contains(key.expose()));
    insta::assert_snapshot!(told, @r#"
    4: there is no field `forever`; an entry has `fingerprint`, `reason`, `until`, `path` and `by`
    6: `fingerprint` is not 64 hex digits; take the 64 hex digits of the report; never the key itself
    7: `reason` is empty, too long, or no text; write 1 to 500 characters: `reason = "…"`
    8: it has no `fingerprint`; take the 64 hex digits of the report
    10: it has no `reason`; say why it may be there: `reason = "…"`
    15: `until` is no day; write a day, unquoted: `until = 2027-01-31`
    16: `path` is no pattern; write it from the root down, without `..`: `path = "docs/**"`
    21: line 17 has the same fingerprint; leave one; a `path` may name several: `{docs,examples}/**`
    23: there is no field `deny`; there is nothing but `[[allow]]`
    "#);
    insta::assert_snapshot!(faults("allow = 1"), @r#"1: `allow` is no list of tables; write a table for each: `[[allow]]`, `fingerprint = "…"`, `reason = "…"`"#);
    insta::assert_snapshot!(faults("[[allow]\nx"), @r#"
    1: it is no TOML: unclosed array table, expected `]`; write a table for each: `[[allow]]`, `fingerprint = "…"`, `reason = "…"`
    2: it is no TOML: key with no value, expected `=`; write a table for each: `[[allow]]`, `fingerprint = "…"`, `reason = "…"`
    "#);
}

#[test]
fn a_report_names_file_line_and_mend() {
    let error = Allowlist::parse("deny = 1", Path::new("a\u{1b}.toml"), Reach::Everything).unwrap_err();
    insta::assert_snapshot!(error.report().line(), @r#"cannot use the allowlist `a\u{1b}.toml`: a\u{1b}.toml:1: there is no field `deny`"#);
    insta::assert_snapshot!(error.report().mend.join("\n"), @r#"a\u{1b}.toml:1: there is nothing but `[[allow]]`"#);
}

#[test]
fn only_a_plain_file_of_bounded_size_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(ALLOW_FILE);
    let read = || Allowlist::read(&file, Reach::Everything);
    assert!(read().unwrap().is_none());
    std::fs::write(&file, "").unwrap();
    assert!(read().unwrap().unwrap().is_empty());
    std::fs::write(&file, "#".repeat(MAX_ALLOW_BYTES + 1)).unwrap();
    assert!(read().unwrap_err().to_string().contains("larger than 1 MiB"));
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    assert!(read().is_err());
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(read().unwrap_err().to_string().contains("no plain file"));
}
