//! SARIF 2.1.0, as GitHub and editors take it. A result is a leak at one place.

mod rules;

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::SerializeStruct;
use serde_json::{Value, json};

use super::json::Each;
use super::summary::{Urgency, line, urgency};
use super::text::{NAME_CHARS, text};
use super::unread::why;
use super::{Run, clean_json, location};
use crate::{Allowed, Judged, Leak, Source, Spot};

/// Writes the report as SARIF.
pub fn sarif(out: &mut dyn Write, judged: &Judged, run: Run<'_>) -> io::Result<()> {
    clean_json::write(out, &Log { judged, run })
}

struct Log<'a> {
    judged: &'a Judged,
    run: Run<'a>,
}

impl Serialize for Log<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut log = serializer.serialize_struct("log", 3)?;
        log.serialize_field(
            "$schema",
            "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        )?;
        log.serialize_field("version", "2.1.0")?;
        log.serialize_field("runs", &[TheRun { judged: self.judged, run: self.run }])?;
        log.end()
    }
}

struct TheRun<'a> {
    judged: &'a Judged,
    run: Run<'a>,
}

impl Serialize for TheRun<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { judged, run } = *self;
        let leaks = judged.worst_first();
        let results = || {
            let open = leaks.iter().flat_map(|leak| {
                let mut seen = HashMap::new();
                leak.places.iter().map(move |spot| result(leak, spot, None, judged, run, &mut seen))
            });
            let let_be = judged
                .allowed()
                .map(|(leak, spot, by)| result(leak, spot, Some(by), judged, run, &mut HashMap::new()));
            open.chain(let_be)
        };
        let mut object = serializer.serialize_struct("run", 6)?;
        object.serialize_field("tool", &rules::tool(run.version))?;
        object.serialize_field("taxonomies", &[rules::cwe()])?;
        object.serialize_field("invocations", &[invocation(judged, run)])?;
        if let Some(revision) = run.revision {
            let mut of = json!({
                "repositoryUri": revision.repository,
                "revisionId": revision.commit,
                "mappedTo": { "uriBaseId": "%SRCROOT%" },
            });
            if let (Some(branch), Some(of)) = (revision.branch, of.as_object_mut()) {
                of.insert("branch".to_owned(), json!(branch));
            }
            object.serialize_field("versionControlProvenance", &[of])?;
        }
        object.serialize_field("results", &Each(results))?;
        object.end()
    }
}

/// What was not read makes the run unsuccessful: without a result it would else look clean.
fn invocation(judged: &Judged, run: Run<'_>) -> Value {
    let notify = |line: &str| json!({ "level": "error", "descriptor": { "id": "not-read" }, "message": { "text": message(line) } });
    let mut notifications: Vec<Value> = judged
        .unread
        .iter()
        .map(|one| notify(&format!("not read: {}: {}", text(&one.what, NAME_CHARS), why(&one.why))))
        .collect();
    if judged.more_unread > 0 {
        notifications.push(notify(&format!("{} more were not read", judged.more_unread)));
    }
    if judged.more_findings > 0 {
        notifications.push(notify(&format!("{} more findings were not kept", judged.more_findings)));
    }
    json!({
        "executionSuccessful": notifications.is_empty(),
        "startTimeUtc": run.started_at,
        "endTimeUtc": run.ended_at,
        "toolExecutionNotifications": notifications,
    })
}

fn result(
    leak: &Leak,
    spot: &Spot,
    allowed: Option<&Allowed>,
    judged: &Judged,
    run: Run<'_>,
    seen: &mut HashMap<String, usize>,
) -> Value {
    let level = match urgency(leak, judged.at) {
        _ if allowed.is_some() => "note",
        Urgency::Lives | Urgency::High => "error",
        Urgency::Medium => "warning",
        Urgency::Low => "note",
    };
    let path = location::path(&spot.place, run.root);
    let uri = location::uri(&path);
    let number = seen.entry(uri.clone()).and_modify(|number| *number += 1).or_insert(1);
    let hash: String = leak.fingerprint.to_string().chars().take(16).collect();
    let mut artifact = json!({ "uri": uri });
    if let (false, Some(artifact)) = (path.is_absolute(), artifact.as_object_mut()) {
        artifact.insert("uriBaseId".to_owned(), json!("%SRCROOT%"));
    }
    let mut physical = json!({ "artifactLocation": artifact });
    if let (Some(line), Some(physical)) = (spot.place.line.filter(|line| *line > 0), physical.as_object_mut())
    {
        physical.insert("region".to_owned(), json!({ "startLine": line }));
    }
    let kind = leak.token.kind;
    json!({
        "ruleId": rules::id(kind),
        "ruleIndex": rules::index(kind),
        "level": level,
        "message": { "text": message(&line(leak, spot, judged.at)) },
        "locations": [{ "physicalLocation": physical }],
        "partialFingerprints": {
            "keyFingerprint/v1": leak.fingerprint,
            "primaryLocationLineHash": format!("{hash}:{number}"),
        },
        "taxa": [rules::weakness()],
        "properties": properties(spot),
        // An empty list says that nobody lets it be.
        "suppressions": allowed.map(suppression).into_iter().collect::<Vec<_>>(),
    })
}

/// What SARIF has no words for.
fn properties(spot: &Spot) -> Value {
    match &spot.place.source {
        Source::Git(git) => json!({
            "also": spot.also,
            "firstCommit": git.first.as_ref().map(|first| &first.commit),
            "refs": git.refs,
            "moreRefs": git.more_refs,
            "inHead": git.in_head,
            "pushed": git.pushed,
        }),
        Source::File(_) | Source::Stream(_) => json!({ "also": spot.also }),
    }
}

fn suppression(allowed: &Allowed) -> Value {
    match allowed {
        Allowed::Inline => json!({ "kind": "inSource", "status": "accepted" }),
        Allowed::List(by) => json!({
            "kind": "external",
            "status": "accepted",
            "justification": text(by.line.reason.as_bytes(), 500),
        }),
    }
}

/// A text without links and places to fill: SARIF has them in brackets.
fn message(text: &str) -> String {
    let mut message = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => message.extend(['\\', c]),
            '{' | '}' => message.extend([c, c]),
            c => message.push(c),
        }
    }
    message
}
