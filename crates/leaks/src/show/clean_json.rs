//! JSON that may be printed: what a terminal would act on is `\u` and digits in it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::text::is_visible;

/// Writes a value on one line.
pub(super) fn write(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Clean))?;
    out.write_all(b"\n")
}

struct Clean;

// All else is as `CompactFormatter` has it, which is what the trait does by itself.
impl Formatter for Clean {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| !is_visible(*c)) {
            let (before, after) = rest.split_at(at);
            CompactFormatter.write_string_fragment(out, before)?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = after.get(hidden.len_utf8()..).unwrap_or_default();
        }
        CompactFormatter.write_string_fragment(out, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_digits_and_reads_back() {
        let name = "a\u{9b}\u{202e}\u{e0001}\u{7f}\n\"\\ü/…";
        let mut out = Vec::new();
        write(&mut out, &name).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert_eq!(shown, "\"a\\u009b\\u202e\\udb40\\udc01\\u007f\\n\\\"\\\\ü/\\u2026\"\n");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), name);
    }
}
