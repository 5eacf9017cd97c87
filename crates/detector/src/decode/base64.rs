//! Base64 of both alphabets, from anywhere within it: over wrapped lines, quotes and escapes.

use zeroize::Zeroizing;

use crate::joint::{self, Alphabet};

/// Where in the stream of bits the first character stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Bits of the first characters that belong to a byte before: 0, 2, 4 or 6.
    pub skip_bits: u8,
}

/// The bytes from the start of `text` on, at most `max_bytes`; and how much of `text` they took.
pub fn base64(text: &[u8], phase: Phase, max_bytes: usize) -> (Zeroizing<Vec<u8>>, usize) {
    let mut bytes = Zeroizing::new(Vec::with_capacity(max_bytes.min(text.len())));
    let (mut bits, mut count, mut skip) = (0_u32, 0_u8, phase.skip_bits);
    let mut at = 0;
    while bytes.len() < max_bytes {
        let Some(rest) = text.get(at..) else { break };
        let Some((value, taken)) = sextet(rest) else {
            match joint::after(rest, Alphabet::Base64) {
                Some(joint) => {
                    at += joint.bytes;
                    continue;
                }
                None => break,
            }
        };
        at += taken;
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if skip > 0 {
            let dropped = skip.min(count);
            count -= dropped;
            skip -= dropped;
        }
        bits &= (1_u32 << count) - 1;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count).unwrap_or_default());
            bits &= (1_u32 << count) - 1;
        }
    }
    (bytes, at)
}

/// The value of the character that `text` begins with, and how many bytes wrote it.
fn sextet(text: &[u8]) -> Option<(u8, usize)> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    match text {
        [b'%', b'2', b'B' | b'b', ..] => Some((62, 3)),
        [b'%', b'2', b'F' | b'f', ..] => Some((63, 3)),
        [b'\\', b'/', ..] => Some((63, 2)),
        [byte, ..] => value(*byte).map(|value| (value, 1)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn whole(text: &str) -> Vec<u8> {
        base64(text.as_bytes(), Phase::default(), 4096).0.to_vec()
    }

    #[test]
    fn both_alphabets_are_read() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(whole(&STANDARD.encode(&bytes)), bytes);
        assert_eq!(whole(&URL_SAFE_NO_PAD.encode(&bytes)), bytes);
    }

    #[test]
    fn wrapped_lines_and_escapes_are_read_through() {
        let bytes: Vec<u8> = (0..=255).rev().collect();
        let text = STANDARD.encode(&bytes);
        let lines: Vec<&str> =
            text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for between in ["\n", "\r\n", "\n    ", "\\n", "\\r\\n", "\n> ", "\" +\n  \"", "',\n'", "\\\n"] {
            assert_eq!(whole(&lines.join(between)), bytes, "{between:?}");
        }
        assert_eq!(whole(&text.replace('+', "%2B").replace('/', "%2F")), bytes);
        assert_eq!(whole(&text.replace('/', "\\/")), bytes);
    }

    #[test]
    fn it_begins_within_a_group() {
        let text = STANDARD.encode(b"abcdef");
        for (from, skip_bits, rest) in [(0, 0, "abcdef"), (1, 2, "bcdef"), (2, 4, "cdef"), (3, 6, "def")] {
            let (bytes, taken) = base64(&text.as_bytes()[from..], Phase { skip_bits }, 100);
            assert_eq!((bytes.as_slice(), taken), (rest.as_bytes(), 8 - from), "from {from}");
        }
    }

    #[test]
    fn it_ends_with_its_alphabet_and_its_bound() {
        assert_eq!(whole("YWJj=ZGVm"), b"abc");
        assert_eq!(whole("YWJj ZGVm"), b"abc");
        assert_eq!(base64(b"YWJjZGVm", Phase::default(), 2).0.as_slice(), b"ab");
        assert_eq!(whole(""), b"");
    }
}
