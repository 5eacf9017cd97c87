//! Bytes from outside, fit for a terminal and a line.

use std::fmt::Write as _;
use std::path::Path;

/// As many characters of a name are shown.
pub(crate) const NAME_CHARS: usize = 160;

/// Bytes as text: letters of any script as they are; what moves a cursor, turns the line round or cannot be seen is
/// escaped, and so is what is no UTF-8. Of more than `max` characters the middle is left out.
pub fn text(bytes: &[u8], max: usize) -> String {
    // A character is four bytes at most: what is between the ends of this cannot be shown.
    let room = max.saturating_mul(4);
    if bytes.len() <= room.saturating_mul(2) {
        return join(&units(bytes), max);
    }
    let head = bytes.get(..room).unwrap_or_default();
    let tail = bytes.get(bytes.len().saturating_sub(room)..).unwrap_or_default();
    // Where a character was cut in two, its half is no fault of the name's.
    let head = match std::str::from_utf8(head) {
        Err(fault) if fault.error_len().is_none() => head.get(..fault.valid_up_to()).unwrap_or_default(),
        _ => head,
    };
    let halves = tail.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    let mut all = units(head);
    all.extend(units(tail.get(halves..).unwrap_or_default()));
    join(&all, max)
}

/// A path, as [`text`].
pub(crate) fn path(path: &Path) -> String {
    text(path.as_os_str().as_encoded_bytes(), NAME_CHARS)
}

/// Whether a name is shown as it is.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|name| name.chars().all(is_visible))
}

/// Whether a character may reach a terminal as it is.
pub(crate) fn is_visible(c: char) -> bool {
    // Hangul's fillers are letters, and nothing is seen of them.
    let is_filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric() && !is_filler)
}

fn units(bytes: &[u8]) -> Vec<String> {
    let mut units = Vec::new();
    for chunk in bytes.utf8_chunks() {
        units.extend(chunk.valid().chars().map(|c| match c {
            '\\' => r"\\".to_owned(),
            c if is_visible(c) => c.to_string(),
            c => c.escape_unicode().to_string(),
        }));
        for byte in chunk.invalid() {
            let mut unit = String::new();
            if write!(unit, "\\x{byte:02x}").is_ok() {
                units.push(unit);
            }
        }
    }
    units
}

fn join(units: &[String], max: usize) -> String {
    let width = |units: &[String]| units.iter().map(|unit| unit.chars().count()).sum::<usize>();
    if width(units) <= max {
        return units.concat();
    }
    let fit = |units: &mut dyn Iterator<Item = &String>, room: usize| {
        let mut used = 0;
        units
            .take_while(|unit| {
                used += unit.chars().count();
                used <= room
            })
            .count()
    };
    let room = max.saturating_sub(1);
    let head = fit(&mut units.iter(), room.div_ceil(2));
    let tail = fit(&mut units.iter().rev(), room / 2);
    let head = units.get(..head).unwrap_or_default().concat();
    let tail = units.get(units.len().saturating_sub(tail)..).unwrap_or_default().concat();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(text(bytes, 20), expected);
    }

    #[test]
    fn what_is_not_seen_is_escaped() {
        check("a/ü.env".as_bytes(), "a/ü.env");
        check(b"a\x1b[2J\n", r"a\u{1b}[2J\u{a}");
        check("\u{202e}x\u{200b}".as_bytes(), r"\u{202e}x\u{200b}");
        check("\u{3164}".as_bytes(), r"\u{3164}");
        check("\u{9b}".as_bytes(), r"\u{9b}");
        check(b"a\xff\\", r"a\xff\\");
    }

    #[test]
    fn the_middle_of_a_long_name_is_left_out() {
        check(b"0123456789abcdefghijklmn", "0123456789…fghijklmn");
        check("x".repeat(100_000).as_bytes(), "xxxxxxxxxx…xxxxxxxxx");
        check("ü".repeat(100_000).as_bytes(), "üüüüüüüüüü…üüüüüüüüü");
        // Never within an escape.
        check(&[0x1b; 9], r"\u{1b}…\u{1b}");
    }
}
