//! Code Quality.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{id, numbered};
use crate::show::json::Each;
use crate::show::summary::{Urgency, line, urgency};
use crate::show::text::{NAME_CHARS, text};
use crate::show::unread::why;
use crate::show::{Run, clean_json, location};
use crate::{Judged, Leak, Spot, Unread};

/// Writes a Code Quality report. What was not read is in it too: an empty report would say that all is well.
pub fn gitlab_codequality(out: &mut dyn Write, judged: &Judged, run: Run<'_>) -> io::Result<()> {
    let leaks = judged.worst_first();
    let places = || {
        let places = leaks.iter().flat_map(|leak| {
            numbered(leak, run.root).map(move |(spot, number)| issue(leak, spot, number, judged, run))
        });
        places.chain(judged.unread.iter().map(unread)).chain(more(judged))
    };
    clean_json::write(out, &Each(places))
}

fn issue(leak: &Leak, spot: &Spot, number: usize, judged: &Judged, run: Run<'_>) -> Value {
    let severity = match urgency(leak, judged.at) {
        Urgency::Lives => "blocker",
        Urgency::High => "critical",
        Urgency::Medium => "major",
        Urgency::Low => "minor",
    };
    json!({
        "description": line(leak, spot, judged.at),
        "check_name": format!("keywright/{}", leak.token.kind.name()),
        "fingerprint": id(leak, spot, run.root, number),
        "severity": severity,
        "location": {
            "path": location::path(&spot.place, run.root).to_string_lossy(),
            "lines": { "begin": spot.place.line.unwrap_or(1) },
        },
    })
}

fn unread(one: &Unread) -> Value {
    let what = text(&one.what, NAME_CHARS);
    not_read(&format!("not read: {what}: {}", why(&one.why)), &String::from_utf8_lossy(&one.what))
}

fn more(judged: &Judged) -> Option<Value> {
    let (unread, findings) = (judged.more_unread, judged.more_findings);
    let line = format!("{unread} more were not read, {findings} findings more were not kept");
    (unread + findings > 0).then(|| not_read(&line, "_"))
}

fn not_read(line: &str, path: &str) -> Value {
    let id = model::Fingerprint::of(&model::Secret::new(format!("not read\n{path}\n{line}")));
    json!({
        "description": line,
        "check_name": "keywright/not-read",
        "fingerprint": id,
        "severity": "minor",
        "location": { "path": path, "lines": { "begin": 1 } },
    })
}
