//! Each form on one example, and on any bytes.

mod github;
mod gitlab;
mod hostile;
mod json;
mod people;
mod sarif;

use std::path::{Path, PathBuf};

use detector::{Claims, Kind, Layer, Proof, Token};
use model::{KeyState, Secret, Timestamp};

use super::*;
use crate::{
    Alive, Allowlist, Author, Coverage, Finding, InHead, Judged, Marks, Member, Object, Owner, Place,
    Provenance, Pushed, Reach, Report, Rules, Source, TakenBy, Tally, Unread, Why, Wrapping,
};

pub(super) fn now() -> Timestamp {
    time("2027-01-01T12:00:00Z")
}

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The text of a key, which no output may have.
pub(super) fn canary(name: &str) -> Secret {
    Secret::new(format!("canary-{name}-{}-{name}1a2b", "x".repeat(40)))
}

fn token(name: &str, kind: Kind) -> Token {
    Token { kind, secret: canary(name), proof: Proof::Claims, claims: Claims::default() }
}

fn in_file(path: &str, line: u64) -> Place {
    let source = Source::File(path.into());
    Place { source, line: Some(line), column: Some(3), is_allowed_inline: false }
}

fn in_git(object: Object, paths: &[&[u8]]) -> Provenance {
    Provenance {
        repository: "/srv/app".into(),
        object,
        id: Some("ab12".repeat(10)),
        paths: paths.iter().map(|path| path.to_vec()).collect(),
        first: Some(Author {
            commit: "1c2d".repeat(10),
            name: b"Ann".to_vec(),
            email: b"ann@example.com".to_vec(),
            date: Some(time("2026-01-02T03:04:05Z")),
        }),
        refs: ["main", "dev", "a", "b"].map(|name| format!("refs/heads/{name}")).to_vec(),
        more_refs: 7,
        in_head: InHead::HistoryOnly,
        pushed: Pushed::Yes,
    }
}

fn of_git(git: Provenance, line: Option<u64>) -> Place {
    Place { source: Source::Git(Box::new(git)), line, column: None, is_allowed_inline: false }
}

fn member(format: &'static str, name: &[u8]) -> Wrapping {
    Wrapping::Member(Member { format, name: Some(name.to_vec()) })
}

/// One of ours that lives, one that was let be at one place of two, one that is let be, two things unread.
pub(super) fn example() -> Judged {
    let mut ours = token("ours", Kind::Native2);
    ours.claims = Claims {
        user: Some("2f1c".into()),
        issued_at: Some(time("2026-01-02T03:04:05Z")),
        expires_at: Some(time("2027-03-01T00:00:00Z")),
    };
    let mut spent = token("spent", Kind::Native1);
    spent.claims.expires_at = Some(time("2026-12-30T00:00:00Z"));
    let find = |token: &Token, place, wrapping: &[Wrapping]| Finding {
        token: token.clone(),
        place,
        wrapping: wrapping.to_vec(),
        also: 0,
    };
    let wrapped = [member("tar", b"layer.tar"), member("tar", b"app/.env"), Wrapping::Layer(Layer::Base64)];
    let cookie = token("cookie", Kind::SessionCookie);
    let marked = Place { is_allowed_inline: true, ..in_file("docs/b.md", 9) };
    let unread = |what: &[u8], why| Unread { what: what.to_vec(), why };
    let report = Report {
        findings: vec![
            find(&spent, in_file("notes/old.txt", 1), &[]),
            find(&ours, in_file("image.tar", 7), &wrapped),
            Finding {
                also: 3,
                ..find(&ours, of_git(in_git(Object::Blob, &[b"app/.env", b"app/old.env"]), Some(4)), &[])
            },
            find(&cookie, of_git(in_git(Object::Commit, &[]), Some(2)), &[]),
            find(&cookie, in_file("docs/a.md", 5), &[]),
            find(&token("let", Kind::Legacy), marked, &[]),
        ],
        unread: vec![
            unread(b"big.bin", Why::Limit("max_object_bytes")),
            unread(b"x.zip", Why::Unsupported("an encrypted zip")),
        ],
        more_unread: 1,
        more_findings: 0,
        tally: Tally {
            repositories: 1,
            objects: 20,
            files: 4,
            members: 2,
            bytes: 70_000,
            ..Tally::default()
        },
    };
    let list = format!(
        "[[allow]]\nfingerprint = \"{}\"\nreason = \"an example of the guide\"\nby = \"ops\"\npath = \"docs/**\"\n\
         [[allow]]\nfingerprint = \"{}\"\nreason = \"gone\"\n\
         [[allow]]\nfingerprint = \"{}\"\nreason = \"soon\"\nuntil = 2026-12-01",
        cookie.fingerprint(),
        "0".repeat(64),
        spent.fingerprint()
    );
    let list = Allowlist::parse(&list, &PathBuf::from(crate::ALLOW_FILE), Reach::Everything).unwrap();
    let rules = Rules { allowlists: &[list], marks: Marks::Heeded, coverage: Coverage::Whole };
    let mut judged = Judged::judge(report, rules, now());
    for leak in &mut judged.leaks {
        if leak.token.kind == Kind::Native2 {
            let key = "01hf7yat000000000000000007".parse().unwrap();
            let (integration, instance) = ("deploy".parse().unwrap(), "prod".parse().unwrap());
            leak.owner = Owner::Key { integration, instance, key, state: KeyState::Active };
            leak.alive = Alive::Yes { at: TakenBy::Instance("prod".parse().unwrap()) };
        }
    }
    judged
}

pub(super) fn written(write: impl Fn(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Table,
    Json,
    Sarif,
    GitHub,
    GitLabQuality,
    GitLabSecrets,
}

impl Form {
    const ALL: [Self; 6] =
        [Self::Table, Self::Json, Self::Sarif, Self::GitHub, Self::GitLabQuality, Self::GitLabSecrets];

    fn of(self, judged: &Judged, secrets: Secrets) -> String {
        let revision =
            Revision { repository: "https://git.example.com/app", commit: "c0ffee", branch: Some("main") };
        let run = Run {
            version: "0.1.0",
            root: Path::new("/srv/app"),
            started_at: now(),
            ended_at: now(),
            revision: Some(revision),
        };
        written(|out| match self {
            Self::Table => table(out, judged, secrets),
            Self::Json => json(out, judged, secrets),
            Self::Sarif => sarif(out, judged, run),
            Self::GitHub => github(out, judged, run),
            Self::GitLabQuality => gitlab_codequality(out, judged, run),
            Self::GitLabSecrets => gitlab_secrets(out, judged, run),
        })
    }

    /// The schema of those that are JSON; of the JSON of our own, any.
    fn schema(self) -> Option<&'static str> {
        match self {
            Self::Table | Self::GitHub => None,
            Self::Json => Some("{}"),
            Self::Sarif => Some(include_str!("../schemas/sarif.json")),
            Self::GitLabQuality => Some(include_str!("../schemas/gitlab-codequality.json")),
            Self::GitLabSecrets => Some(include_str!("../schemas/gitlab-secrets.json")),
        }
    }

    fn judge(self) -> Option<jsonschema::Validator> {
        let schema = serde_json::from_str(self.schema()?).unwrap();
        Some(jsonschema::validator_for(&schema).unwrap())
    }
}

fn faults(validator: &jsonschema::Validator, text: &str) -> Vec<String> {
    let value = serde_json::from_str(text).unwrap();
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn pretty(form: Form) -> String {
    let value: serde_json::Value = serde_json::from_str(&form.of(&example(), Secrets::Hidden)).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn each_form_keeps_to_its_schema() {
    for form in Form::ALL {
        let Some(validator) = form.judge() else { continue };
        let text = form.of(&example(), Secrets::Hidden);
        assert_eq!(faults(&validator, &text), [""; 0], "{form:?}");
        let nothing = Judged { leaks: vec![], unread: vec![], more_unread: 0, ..example() };
        assert_eq!(faults(&validator, &form.of(&nothing, Secrets::Hidden)), [""; 0], "{form:?}");
    }
    let validator = Form::Sarif.judge().unwrap();
    let broken = Form::Sarif.of(&example(), Secrets::Hidden).replace("\"level\"", "\"lever\"");
    assert!(!faults(&validator, &broken).is_empty());
}
