//! Escapes of single characters, beside characters that are written as they are.

use zeroize::Zeroizing;

use super::hex::pair;

/// Undoes `%65`.
pub fn percent(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    read(text, max_bytes, |text| match text {
        [b'%', digits @ ..] => pair(digits).map(|byte| (byte, 3)),
        _ => None,
    })
}

/// Undoes `&#101;` and `&#x65;`.
pub fn html(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    read(text, max_bytes, entity)
}

/// Undoes `\u0065`.
pub fn unicode(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    read(text, max_bytes, |text| match text {
        [b'\\', b'u', b'0', b'0', digits @ ..] => pair(digits).map(|byte| (byte, 6)),
        _ => None,
    })
}

/// The character of a numeric entity, and its length.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let [b'&', b'#', number @ ..] = text else { return None };
    let (digits, radix, mark) = match number {
        [b'x' | b'X', digits @ ..] => (digits, 16, 3),
        digits => (digits, 10, 2),
    };
    let length = digits.iter().take(8).position(|byte| *byte == b';')?;
    let digits = std::str::from_utf8(digits.get(..length)?).ok()?;
    // A sign is no digit, though a number may begin with one.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, radix).ok().map(|byte| (byte, mark + length + 1))
}

fn read(text: &[u8], max_bytes: usize, escape: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(max_bytes.min(text.len())));
    let mut at = 0;
    while bytes.len() < max_bytes {
        let Some(rest @ [first, ..]) = text.get(at..) else { break };
        let (byte, taken) = escape(rest).unwrap_or((*first, 1));
        bytes.push(byte);
        at += taken;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_undone_and_the_rest_kept() {
        assert_eq!(percent(b"%65%79%4Ahb%2E%zz", 100).as_slice(), b"eyJhb.%zz");
        assert_eq!(html(b"&#101;&#x79;J&#46;&#;&#+5;&#999;", 100).as_slice(), b"eyJ.&#;&#+5;&#999;");
        assert_eq!(unicode(br"\u0065\u0079J\u002e\u2028", 100).as_slice(), br"eyJ.\u2028");
        assert_eq!(percent(b"%65%79", 1).as_slice(), b"e");
        assert_eq!(html(b"&#", 100).as_slice(), b"&#");
    }
}
