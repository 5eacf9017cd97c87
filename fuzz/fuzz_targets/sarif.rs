//! Reports of any names, in each of their forms: they can be parsed, are fit for a terminal, and hold no secret.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use detector::{Claims, Kind, Layer, Proof, Token};
use leaks::show::{self, Revision, Run, Secrets};
use leaks::{
    Alive, Author, Coverage, Finding, InHead, Judged, Marks, Member, Object, Owner, Place, Provenance,
    Pushed, Report, Rules, Source, Unread, Why, Wrapping,
};
use libfuzzer_sys::fuzz_target;
use model::{Secret, Timestamp};

static NOW: LazyLock<Timestamp> = LazyLock::new(|| time("2027-01-01T12:00:00Z"));
const OBJECTS: [Object; 9] = [
    Object::Blob,
    Object::Commit,
    Object::Tag,
    Object::Tree,
    Object::Note,
    Object::RefName,
    Object::Reflog,
    Object::Administrative,
    Object::Index,
];

fuzz_target!(init: seed(), |bytes: &[u8]| {
    let judged = judged(bytes);
    let secrets: Vec<&str> = judged.leaks.iter().map(|leak| leak.token.secret.expose()).collect();
    let revision =
        Revision { repository: "https://git.example.com/app", commit: "c0ffee", branch: Some("main") };
    let run = Run {
        version: "0.1.0",
        root: Path::new("/srv/app"),
        started_at: *NOW,
        ended_at: *NOW,
        revision: Some(revision),
    };
    for form in ["table", "github", "json", "sarif", "gitlab_codequality", "gitlab_secrets"] {
        let mut out = Vec::new();
        match form {
            "table" => show::table(&mut out, &judged, Secrets::Hidden),
            "github" => show::github(&mut out, &judged, run),
            "json" => show::json(&mut out, &judged, Secrets::Hidden),
            "sarif" => show::sarif(&mut out, &judged, run),
            "gitlab_codequality" => show::gitlab_codequality(&mut out, &judged, run),
            _ => show::gitlab_secrets(&mut out, &judged, run),
        }
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().all(is_fit), "{form}: {text}");
        if form == "github" {
            assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
        } else if form != "table" {
            assert_eq!(text.matches('\n').count(), 1, "{form}");
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(!has_any(&value, &secrets), "{form}: a secret is in it");
        }
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{form}: a secret is in it");
    }
});

/// What a terminal shows as it is, and does nothing more about.
fn is_fit(c: char) -> bool {
    let turns =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c == '\n' || !(c.is_control() || turns || ('\u{e0000}'..='\u{e0fff}').contains(&c))
}

fn has_any(value: &serde_json::Value, secrets: &[&str]) -> bool {
    let has = |text: &str| secrets.iter().any(|secret| text.contains(secret));
    match value {
        serde_json::Value::String(text) => has(text),
        serde_json::Value::Array(all) => all.iter().any(|one| has_any(one, secrets)),
        serde_json::Value::Object(all) => all.iter().any(|(name, one)| has(name) || has_any(one, secrets)),
        _ => false,
    }
}

/// Bytes that are names, one after the other and then from the first again; a zero byte ends one.
struct Names<'a>(std::iter::Cycle<std::vec::IntoIter<&'a [u8]>>);

impl<'a> Names<'a> {
    fn bytes(&mut self) -> Vec<u8> {
        self.0.next().unwrap_or_default().to_vec()
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    fn path(&mut self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&self.bytes()))
    }
}

fn judged(bytes: &[u8]) -> Judged {
    let (choice, rest) = bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest));
    let parts: Vec<&[u8]> = rest.split(|byte| *byte == 0).collect();
    let mut names = Names(parts.into_iter().cycle());
    let findings = (0..4).map(|number| finding(&mut names, choice, number)).collect();
    let unread = vec![
        Unread { what: names.bytes(), why: Why::Broken(names.text()) },
        Unread { what: names.bytes(), why: Why::System(names.text()) },
    ];
    let report = Report { findings, unread, ..Report::default() };
    let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
    let mut judged = Judged::judge(report, rules, *NOW);
    for leak in &mut judged.leaks {
        leak.owner = Owner::User { instance: "prod".parse().unwrap(), user: names.text() };
        leak.alive = Alive::Unknown { why: names.text() };
    }
    judged
}

fn finding(names: &mut Names<'_>, choice: usize, number: usize) -> Finding {
    let of = |all: usize| (choice + number) % all;
    let source = match of(3) {
        0 => Source::File(names.path()),
        1 => Source::Stream(names.text()),
        _ => Source::Git(Box::new(provenance(names, OBJECTS[of(OBJECTS.len())]))),
    };
    let line = (choice % 5 > 0).then_some(choice as u64);
    let wrapping = vec![
        Wrapping::Member(Member { format: "zip", name: Some(names.bytes()) }),
        Wrapping::Layer(Layer::Hex),
        Wrapping::Member(Member { format: "tar", name: None }),
    ];
    let token = Token {
        kind: Kind::ALL[of(Kind::ALL.len())],
        // No name that a fuzzer makes up has it: it is longer than an input.
        secret: Secret::new(format!("canary-{}-{}", number / 2, "x".repeat(2_000))),
        proof: [Proof::Claims, Proof::Checksum, Proof::Shape, Proof::Name][of(4)],
        claims: Claims { user: Some(names.text()), ..Claims::default() },
    };
    let is_allowed_inline = number == 3;
    Finding { token, place: Place { source, line, column: line, is_allowed_inline }, wrapping, also: 1 }
}

fn provenance(names: &mut Names<'_>, object: Object) -> Provenance {
    Provenance {
        repository: names.path(),
        object,
        id: Some(names.text()),
        paths: vec![names.bytes(), names.bytes()],
        first: Some(Author {
            commit: names.text(),
            name: names.bytes(),
            email: names.bytes(),
            date: Some(*NOW),
        }),
        refs: vec![names.text(), names.text()],
        more_refs: 2,
        in_head: InHead::HistoryOnly,
        pushed: Pushed::Yes,
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What a fuzzer would take long to come upon.
fn seed() {
    let Some(corpus) = std::env::args().next_back().filter(|last| Path::new(last).is_dir()) else { return };
    let names = [
        "\u{1b}[2J\u{1b}]0;x\u{7}",
        "\u{202e}\u{200b}\u{e0041}\u{9b}",
        "a\r\n::error::%0A,b:c",
        "../../etc",
        "/srv/app/\u{3164}",
        "-",
        "",
    ];
    for (at, name) in (0_u8..).zip(names) {
        let input = [&[at], name.as_bytes(), b"\0\xff\xfe\xc3[x](y){0}`\\"].concat();
        std::fs::write(Path::new(&corpus).join(format!("seed-{at}")), input).unwrap();
    }
}
