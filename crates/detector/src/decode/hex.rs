//! The numbers of bytes: hex, octal and decimal, close together or apart.

use zeroize::Zeroizing;

use crate::joint::{self, Alphabet};

/// Hex digits, two a byte, from the start of `text` on, at most `max_bytes`.
pub fn hex(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    numbers(text, max_bytes, |rest| match rest {
        [b'\\' | b'0', b'x' | b'X', digits @ ..] => pair(digits).map(|byte| (byte, 4)),
        digits => pair(digits).map(|byte| (byte, 2)),
    })
}

/// `\145`, from the start of `text` on, at most `max_bytes`.
pub fn octal(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    numbers(text, max_bytes, |rest| match rest {
        [b'\\', digits @ ..] => number(digits, 3, 8).map(|(byte, length)| (byte, length + 1)),
        _ => None,
    })
}

/// `101,121`, from the start of `text` on, at most `max_bytes`.
pub fn decimal(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    numbers(text, max_bytes, |rest| number(rest, 3, 10))
}

fn numbers(text: &[u8], max_bytes: usize, read: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(max_bytes.min(text.len() / 2)));
    let mut at = 0;
    while bytes.len() < max_bytes {
        let Some(rest) = text.get(at..) else { break };
        if let Some((byte, length)) = read(rest) {
            bytes.push(byte);
            at += length;
        } else if let Some(length) = apart(rest, &read) {
            at += length;
        } else if let Some(joint) = joint::after(rest, Alphabet::Hex) {
            at += joint.bytes;
        } else {
            break;
        }
    }
    bytes
}

/// What stands between two numbers of a list.
fn apart(text: &[u8], read: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Option<usize> {
    let is_between = |byte: &&u8| b" ,:\t\r\n".contains(byte);
    let length = text.iter().take(24).take_while(is_between).count();
    (length > 0 && read(text.get(length..)?).is_some()).then_some(length)
}

/// A number of at most so many digits.
fn number(text: &[u8], max_digits: usize, radix: u32) -> Option<(u8, usize)> {
    let length = text.iter().take(max_digits).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let digits = std::str::from_utf8(text.get(..length)?).ok()?;
    u8::from_str_radix(digits, radix).ok().map(|byte| (byte, length))
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
            ("65 79 4a", "eyJ"),
            ("65:79:4a", "eyJ"),
            ("0x65, 0x79,\n  0x4a", "eyJ"),
            ("65794", "ey"),
            ("zz", ""),
        ] {
            assert_eq!(hex(text.as_bytes(), 100).as_slice(), expected.as_bytes(), "{text}");
        }
        assert_eq!(hex(b"65794a", 1).as_slice(), b"e");
    }

    #[test]
    fn lists_of_numbers_are_read() {
        assert_eq!(octal(br"\145\171\112.", 100).as_slice(), b"eyJ");
        assert_eq!(octal(br"\156\70\156", 100).as_slice(), b"n8n");
        assert_eq!(octal(br"\777", 100).as_slice(), b"");
        assert_eq!(decimal(b"101,121, 74]", 100).as_slice(), b"eyJ");
        assert_eq!(decimal(b"101,999", 100).as_slice(), b"e");
    }
}
