#![expect(clippy::too_many_lines, reason = "a snapshot of the whole")]

use detector::Kind;

use super::{Form, Secrets, example};

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
          "text": "API key of n8n 2.x 954955648975 …1a2b at app/.env (and 1 more name):4; whose: ours: `deploy` on `prod`, key 01hf7yat000000000000000007 (active); alive: YES, `prod` takes it; expires: 2027-03-01 00:00 UTC, in 58 days; 3 times more there, or in other versions of it; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "954955648975c1fac3b2b1445f762bbcf789f601f1537cacdc464c4f763fe8e2",
          "primaryLocationLineHash": "954955648975c1fa:1"
        },
        "properties": {
          "also": 3,
          "firstCommit": "1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d",
          "inHead": "history_only",
          "moreRefs": 7,
          "pushed": "yes",
          "refs": [
            "refs/heads/main",
            "refs/heads/dev",
            "refs/heads/a",
            "refs/heads/b"
          ]
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
        "properties": {
          "also": 0
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
          "text": "session cookie of n8n e4b9b436de73 …1a2b at text of commit ab12ab12ab12:2; whose: not known here; alive: not checked; --check uses API keys of n8n only; expires: not said; commit 1c2d1c2d1c2d by Ann <ann@example.com>, 2026-01-02 03:04 UTC; refs/heads/main, refs/heads/dev, refs/heads/a and 8 more; in the history only; PUSHED"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1",
          "primaryLocationLineHash": "e4b9b436de73c802:1"
        },
        "properties": {
          "also": 0,
          "firstCommit": "1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d1c2d",
          "inHead": "history_only",
          "moreRefs": 7,
          "pushed": "yes",
          "refs": [
            "refs/heads/main",
            "refs/heads/dev",
            "refs/heads/a",
            "refs/heads/b"
          ]
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
        "properties": {
          "also": 0
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
          "text": "session cookie of n8n e4b9b436de73 …1a2b at docs/a.md:5:3; whose: not known here; alive: not checked; --check uses API keys of n8n only; expires: not said"
        },
        "partialFingerprints": {
          "keyFingerprint/v1": "e4b9b436de73c80282c92c8a9f48b84b9c6a984297cee743802dbb57960725b1",
          "primaryLocationLineHash": "e4b9b436de73c802:1"
        },
        "properties": {
          "also": 0
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
        "properties": {
          "also": 0
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
