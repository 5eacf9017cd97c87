//! A .env file's bytes with one name's value read, put or taken out.

use zeroize::Zeroizing;

use super::{
    syntax::{BOM, Fault, Parsed, Style, parse},
    value::{decode, encode},
};
use crate::place::Content;

const NOT_UTF8: &str = "the value is not UTF-8";

/// The value that readers see: of several, the last.
pub(super) fn held(text: &[u8], name: &str) -> Result<Option<Zeroizing<String>>, Fault> {
    let parsed = parse(text, name)?;
    let Some(last) = parsed.found.last() else { return Ok(None) };
    let value = text.get(last.value.clone()).unwrap_or_default();
    decode(last.style, value).map(Some).ok_or_else(|| Fault::at(text, last.lines.start, NOT_UTF8))
}

/// Every assignment of `name` gets the value, so that no old one stays; with none, a line is added at the end.
pub(super) fn put(text: &[u8], name: &str, value: &str) -> Result<Content, Fault> {
    let parsed = parse(text, name)?;
    let new = if parsed.found.is_empty() {
        append(text, name, value, &parsed)?
    } else {
        let room = parsed.found.len() * (value.len() * 2 + 2);
        let mut new: Content = Zeroizing::new(Vec::with_capacity(text.len() + room));
        let mut from = 0;
        for assignment in &parsed.found {
            new.extend_from_slice(text.get(from..assignment.value.start).unwrap_or_default());
            new.extend_from_slice(&encode(assignment.style, value));
            from = assignment.value.end;
        }
        new.extend_from_slice(text.get(from..).unwrap_or_default());
        new
    };
    // Read once more as a reader would: what is written is what will be found.
    match held(&new, name) {
        Ok(Some(found)) if *found == value => Ok(new),
        _ => Err(Fault::at(
            text,
            text.len(),
            "the key cannot be written in this file so that it reads the same",
        )),
    }
}

/// Takes the lines of `name` out; a line that [`put`] added leaves no trace.
pub(super) fn take_out(text: &[u8], name: &str) -> Result<Content, Fault> {
    let parsed = parse(text, name)?;
    let mut new: Content = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut from = 0;
    for assignment in &parsed.found {
        let start = if from == 0 && text.starts_with(BOM) {
            assignment.lines.start.max(BOM.len())
        } else {
            assignment.lines.start
        };
        new.extend_from_slice(text.get(from..start).unwrap_or_default());
        from = assignment.lines.end;
    }
    new.extend_from_slice(text.get(from..).unwrap_or_default());
    // The file had no final line end, and our line, which has none either, brought the one before it.
    let last_without_end = parsed.found.last().is_some_and(|last| last.lines.end == text.len());
    if last_without_end && !text.ends_with(b"\n") && new.ends_with(b"\n") {
        new.pop();
        if new.ends_with(b"\r") {
            new.pop();
        }
    }
    Ok(new)
}

fn append(text: &[u8], name: &str, value: &str, parsed: &Parsed) -> Result<Content, Fault> {
    let body = text.strip_prefix(BOM).unwrap_or(text);
    if body.trim_ascii_end().ends_with(b"\\") {
        return Err(Fault::at(
            text,
            text.len(),
            "the last line ends with a backslash, so a line after it may be part of it",
        ));
    }
    let mut line_ends = text.windows(2).filter(|pair| pair.ends_with(b"\n"));
    let line_end: &[u8] = if line_ends.next_back() == Some(b"\r\n") { b"\r\n" } else { b"\n" };
    let prefix = if parsed.exports { "export " } else { "" };
    let mut new: Content = Zeroizing::new(Vec::with_capacity(text.len() + name.len() + value.len() * 2 + 16));
    new.extend_from_slice(text);
    let ended = body.is_empty() || body.ends_with(b"\n");
    if !ended {
        new.extend_from_slice(line_end);
    }
    new.extend_from_slice(prefix.as_bytes());
    new.extend_from_slice(name.as_bytes());
    new.push(b'=');
    new.extend_from_slice(&encode(Style::Bare, value));
    if ended {
        new.extend_from_slice(line_end);
    }
    Ok(new)
}
