//! Each form on one example, and on any bytes.

mod gitlab;
mod json;
mod sarif;

use std::path::{Path, PathBuf};

use detector::{Claims, Kind, Layer, Proof, Token};
use model::{KeyState, Secret, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{
    Alive, Allowlist, Author, Coverage, Finding, InHead, Judged, Marks, Member, Object, Owner, Place,
    Provenance, Pushed, Reach, Report, Rules, Source, Tally, Unread, Why, Wrapping,
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
        more_refs: 0,
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
            find(&ours, of_git(in_git(Object::Blob, &[b"app/.env", b"app/old.env"]), Some(4)), &[]),
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
            leak.alive = Alive::Yes { instance: "prod".parse().unwrap() };
        }
    }
    judged
}

pub(super) fn written(write: impl Fn(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_table_says_all_that_matters() {
    insta::assert_snapshot!(written(|out| table(out, &example(), Secrets::Hidden)), @r#"
    1. API key of n8n 2.x  954955648975  …1a2b  (high)
       whose    ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active)
       alive    YES, `prod` takes it
       issued   2026-01-02 03:04 UTC
       expires  2027-03-01 00:00 UTC, in 58 days
       where    app/.env (and 1 more names):4
                in /srv/app
                commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC
                refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED
       also     image.tar:7:3
                base64 in layer.tar!app/.env
       next     1. kill it, and put a new key where it is used
                     keywright rotate deploy --compromised
                2. take it out of the files above
                3. then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it.
                     git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt
                4. if it is no leak, a line with a reason in .keywright-allow.toml
                     [[allow]]
                     fingerprint = "954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2"
                     reason = ""

    2. session cookie of n8n  e4b9b436de73  …1a2b  (medium)
       whose    not known here
       alive    not checked
       expires  not said
       where    text of commit ab12ab12ab12:2
                in /srv/app
                commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC
                refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED
       let be   at 1 other places
       next     1. change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them
                2. then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it.
                     git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt
                3. if it is no leak, a line with a reason in .keywright-allow.toml
                     [[allow]]
                     fingerprint = "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1"
                     reason = ""

    3. API key of n8n 1.x  d269623c56a4  …1a2b  (high)
       whose    not known here
       alive    not checked: a native key's signature cannot be checked offline; --check asks your own instances
       expires  EXPIRED 2026-12-30 00:00 UTC, 2 days ago
       where    notes/old.txt:1:3
       let be   until 2026-12-02 00:00 UTC by .keywright-allow.toml:9; that is over
       next     1. it has ended by its own date; make sure, scan again with --check. Else: sign in to n8n as its user, delete the key in the settings under n8n API, make another there, and put it where the old one was used
                2. take it out of the files above
                3. if it is no leak, a line with a reason in .keywright-allow.toml
                     [[allow]]
                     fingerprint = "d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d"
                     reason = ""

    1 left out by .keywright-allow.toml:
       e4b9b436de73 docs/a.md:5:3: an example of the guide (line 1, ops)

    1 left out by a mark in the line itself:
       6c03aedae79c docs/b.md:9:3

    .keywright-allow.toml:6: nothing here has this fingerprint any more: take the line out
    .keywright-allow.toml:9: its time was over at 2026-12-02 00:00 UTC: the key is reported again
    not read:
       big.bin: beyond max_object_bytes (by default 64 MiB)
       x.zip: not supported: an encrypted zip
       and 1 more

    read: 1 repositories, 20 git objects, 4 files, 2 members of archives; 68 KiB
    3 leaks; 3 things were not read
    "#);
}

#[test]
fn the_verdict_is_clean_only_if_all_was_read() {
    let outcome = |report: Report| {
        let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
        verdict(&Judged::judge(report, rules, now()))
    };
    let unread = || Unread { what: b"a".to_vec(), why: Why::Changed };
    let marked = || Finding {
        token: token("let", Kind::Legacy),
        place: Place { is_allowed_inline: true, ..in_file("a", 1) },
        wrapping: vec![],
        also: 0,
    };
    let with = |findings, unread| Report { findings, unread, ..Report::default() };
    assert_eq!(outcome(Report::default()), "clean");
    assert_eq!(outcome(with(vec![], vec![unread()])), "nothing found, but 1 thing was not read");
    assert_eq!(
        outcome(Report { more_unread: 2, ..Report::default() }),
        "nothing found, but 2 things were not read"
    );
    assert_eq!(outcome(with(vec![marked()], vec![])), "nothing found but what is let be, at 1 place");
    assert_eq!(
        outcome(with(vec![marked()], vec![unread()])),
        "nothing found but what is let be, at 1 place, but 1 thing was not read"
    );
    assert_eq!(
        outcome(Report { more_findings: 3, ..Report::default() }),
        "0 leaks, and 3 findings more that were not kept"
    );
    let bare = Finding { place: in_file("a", 1), ..marked() };
    assert_eq!(outcome(with(vec![bare], vec![unread()])), "1 leak; 1 thing was not read");
}

#[test]
fn the_worst_is_first() {
    let mut judged = example();
    let order =
        |judged: &Judged| -> Vec<Kind> { judged.worst_first().iter().map(|leak| leak.token.kind).collect() };
    assert_eq!(order(&judged), [Kind::Native2, Kind::SessionCookie, Kind::Native1]);
    for leak in &mut judged.leaks {
        leak.alive = if leak.token.kind == Kind::Native2 { Alive::No } else { Alive::NotAsked };
    }
    assert_eq!(order(&judged), [Kind::SessionCookie, Kind::Native1, Kind::Native2]);
}

#[test]
fn a_key_is_shown_only_where_it_is_asked_for() {
    for form in Form::ALL {
        let hidden = form.of(&example(), Secrets::Hidden);
        for name in ["ours", "spent", "cookie", "let"] {
            assert!(!hidden.contains(canary(name).expose().get(..30).unwrap()), "{form:?}: {hidden}");
        }
    }
    for form in [Form::Table, Form::Json] {
        assert!(form.of(&example(), Secrets::Shown).contains(canary("ours").expose()), "{form:?}");
    }
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

#[test]
fn github_has_a_line_for_each_leak() {
    insta::assert_snapshot!(Form::GitHub.of(&example(), Secrets::Hidden), @r#"
    ::error title=API key of n8n 2.x 954955648975 …1a2b,file=image.tar,line=7::API key of n8n 2.x 954955648975 …1a2b at image.tar:7:3; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; wrapped: base64 in layer.tar!app/.env; and at 1 more places. Next: kill it, and put a new key where it is used: keywright rotate deploy --compromised
    ::warning title=session cookie of n8n e4b9b436de73 …1a2b::session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED. Next: change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them
    ::warning title=API key of n8n 1.x d269623c56a4 …1a2b,file=notes/old.txt,line=1::API key of n8n 1.x d269623c56a4 …1a2b at notes/old.txt:1:3; whose: not known here; alive: not checked: a native key's signature cannot be checked offline; --check asks your own instances; expires: EXPIRED 2026-12-30 00:00 UTC, 2 days ago. Next: it has ended by its own date; make sure, scan again with --check. Else: sign in to n8n as its user, delete the key in the settings under n8n API, make another there, and put it where the old one was used
    ::warning title=Keywright%3A not read::3 not read: big.bin (beyond max_object_bytes (by default 64 MiB)); x.zip (not supported: an encrypted zip)
    ::notice title=Keywright%3A let be::1 left out by .keywright-allow.toml
    ::warning title=Keywright::3 leaks; 3 things were not read
    "#);
}

/// A report with the same bytes at every place where bytes from outside can be.
fn hostile(bytes: &[u8], object: Object) -> Judged {
    use std::os::unix::ffi::OsStrExt as _;
    let words = String::from_utf8_lossy(bytes).into_owned();
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    let mut token = token("hostile", Kind::Native2);
    token.claims.user = Some(words.clone());
    let git = Provenance {
        repository: path.clone(),
        id: Some(words.clone()),
        paths: vec![bytes.to_vec(), b"a/b".to_vec()],
        first: Some(Author {
            commit: words.clone(),
            name: bytes.to_vec(),
            email: bytes.to_vec(),
            date: None,
        }),
        refs: vec![words.clone()],
        ..in_git(object, &[])
    };
    let wrapping = vec![member("zip", bytes), Wrapping::Layer(Layer::Hex)];
    let sources = [Source::File(path), Source::Git(Box::new(git)), Source::Stream(words.clone())];
    let place =
        |source, is_allowed_inline| Place { source, line: Some(1), column: Some(1), is_allowed_inline };
    let findings = sources.into_iter().flat_map(|source| {
        [false, true].map(|mark| Finding {
            token: token.clone(),
            place: place(source.clone(), mark),
            wrapping: wrapping.clone(),
            also: 0,
        })
    });
    let unread = vec![
        Unread { what: bytes.to_vec(), why: Why::Broken(words.clone()) },
        Unread { what: bytes.to_vec(), why: Why::System(words.clone()) },
    ];
    let report = Report { findings: findings.collect(), unread, ..Report::default() };
    let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
    let mut judged = Judged::judge(report, rules, now());
    for leak in &mut judged.leaks {
        leak.owner = Owner::User { instance: "prod".parse().unwrap(), user: words.clone() };
        leak.alive = Alive::Unknown { why: words.clone() };
    }
    judged
}

fn is_fit_for_a_terminal(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || c == '…' || text::is_visible(c))
}

#[test]
fn a_hostile_name_is_escaped() {
    let name = "a\u{1b}]0;x\u{7}\r\n\u{202e}\u{200b}::error::".as_bytes();
    for form in Form::ALL {
        let text = form.of(&hostile(name, Object::Blob), Secrets::Hidden);
        assert!(is_fit_for_a_terminal(&text), "{form:?}: {text}");
    }
    let table = Form::Table.of(&hostile(&[name, b"\xff"].concat(), Object::Blob), Secrets::Hidden);
    assert!(table.contains(r"a\u{1b}]0;x\u{7}\u{d}\u{a}\u{202e}\u{200b}::error::\xff"), "{table}");
}

#[test]
fn a_key_in_a_name_is_hidden() {
    let token = token("named", Kind::Native2);
    let secret = token.secret.expose();
    let name = format!("x/{secret}-{secret}.txt");
    let bytes = name.as_bytes().to_vec();
    let mut git = in_git(Object::RefName, &[&bytes]);
    git.repository = name.clone().into();
    git.refs = vec![name.clone()];
    git.first =
        git.first.map(|first| Author { name: bytes.clone(), email: format!("{name}-more").into(), ..first });
    let sources =
        [Source::File(name.clone().into()), Source::Git(Box::new(git)), Source::Stream(name.clone())];
    let findings = sources.map(|source| Finding {
        token: token.clone(),
        place: Place { source, line: None, column: None, is_allowed_inline: false },
        wrapping: vec![member("zip", &bytes)],
        also: 0,
    });
    let unread = vec![Unread { what: bytes, why: Why::System(name) }];
    let report = Report { findings: findings.into(), unread, ..Report::default() };
    let rules = Rules { allowlists: &[], marks: Marks::Heeded, coverage: Coverage::Whole };
    let judged = Judged::judge(report, rules, now());
    let hidden = format!("x/key-{0}-key-{0}.txt", token.fingerprint().short());
    for form in Form::ALL {
        let text = form.of(&judged, Secrets::Hidden);
        // Neither the whole, nor a half of a name whose middle was left out.
        assert!(!text.contains("canary") && text.contains(&hidden), "{form:?}: {text}");
    }
}

fn objects() -> impl Strategy<Value = Object> {
    prop::sample::select(vec![
        Object::Blob,
        Object::Commit,
        Object::Tag,
        Object::Tree,
        Object::Note,
        Object::RefName,
        Object::Reflog,
        Object::Administrative,
        Object::Index,
    ])
}

proptest! {
    #[test]
    fn any_bytes_give_what_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..400), object in objects()) {
        let judged = hostile(&bytes, object);
        for form in Form::ALL {
            let text = form.of(&judged, Secrets::Hidden);
            prop_assert!(is_fit_for_a_terminal(&text), "{:?}: {}", form, text);
            if let Some(validator) = form.judge() {
                prop_assert_eq!(faults(&validator, &text), [""; 0], "{:?}: {}", form, text);
            }
        }
    }
}
