#![expect(clippy::too_many_lines, reason = "a snapshot of the whole")]

use super::{Form, Secrets, example, pretty};

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
            "also": 0,
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
            "also": 0,
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
              "text": "kill it, and put a new key where it is used",
              "warning": null
            },
            {
              "command": null,
              "step": "clean",
              "text": "take it out of the files above",
              "warning": null
            },
            {
              "command": "git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt",
              "step": "clean",
              "text": "then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it",
              "warning": "Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it."
            },
            {
              "command": "[[allow]]\nfingerprint = \"954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2\"\nreason = \"\"",
              "step": "allow",
              "text": "if it is no leak, a line with a reason in .keywright-allow.toml",
              "warning": null
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
              "also": 3,
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
                "more_refs": 7,
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
              "also": 0,
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
              "command": null,
              "step": "kill",
              "text": "change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them",
              "warning": null
            },
            {
              "command": "git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt",
              "step": "clean",
              "text": "then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it",
              "warning": "Cleaning a history without rotating the key helps nobody: clones, forks, caches and backups keep what was pushed, and whoever read it has it."
            },
            {
              "command": "[[allow]]\nfingerprint = \"e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1\"\nreason = \"\"",
              "step": "allow",
              "text": "if it is no leak, a line with a reason in .keywright-allow.toml",
              "warning": null
            }
          ],
          "owner": {
            "whose": "unknown"
          },
          "places": [
            {
              "also": 0,
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
                "more_refs": 7,
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
              "command": null,
              "step": "kill",
              "text": "it has ended by its own date: see what it was used for while it lived",
              "warning": null
            },
            {
              "command": null,
              "step": "clean",
              "text": "take it out of the files above",
              "warning": null
            },
            {
              "command": "[[allow]]\nfingerprint = \"d269623c56a481ea8d0a253e44d921e57cca727e0f268386d7350b1468d1335d\"\nreason = \"\"",
              "step": "allow",
              "text": "if it is no leak, a line with a reason in .keywright-allow.toml",
              "warning": null
            }
          ],
          "owner": {
            "whose": "unknown"
          },
          "places": [
            {
              "also": 0,
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
        "excluded": 0,
        "files": 4,
        "links": 0,
        "members": 2,
        "objects": 20,
        "repositories": 1,
        "special": 0
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
