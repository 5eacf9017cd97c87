#![expect(clippy::too_many_lines, reason = "a snapshot of the whole")]

use super::{Form, pretty};

#[test]
fn gitlab_has_an_entry_for_each_place() {
    insta::assert_snapshot!(pretty(Form::GitLabQuality), @r#"
    [
      {
        "check_name": "keywright/native2",
        "description": "API key of n8n 2.x 954955648975 …1a2b at app/.env (and 1 more name):4; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; 3 times more there, or in other versions of it; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED",
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
        "description": "session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; --check uses API keys of n8n only; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED",
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
          "description": "API key of n8n 2.x 954955648975 …1a2b at app/.env (and 1 more name):4; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; 3 times more there, or in other versions of it; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED",
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
          "solution": "kill it, and put a new key where it is used; take it out of the files above; then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it; if it is no leak, a line with a reason in .keywright-allow.toml"
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
          "solution": "kill it, and put a new key where it is used; take it out of the files above; then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it; if it is no leak, a line with a reason in .keywright-allow.toml"
        },
        {
          "description": "session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; --check uses API keys of n8n only; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED",
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
          "solution": "change the password of its user in n8n: that ends the sessions of this user, signing out does not end all of them; then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it; if it is no leak, a line with a reason in .keywright-allow.toml"
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
          "solution": "it has ended by its own date: see what it was used for while it lived; take it out of the files above; if it is no leak, a line with a reason in .keywright-allow.toml"
        }
      ]
    }
    "#);
}
