//! Annotations of GitHub Actions: lines on standard output that the runner takes up.

use std::io::{self, Write};

use super::steps::steps;
use super::summary::{Urgency, line, title, urgency};
use super::text::{NAME_CHARS, is_plain, text};
use super::unread::why;
use super::{Run, location, verdict};
use crate::{Judged, Leak, Verdict};

/// As many names of what was not read are in the one line about it.
const UNREAD: usize = 10;

/// Writes annotations, one for each leak: GitHub shows ten of a step, so that the places of one leak must not push out
/// another.
pub fn github(out: &mut dyn Write, judged: &Judged, run: Run<'_>) -> io::Result<()> {
    for leak in judged.worst_first() {
        one(out, leak, judged, run)?;
    }
    let count = judged.unread_count();
    if count > 0 {
        let names = judged.unread.iter().take(UNREAD);
        let names: Vec<String> =
            names.map(|one| format!("{} ({})", text(&one.what, NAME_CHARS), why(&one.why))).collect();
        annotate(
            out,
            "warning",
            &[("title", "Keywright: not read")],
            &format!("{count} not read: {}", names.join("; ")),
        )?;
    }
    for list in judged.allowlists.iter().filter(|list| list.places > 0) {
        let line = format!("{} left out by {}", list.places, super::path(&list.file));
        annotate(out, "notice", &[("title", "Keywright: let be")], &line)?;
    }
    let level = if judged.verdict() == Verdict::Clean { "notice" } else { "warning" };
    annotate(out, level, &[("title", "Keywright")], &verdict(judged))
}

fn one(out: &mut dyn Write, leak: &Leak, judged: &Judged, run: Run<'_>) -> io::Result<()> {
    // Only on a file that is there can GitHub show it.
    let Some(spot) =
        leak.places.iter().find(|spot| location::is_there(&spot.place)).or_else(|| leak.places.first())
    else {
        return Ok(());
    };
    let level = match urgency(leak, judged.at) {
        Urgency::Lives | Urgency::High => "error",
        Urgency::Medium => "warning",
        Urgency::Low => "notice",
    };
    let path = location::path(&spot.place, run.root);
    let bytes = path.as_os_str().as_encoded_bytes();
    // A name that is not to be printed as it is stands in the message alone, escaped.
    let file = std::str::from_utf8(bytes).ok().filter(|_| is_plain(bytes) && location::is_there(&spot.place));
    let number = spot.place.line.map(|line| line.to_string());
    let title = title(leak);
    let mut properties = vec![("title", title.as_str())];
    properties.extend(file.map(|file| ("file", file)));
    properties.extend(number.as_deref().filter(|_| file.is_some()).map(|line| ("line", line)));
    let more = leak.places.len() - 1;
    let more = match more {
        0 => String::new(),
        1 => "; and at 1 more place".to_owned(),
        more => format!("; and at {more} more places"),
    };
    let next: Vec<String> = steps(leak, judged.at)
        .into_iter()
        .filter(|step| step.name == "kill")
        .map(|step| {
            format!("{}{}", step.text, step.command.map(|command| format!(": {command}")).unwrap_or_default())
        })
        .collect();
    annotate(
        out,
        level,
        &properties,
        &format!("{}{more}. Next: {}", line(leak, spot, judged.at), next.join(" ")),
    )
}

fn annotate(out: &mut dyn Write, level: &str, properties: &[(&str, &str)], message: &str) -> io::Result<()> {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", data(value).replace(':', "%3A").replace(',', "%2C")))
        .collect();
    writeln!(out, "::{level} {}::{}", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_form_are_escaped() {
        let mut out = Vec::new();
        annotate(&mut out, "error", &[("file", "a,b:c%\n")], "50%: a,b\r\n::x::").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "::error file=a%2Cb%3Ac%25%0A::50%25: a,b%0D%0A::x::\n");
    }
}
