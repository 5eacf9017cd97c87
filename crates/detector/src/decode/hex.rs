//! Two hex digits a byte, with or without `\x` before each pair.

use zeroize::Zeroizing;

use crate::joint::{self, Alphabet};

/// The bytes from the start of `text` on, at most `max_bytes`.
pub fn hex(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(max_bytes.min(text.len() / 2)));
    let mut at = 0;
    while bytes.len() < max_bytes {
        let Some(rest) = text.get(at..) else { break };
        let (digits, mark) = match rest {
            [b'\\', b'x' | b'X', digits @ ..] => (digits, 2),
            digits => (digits, 0),
        };
        if let Some(byte) = pair(digits) {
            bytes.push(byte);
            at += mark + 2;
        } else if let Some(joint) = joint::after(rest, Alphabet::Hex) {
            at += joint.bytes;
        } else {
            break;
        }
    }
    bytes
}

/// The byte that two hex digits write.
pub(super) fn pair(digits: &[u8]) -> Option<u8> {
    let [high, low, ..] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? * 16 + digit(*low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_to_the_first_that_is_none() {
        for (text, expected) in [
            ("65794a", "eyJ"),
            ("65794A68", "eyJh"),
            (r"\x65\x79\x4a", "eyJ"),
            ("6579\n4a68", "eyJh"),
            ("65794", "ey"),
            ("zz", ""),
        ] {
            assert_eq!(hex(text.as_bytes(), 100).as_slice(), expected.as_bytes(), "{text}");
        }
        assert_eq!(hex(b"65794a", 1).as_slice(), b"e");
    }
}
