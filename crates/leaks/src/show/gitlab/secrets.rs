//! Secret Detection, version 15 of its schema.

use std::io::{self, Write};

use model::Timestamp;
use serde::Serialize;
use serde::ser::SerializeStruct;
use serde_json::{Value, json};

use super::{id, numbered};
use crate::show::json::Each;
use crate::show::steps::steps;
use crate::show::summary::{Urgency, line, title, urgency};
use crate::show::text::{NAME_CHARS, text};
use crate::show::unread::why;
use crate::show::{Run, clean_json, location, verdict};
use crate::{Judged, Leak, Source, Spot, Verdict};

const SCHEMA_VERSION: &str = "15.2.1";

/// What GitLab takes for a commit that is none.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Writes a Secret Detection report. It has no extract of the file, since that would be the key.
pub fn gitlab_secrets(out: &mut dyn Write, judged: &Judged, run: Run<'_>) -> io::Result<()> {
    clean_json::write(out, &Whole { judged, run })
}

struct Whole<'a> {
    judged: &'a Judged,
    run: Run<'a>,
}

impl Serialize for Whole<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { judged, run } = *self;
        let leaks = judged.worst_first();
        let vulnerabilities = || {
            leaks.iter().flat_map(|leak| {
                numbered(leak, run.root)
                    .map(move |(spot, number)| vulnerability(leak, spot, number, judged, run))
            })
        };
        let mut whole = serializer.serialize_struct("report", 3)?;
        whole.serialize_field("version", SCHEMA_VERSION)?;
        whole.serialize_field("scan", &scan(judged, run))?;
        whole.serialize_field("vulnerabilities", &Each(vulnerabilities))?;
        whole.end()
    }
}

fn scan(judged: &Judged, run: Run<'_>) -> Value {
    let tool = json!({
        "id": "keywright",
        "name": "Keywright",
        "version": run.version,
        "vendor": { "name": "Keywright" },
    });
    let level = if judged.verdict() == Verdict::Clean { "info" } else { "warn" };
    let mut messages = vec![json!({ "level": level, "value": verdict(judged) })];
    messages.extend(judged.unread.iter().map(|one| {
        let line = format!("not read: {}: {}", text(&one.what, NAME_CHARS), why(&one.why));
        json!({ "level": "warn", "value": line })
    }));
    json!({
        "analyzer": tool,
        "scanner": tool,
        "type": "secret_detection",
        "start_time": time(run.started_at),
        "end_time": time(run.ended_at),
        "status": "success",
        "messages": messages,
    })
}

fn vulnerability(leak: &Leak, spot: &Spot, number: usize, judged: &Judged, run: Run<'_>) -> Value {
    let severity = match urgency(leak, judged.at) {
        Urgency::Lives => "Critical",
        Urgency::High => "High",
        Urgency::Medium => "Medium",
        Urgency::Low => "Low",
    };
    let kind = leak.token.kind;
    let solution: Vec<String> = steps(leak, judged.at).into_iter().map(|step| step.text).collect();
    json!({
        "id": id(leak, spot, run.root, number),
        "name": title(leak),
        "description": line(leak, spot, judged.at),
        "severity": severity,
        "solution": solution.join("; "),
        "identifiers": [
            { "type": "keywright_kind", "name": kind.title(), "value": kind.name() },
            { "type": "cwe", "name": "CWE-798", "value": "798" },
        ],
        "location": place(spot, run),
    })
}

fn place(spot: &Spot, run: Run<'_>) -> Value {
    let first = match &spot.place.source {
        Source::Git(git) => git.first.as_ref(),
        Source::File(_) | Source::Stream(_) => None,
    };
    let commit = match first.filter(|first| !first.commit.is_empty()) {
        Some(first) => {
            let name = format!("{} <{}>", text(&first.name, NAME_CHARS), text(&first.email, NAME_CHARS));
            let mut commit = json!({ "sha": text(first.commit.as_bytes(), 64), "author": name });
            if let (Some(date), Some(commit)) = (first.date, commit.as_object_mut()) {
                commit.insert("date".to_owned(), json!(date));
            }
            commit
        }
        None => {
            json!({ "sha": run.revision.map(|revision| revision.commit).filter(|id| !id.is_empty()).unwrap_or(NO_COMMIT) })
        }
    };
    let mut place =
        json!({ "file": location::path(&spot.place, run.root).to_string_lossy(), "commit": commit });
    if let (Some(line), Some(place)) = (spot.place.line, place.as_object_mut()) {
        place.insert("start_line".to_owned(), json!(line));
    }
    place
}

/// As the schema wants it: UTC, and no mark that says so.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
