//! What stands between two pieces of one text: a wrapped line, two quotes with an operator, a continued line.

/// More than this between two pieces, and they are two texts.
const MAX_JOINT_BYTES: usize = 160;

/// Which characters go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Letters, digits, `-`, `_`.
    Token,
    /// Those, `+` and `/`.
    Base64,
    /// Hex digits, and `\x` before them.
    Hex,
}

/// How two pieces are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joint {
    /// Its length.
    pub(crate) bytes: usize,
    /// Whether a line was merely wrapped, which is the weakest evidence.
    pub(crate) is_bare_wrap: bool,
}

/// The joint that `text` begins with, up to a character of the alphabet; `None` if the first piece ends here.
pub(crate) fn after(text: &[u8], alphabet: Alphabet) -> Option<Joint> {
    let text = text.get(..MAX_JOINT_BYTES.min(text.len()))?;
    let mut seen = Seen::default();
    let mut at = 0;
    while let Some(rest @ [first, ..]) = text.get(at..) {
        if at > 0 && seen.allows(alphabet, rest) {
            return Some(Joint { bytes: at, is_bare_wrap: seen.quotes == 0 && !seen.is_continued });
        }
        at += seen.take(*first, rest, alphabet)?;
    }
    None
}

#[derive(Default)]
struct Seen {
    quotes: u8,
    operators: u8,
    newlines: u8,
    invisibles: u8,
    is_continued: bool,
}

impl Seen {
    /// Whether what was seen makes a joint and `rest` goes on with the text.
    fn allows(&self, alphabet: Alphabet, rest: &[u8]) -> bool {
        let goes_on = match (alphabet, rest) {
            // `f"…`, `b'…`: a mark of the literal that follows.
            (_, [letter, b'"' | b'\'', ..]) if letter.is_ascii_alphabetic() && self.quotes == 1 => false,
            (Alphabet::Hex, [b'\\', b'x' | b'X', ..]) => true,
            (Alphabet::Hex, [byte, ..]) => byte.is_ascii_hexdigit(),
            (_, [byte, ..]) if byte.is_ascii_alphanumeric() => true,
            (Alphabet::Token, [b'.' | b'-' | b'_', ..])
            | (Alphabet::Base64, [b'+' | b'/' | b'-' | b'_', ..]) => true,
            _ => false,
        };
        let is_joint = if self.quotes > 0 {
            self.quotes >= 2
        } else {
            self.operators == 0 && (self.newlines > 0 || self.invisibles > 0)
        };
        goes_on && is_joint
    }

    /// Takes what `rest` begins with, and tells its length; `None` if it belongs to no joint.
    fn take(&mut self, first: u8, rest: &[u8], alphabet: Alphabet) -> Option<usize> {
        if let Some(length) = line_end(rest) {
            self.newlines = self.newlines.saturating_add(1);
            return (self.newlines <= 3).then_some(length);
        }
        if let Some(length) = invisible(rest) {
            self.invisibles = self.invisibles.saturating_add(1);
            return Some(length);
        }
        match rest {
            // A line that goes on: shells, C, PowerShell, batch files, quoted-printable.
            [b'\\' | b'`' | b'^' | b'=', b'\n', ..] | [b'\\' | b'`' | b'^' | b'=', b'\r', b'\n', ..] => {
                self.is_continued = true;
                Some(1)
            }
            [b'\\', b't', ..] => Some(2),
            [b'\\', b'"' | b'\'' | b'`', ..] | [b'"' | b'\'' | b'`', ..] => {
                self.quotes = self.quotes.saturating_add(1);
                (self.quotes <= 4).then_some(if first == b'\\' { 2 } else { 1 })
            }
            [b' ' | b'\t', ..] | [b'\\', b'\\', ..] => Some(1),
            // What stands before each line of a comment, a quotation, a patch.
            [b'#' | b'>' | b'*' | b'|' | b'+' | b'/', ..] if self.newlines > 0 && self.quotes == 0 => {
                (alphabet != Alphabet::Base64 || !matches!(first, b'+' | b'/')).then_some(1)
            }
            [
                b'+' | b'.' | b'&' | b'|' | b',' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'~' | b'^',
                ..,
            ] if self.quotes % 2 == 1 => {
                self.operators = self.operators.saturating_add(1);
                (self.operators <= 6).then_some(1)
            }
            [b'c', b'o', b'n', b'c', b'a', b't', b'(', ..] if self.quotes == 1 => Some(7),
            // A literal's mark; and a line that goes on in Visual Basic.
            [b'f' | b'b' | b'r' | b'u' | b'L', b'"' | b'\'', ..]
            | [b'_', b'\n', ..]
            | [b'_', b'\r', b'\n', ..]
                if self.quotes == 1 =>
            {
                Some(1)
            }
            _ => None,
        }
    }
}

/// The end of a line, also one that is escaped within a string.
fn line_end(text: &[u8]) -> Option<usize> {
    match text {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n' | b'\r', ..] => Some(1),
        [b'\\', b'r', b'\\', b'n', ..] | [b'<', b'b', b'r', b'>', ..] => Some(4),
        [b'\\', b'n' | b'r', ..] => Some(2),
        [b'\\', b'\\', b'n', ..] => Some(3),
        [b'<', b'b', b'r', b'/', b'>', ..] => Some(5),
        [b'<', b'b', b'r', b' ', b'/', b'>', ..] => Some(6),
        _ => None,
    }
}

/// A character that is not seen: a soft hyphen, a space of no width, a place where a line may break.
fn invisible(text: &[u8]) -> Option<usize> {
    match text {
        [0xC2, 0xAD, ..] => Some(2),
        [0xE2, 0x80, 0x8B..=0x8D, ..] | [0xEF, 0xBB, 0xBF, ..] => Some(3),
        [b'<', b'w', b'b', b'r', b'>', ..] | [b'&', b's', b'h', b'y', b';', ..] => Some(5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<usize>) {
        assert_eq!(after(text.as_bytes(), Alphabet::Token).map(|joint| joint.bytes), expected, "{text:?}");
    }

    #[test]
    fn pieces_of_one_text_are_joined() {
        for joint in [
            "\n",
            "\r\n    ",
            "\\\n",
            "\\\n  ",
            "=\r\n",
            "\" + \"",
            "' +\n    '",
            "\" .\n\"",
            "\" & \"",
            "\" & _\n    \"",
            "' || '",
            "\"\n  \"",
            "\", \"",
            "\"\"",
            "\\\" + \\\"",
            "\\n\",\n    \"",
            "\" + f\"",
            "\".concat(\"",
            "\n> ",
            "\n# ",
            "\n// ",
            "<wbr>",
            "\u{200b}",
            "` +\n`",
            "\" <> \"",
        ] {
            check(&format!("{joint}abc"), Some(joint.len()));
        }
    }

    #[test]
    fn two_texts_stay_two() {
        for text in [
            "abc",
            " abc",
            "\"abc",
            ",abc",
            "=abc",
            "\" abc",
            " + abc",
            "&abc",
            ")abc",
            "<abc",
            "\n\n\n\nabc",
            "\n=abc",
            "",
            "\n",
            "\" + ",
            "' x '",
        ] {
            check(text, None);
        }
        check(&format!("\n{}abc", " ".repeat(200)), None);
    }

    #[test]
    fn a_bare_wrap_is_told() {
        let is_bare = |text: &str| after(text.as_bytes(), Alphabet::Token).unwrap().is_bare_wrap;
        assert!(is_bare("\nabc"));
        assert!(!is_bare("\\\nabc"));
        assert!(!is_bare("\" + \"abc"));
    }

    #[test]
    fn base64_goes_on_with_its_own_marks() {
        let bytes = |text: &str| after(text.as_bytes(), Alphabet::Base64).map(|joint| joint.bytes);
        assert_eq!(bytes("\n+abc"), Some(1));
        assert_eq!(bytes("\n/abc"), Some(1));
        assert_eq!(bytes("\n=abc"), None);
    }
}
