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
        tally: Tally { repositories: 1, objects: 20, files: 4, members: 2, bytes: 70_000 },
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
fn json_is_as_documented() {
    assert_eq!(Form::Json.of(&example(), Secrets::Hidden).lines().count(), 1);
    insta::assert_snapshot!(pretty(Form::Json), @r#"
    {
      "allowed": [
        {
          "by": {
            "by": "ops",
            "file": {
              "name": ".keywright-allow.toml"
            },
            "fingerprint": "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1",
            "line": 1,
            "reason": "an example of the guide",
            "until": null
          },
          "fingerprint": "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1",
          "how": "allowlist",
          "kind": "session_cookie",
          "place": {
            "column": 3,
            "line": 5,
            "path": {
              "name": "docs/a.md"
            },
            "source": "file",
            "wrapping": []
          },
          "tail": "1a2b"
        },
        {
          "by": null,
          "fingerprint": "6c03aedae79c847a004892068c15dd2cd322fc13e3e94e18c80f7dfc984a2e29",
          "how": "inline",
          "kind": "legacy",
          "place": {
            "column": 3,
            "line": 9,
            "path": {
              "name": "docs/b.md"
            },
            "source": "file",
            "wrapping": []
          },
          "tail": "1a2b"
        }
      ],
      "allowlists": [
        {
          "file": {
            "name": ".keywright-allow.toml"
          },
          "lapsed": [
            {
              "by": null,
              "fingerprint": "d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d",
              "line": 9,
              "reason": "soon",
              "until": "2026-12-02T00:00:00Z"
            }
          ],
          "places": 1,
          "unused": [
            {
              "by": null,
              "fingerprint": "0000000000000000000000000000000000000000000000000000000000000000",
              "line": 6,
              "reason": "gone",
              "until": null
            }
          ]
        }
      ],
      "at": "2027-01-01T12:00:00Z",
      "leaks": [
        {
          "alive": {
            "instance": "prod",
            "state": "alive"
          },
          "expired": false,
          "expires_at": "2027-03-01T00:00:00Z",
          "fingerprint": "954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2",
          "issued_at": "2026-01-02T03:04:05Z",
          "kind": "native2",
          "lapsed": [],
          "next_steps": [
            {
              "command": "keywright rotate deploy --compromised",
              "step": "kill",
              "text": "kill it, and put a new key where it is used"
            },
            {
              "step": "clean",
              "text": "take it out of the files above"
            },
            {
              "command": "git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt",
              "step": "clean",
              "text": "then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it."
            },
            {
              "command": "[[allow]]\nfingerprint = \"954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2\"\nreason = \"\"",
              "step": "allow",
              "text": "if it is no leak, a line with a reason in .keywright-allow.toml"
            }
          ],
          "owner": {
            "instance": "prod",
            "integration": "deploy",
            "key": "01hf7yat000000000000000007",
            "state": "active",
            "whose": "ours"
          },
          "places": [
            {
              "column": null,
              "git": {
                "first": {
                  "author": {
                    "name": "Ann"
                  },
                  "commit": "1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d",
                  "date": "2026-01-02T03:04:05Z",
                  "email": {
                    "name": "ann@example.com"
                  }
                },
                "id": "ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12",
                "in_head": "history_only",
                "object": "blob",
                "paths": [
                  {
                    "name": "app/.env"
                  },
                  {
                    "name": "app/old.env"
                  }
                ],
                "pushed": "yes",
                "refs": [
                  "refs/heads/main",
                  "refs/heads/dev",
                  "refs/heads/a",
                  "refs/heads/b"
                ],
                "repository": {
                  "name": "/srv/app"
                }
              },
              "line": 4,
              "path": {
                "name": "app/.env"
              },
              "source": "git",
              "wrapping": []
            },
            {
              "column": 3,
              "line": 7,
              "path": {
                "name": "image.tar"
              },
              "source": "file",
              "wrapping": [
                {
                  "member": "tar",
                  "name": {
                    "name": "layer.tar"
                  }
                },
                {
                  "member": "tar",
                  "name": {
                    "name": "app/.env"
                  }
                },
                {
                  "layer": "base64"
                }
              ]
            }
          ],
          "proof": "claims",
          "pushed": "yes",
          "severity": "high",
          "tail": "1a2b",
          "title": "API key of n8n 2.x",
          "user": "2f1c"
        },
        {
          "alive": {
            "state": "not_asked"
          },
          "expired": null,
          "expires_at": null,
          "fingerprint": "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1",
          "issued_at": null,
          "kind": "session_cookie",
          "lapsed": [],
          "next_steps": [
            {
              "step": "kill",
              "text": "change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them"
            },
            {
              "command": "git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt",
              "step": "clean",
              "text": "then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it."
            },
            {
              "command": "[[allow]]\nfingerprint = \"e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1\"\nreason = \"\"",
              "step": "allow",
              "text": "if it is no leak, a line with a reason in .keywright-allow.toml"
            }
          ],
          "owner": {
            "whose": "unknown"
          },
          "places": [
            {
              "column": null,
              "git": {
                "first": {
                  "author": {
                    "name": "Ann"
                  },
                  "commit": "1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d",
                  "date": "2026-01-02T03:04:05Z",
                  "email": {
                    "name": "ann@example.com"
                  }
                },
                "id": "ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12",
                "in_head": "history_only",
                "object": "commit",
                "paths": [],
                "pushed": "yes",
                "refs": [
                  "refs/heads/main",
                  "refs/heads/dev",
                  "refs/heads/a",
                  "refs/heads/b"
                ],
                "repository": {
                  "name": "/srv/app"
                }
              },
              "line": 2,
              "source": "git",
              "wrapping": []
            }
          ],
          "proof": "claims",
          "pushed": "yes",
          "severity": "medium",
          "tail": "1a2b",
          "title": "session cookie of n8n",
          "user": null
        },
        {
          "alive": {
            "state": "not_asked"
          },
          "expired": true,
          "expires_at": "2026-12-30T00:00:00Z",
          "fingerprint": "d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d",
          "issued_at": null,
          "kind": "native1",
          "lapsed": [
            {
              "by": null,
              "file": {
                "name": ".keywright-allow.toml"
              },
              "fingerprint": "d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d",
              "line": 9,
              "reason": "soon",
              "until": "2026-12-02T00:00:00Z"
            }
          ],
          "next_steps": [
            {
              "step": "kill",
              "text": "it has ended by its own date; make sure, scan again with --check. Else: sign in to n8n as its user, delete the key in the settings under n8n API, make another there, and put it where the old one was used"
            },
            {
              "step": "clean",
              "text": "take it out of the files above"
            },
            {
              "command": "[[allow]]\nfingerprint = \"d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d\"\nreason = \"\"",
              "step": "allow",
              "text": "if it is no leak, a line with a reason in .keywright-allow.toml"
            }
          ],
          "owner": {
            "whose": "unknown"
          },
          "places": [
            {
              "column": 3,
              "line": 1,
              "path": {
                "name": "notes/old.txt"
              },
              "source": "file",
              "wrapping": []
            }
          ],
          "proof": "claims",
          "pushed": null,
          "severity": "high",
          "tail": "1a2b",
          "title": "API key of n8n 1.x",
          "user": null
        }
      ],
      "more_findings": 0,
      "more_unread": 1,
      "tally": {
        "bytes": 70000,
        "files": 4,
        "members": 2,
        "objects": 20,
        "repositories": 1
      },
      "unread": [
        {
          "cause": "limit",
          "detail": "max_object_bytes",
          "what": "big.bin"
        },
        {
          "cause": "unsupported",
          "detail": "an encrypted zip",
          "what": "x.zip"
        }
      ],
      "verdict": "found"
    }
    "#);
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
            Self::Sarif => Some(include_str!("schemas/sarif.json")),
            Self::GitLabQuality => Some(include_str!("schemas/gitlab-codequality.json")),
            Self::GitLabSecrets => Some(include_str!("schemas/gitlab-secrets.json")),
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
fn sarif_has_a_result_for_each_place() {
    let log: serde_json::Value = serde_json::from_str(&Form::Sarif.of(&example(), Secrets::Hidden)).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), Kind::ALL.len());
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&run["results"]).unwrap(), @r#"
    [
      {
        "level": "error",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": "app/.env",
                "uriBaseId": "%SRCROOT%"
              },
              "region": {
                "startLine": 4
              }
            }
          }
        ],
        "message": {
          "text": "API key of n8n 2.x 954955648975 …1a2b at app/.env (and 1 more names):4; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2",
          "primaryLocationLineHash": "954955648975c1fa:1"
        },
        "ruleId": "keywright/native2",
        "ruleIndex": 0,
        "suppressions": [],
        "taxa": [
          {
            "id": "798",
            "index": 0,
            "toolComponent": {
              "index": 0,
              "name": "CWE"
            }
          }
        ]
      },
      {
        "level": "error",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": "image.tar",
                "uriBaseId": "%SRCROOT%"
              },
              "region": {
                "startLine": 7
              }
            }
          }
        ],
        "message": {
          "text": "API key of n8n 2.x 954955648975 …1a2b at image.tar:7:3; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; wrapped: base64 in layer.tar!app/.env"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2",
          "primaryLocationLineHash": "954955648975c1fa:1"
        },
        "ruleId": "keywright/native2",
        "ruleIndex": 0,
        "suppressions": [],
        "taxa": [
          {
            "id": "798",
            "index": 0,
            "toolComponent": {
              "index": 0,
              "name": "CWE"
            }
          }
        ]
      },
      {
        "level": "warning",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": ".git/objects/ab/12ab12ab12ab12ab12ab12ab12ab12ab12ab12",
                "uriBaseId": "%SRCROOT%"
              },
              "region": {
                "startLine": 2
              }
            }
          }
        ],
        "message": {
          "text": "session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1",
          "primaryLocationLineHash": "e4b9b436de73c802:1"
        },
        "ruleId": "keywright/session_cookie",
        "ruleIndex": 6,
        "suppressions": [],
        "taxa": [
          {
            "id": "798",
            "index": 0,
            "toolComponent": {
              "index": 0,
              "name": "CWE"
            }
          }
        ]
      },
      {
        "level": "warning",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": "notes/old.txt",
                "uriBaseId": "%SRCROOT%"
              },
              "region": {
                "startLine": 1
              }
            }
          }
        ],
        "message": {
          "text": "API key of n8n 1.x d269623c56a4 …1a2b at notes/old.txt:1:3; whose: not known here; alive: not checked: a native key's signature cannot be checked offline; --check asks your own instances; expires: EXPIRED 2026-12-30 00:00 UTC, 2 days ago"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d",
          "primaryLocationLineHash": "d269623c56a481ea:1"
        },
        "ruleId": "keywright/native1",
        "ruleIndex": 1,
        "suppressions": [],
        "taxa": [
          {
            "id": "798",
            "index": 0,
            "toolComponent": {
              "index": 0,
              "name": "CWE"
            }
          }
        ]
      },
      {
        "level": "note",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": "docs/a.md",
                "uriBaseId": "%SRCROOT%"
              },
              "region": {
                "startLine": 5
              }
            }
          }
        ],
        "message": {
          "text": "session cookie of n8n e4b9b436de73 …1a2b at docs/a.md:5:3; whose: not known here; alive: not checked; expires: not said"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1",
          "primaryLocationLineHash": "e4b9b436de73c802:1"
        },
        "ruleId": "keywright/session_cookie",
        "ruleIndex": 6,
        "suppressions": [
          {
            "justification": "an example of the guide",
            "kind": "external",
            "status": "accepted"
          }
        ],
        "taxa": [
          {
            "id": "798",
            "index": 0,
            "toolComponent": {
              "index": 0,
              "name": "CWE"
            }
          }
        ]
      },
      {
        "level": "note",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": "docs/b.md",
                "uriBaseId": "%SRCROOT%"
              },
              "region": {
                "startLine": 9
              }
            }
          }
        ],
        "message": {
          "text": "legacy API key of n8n 6c03aedae79c …1a2b at docs/b.md:9:3; whose: not known here; alive: not checked; --check asks your own instances; expires: never by itself"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "6c03aedae79c847a004892068c15dd2cd322fc13e3e94e18c80f7dfc984a2e29",
          "primaryLocationLineHash": "6c03aedae79c847a:1"
        },
        "ruleId": "keywright/legacy",
        "ruleIndex": 2,
        "suppressions": [
          {
            "kind": "inSource",
            "status": "accepted"
          }
        ],
        "taxa": [
          {
            "id": "798",
            "index": 0,
            "toolComponent": {
              "index": 0,
              "name": "CWE"
            }
          }
        ]
      }
    ]
    "#);
    insta::assert_snapshot!(serde_json::to_string_pretty(&run["invocations"]).unwrap(), @r#"
    [
      {
        "endTimeUtc": "2027-01-01T12:00:00Z",
        "executionSuccessful": false,
        "startTimeUtc": "2027-01-01T12:00:00Z",
        "toolExecutionNotifications": [
          {
            "descriptor": {
              "id": "not-read"
            },
            "level": "error",
            "message": {
              "text": "not read: big.bin: beyond max_object_bytes (by default 64 MiB)"
            }
          },
          {
            "descriptor": {
              "id": "not-read"
            },
            "level": "error",
            "message": {
              "text": "not read: x.zip: not supported: an encrypted zip"
            }
          },
          {
            "descriptor": {
              "id": "not-read"
            },
            "level": "error",
            "message": {
              "text": "1 more were not read"
            }
          }
        ]
      }
    ]
    "#);
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

#[test]
fn gitlab_has_an_entry_for_each_place() {
    insta::assert_snapshot!(pretty(Form::GitLabQuality), @r#"
    [
      {
        "check_name": "keywright/native2",
        "description": "API key of n8n 2.x 954955648975 …1a2b at app/.env (and 1 more names):4; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED",
        "fingerprint": "309e27a7e61c70cd29d883ec122c68cf2090c0ba791068585b53334a0cb08fff",
        "location": {
          "lines": {
            "begin": 4
          },
          "path": "app/.env"
        },
        "severity": "blocker"
      },
      {
        "check_name": "keywright/native2",
        "description": "API key of n8n 2.x 954955648975 …1a2b at image.tar:7:3; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; wrapped: base64 in layer.tar!app/.env",
        "fingerprint": "7c2e1caccd3e2362fedb3cda81086806f4de130fd4e7b2b362eac7bf827b163c",
        "location": {
          "lines": {
            "begin": 7
          },
          "path": "image.tar"
        },
        "severity": "blocker"
      },
      {
        "check_name": "keywright/session_cookie",
        "description": "session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED",
        "fingerprint": "5e1d1b06963770f8e7c3a646b67022faaaee12758924f91b3d302996040da93a",
        "location": {
          "lines": {
            "begin": 2
          },
          "path": ".git/objects/ab/12ab12ab12ab12ab12ab12ab12ab12ab12ab12"
        },
        "severity": "major"
      },
      {
        "check_name": "keywright/native1",
        "description": "API key of n8n 1.x d269623c56a4 …1a2b at notes/old.txt:1:3; whose: not known here; alive: not checked: a native key's signature cannot be checked offline; --check asks your own instances; expires: EXPIRED 2026-12-30 00:00 UTC, 2 days ago",
        "fingerprint": "085883bea329a61c4c0e9b36eedecb12821ca71b1c17de91a2dddd28f5173b3f",
        "location": {
          "lines": {
            "begin": 1
          },
          "path": "notes/old.txt"
        },
        "severity": "major"
      },
      {
        "check_name": "keywright/not-read",
        "description": "not read: big.bin: beyond max_object_bytes (by default 64 MiB)",
        "fingerprint": "4f244e300e869d13933524aa08dac8ad03e526ba16c799812ce2a6420e2599d4",
        "location": {
          "lines": {
            "begin": 1
          },
          "path": "big.bin"
        },
        "severity": "minor"
      },
      {
        "check_name": "keywright/not-read",
        "description": "not read: x.zip: not supported: an encrypted zip",
        "fingerprint": "4cb827e9bc3b9c26b4116029c6ca3fde853b3d543ce7ca1ec64512db439916b3",
        "location": {
          "lines": {
            "begin": 1
          },
          "path": "x.zip"
        },
        "severity": "minor"
      },
      {
        "check_name": "keywright/not-read",
        "description": "1 more were not read, 0 findings more were not kept",
        "fingerprint": "5f4bf71d4686ecab04c7492bf10d44f995ed5082128afa8eac29fc9145683fb8",
        "location": {
          "lines": {
            "begin": 1
          },
          "path": "_"
        },
        "severity": "minor"
      }
    ]
    "#);
    insta::assert_snapshot!(pretty(Form::GitLabSecrets), @r#"
    {
      "scan": {
        "analyzer": {
          "id": "keywright",
          "name": "Keywright",
          "vendor": {
            "name": "Keywright"
          },
          "version": "0.1.0"
        },
        "end_time": "2027-01-01T12:00:00",
        "messages": [
          {
            "level": "warn",
            "value": "3 leaks; 3 things were not read"
          },
          {
            "level": "warn",
            "value": "not read: big.bin: beyond max_object_bytes (by default 64 MiB)"
          },
          {
            "level": "warn",
            "value": "not read: x.zip: not supported: an encrypted zip"
          }
        ],
        "scanner": {
          "id": "keywright",
          "name": "Keywright",
          "vendor": {
            "name": "Keywright"
          },
          "version": "0.1.0"
        },
        "start_time": "2027-01-01T12:00:00",
        "status": "success",
        "type": "secret_detection"
      },
      "version": "15.2.1",
      "vulnerabilities": [
        {
          "description": "API key of n8n 2.x 954955648975 …1a2b at app/.env (and 1 more names):4; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED",
          "id": "309e27a7e61c70cd29d883ec122c68cf2090c0ba791068585b53334a0cb08fff",
          "identifiers": [
            {
              "name": "API key of n8n 2.x",
              "type": "keywright_kind",
              "value": "native2"
            },
            {
              "name": "CWE-798",
              "type": "cwe",
              "value": "798"
            }
          ],
          "location": {
            "commit": {
              "author": "Ann <ann@example.com>",
              "date": "2026-01-02T03:04:05Z",
              "sha": "1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d"
            },
            "file": "app/.env",
            "start_line": 4
          },
          "name": "API key of n8n 2.x 954955648975 …1a2b",
          "severity": "Critical",
          "solution": "kill it, and put a new key where it is used; take it out of the files above; then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it.; if it is no leak, a line with a reason in .keywright-allow.toml"
        },
        {
          "description": "API key of n8n 2.x 954955648975 …1a2b at image.tar:7:3; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; wrapped: base64 in layer.tar!app/.env",
          "id": "7c2e1caccd3e2362fedb3cda81086806f4de130fd4e7b2b362eac7bf827b163c",
          "identifiers": [
            {
              "name": "API key of n8n 2.x",
              "type": "keywright_kind",
              "value": "native2"
            },
            {
              "name": "CWE-798",
              "type": "cwe",
              "value": "798"
            }
          ],
          "location": {
            "commit": {
              "sha": "c0ffee"
            },
            "file": "image.tar",
            "start_line": 7
          },
          "name": "API key of n8n 2.x 954955648975 …1a2b",
          "severity": "Critical",
          "solution": "kill it, and put a new key where it is used; take it out of the files above; then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it.; if it is no leak, a line with a reason in .keywright-allow.toml"
        },
        {
          "description": "session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 1 more; in the history only; PUSHED",
          "id": "5e1d1b06963770f8e7c3a646b67022faaaee12758924f91b3d302996040da93a",
          "identifiers": [
            {
              "name": "session cookie of n8n",
              "type": "keywright_kind",
              "value": "session_cookie"
            },
            {
              "name": "CWE-798",
              "type": "cwe",
              "value": "798"
            }
          ],
          "location": {
            "commit": {
              "author": "Ann <ann@example.com>",
              "date": "2026-01-02T03:04:05Z",
              "sha": "1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d"
            },
            "file": ".git/objects/ab/12ab12ab12ab12ab12ab12ab12ab12ab12ab12",
            "start_line": 2
          },
          "name": "session cookie of n8n e4b9b436de73 …1a2b",
          "severity": "Medium",
          "solution": "change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them; then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it.; if it is no leak, a line with a reason in .keywright-allow.toml"
        },
        {
          "description": "API key of n8n 1.x d269623c56a4 …1a2b at notes/old.txt:1:3; whose: not known here; alive: not checked: a native key's signature cannot be checked offline; --check asks your own instances; expires: EXPIRED 2026-12-30 00:00 UTC, 2 days ago",
          "id": "085883bea329a61c4c0e9b36eedecb12821ca71b1c17de91a2dddd28f5173b3f",
          "identifiers": [
            {
              "name": "API key of n8n 1.x",
              "type": "keywright_kind",
              "value": "native1"
            },
            {
              "name": "CWE-798",
              "type": "cwe",
              "value": "798"
            }
          ],
          "location": {
            "commit": {
              "sha": "c0ffee"
            },
            "file": "notes/old.txt",
            "start_line": 1
          },
          "name": "API key of n8n 1.x d269623c56a4 …1a2b",
          "severity": "Medium",
          "solution": "it has ended by its own date; make sure, scan again with --check. Else: sign in to n8n as its user, delete the key in the settings under n8n API, make another there, and put it where the old one was used; take it out of the files above; if it is no leak, a line with a reason in .keywright-allow.toml"
        }
      ]
    }
    "#);
}

/// A report with the same bytes at every place where bytes from outside can be.
pub(super) fn hostile(bytes: &[u8], object: Object) -> Judged {
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
