//! Two bytes a character or four, of either order: the one that is not zero stands first here, where the anchor does.

use zeroize::Zeroizing;

/// The characters of one byte from the start of `text` on, at most `max_bytes`.
pub fn utf16(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    let pairs = text.chunks(2).take(max_bytes);
    let narrow = pairs.map_while(|pair| match pair {
        [byte, 0] | [byte] if *byte != 0 => Some(*byte),
        _ => None,
    });
    Zeroizing::new(narrow.collect())
}

/// The same of four bytes a character.
pub fn utf32(text: &[u8], max_bytes: usize) -> Zeroizing<Vec<u8>> {
    let units = text.chunks(4).take(max_bytes);
    let narrow = units.map_while(|unit| match unit {
        [byte, zeros @ ..] if *byte != 0 && zeros.iter().all(|zero| *zero == 0) => Some(*byte),
        _ => None,
    });
    Zeroizing::new(narrow.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_where_a_character_is_wider() {
        assert_eq!(utf16(b"e\0y\0J\0h", 100).as_slice(), b"eyJh");
        assert_eq!(utf16(b"e\0y\0\x11\x22J\0", 100).as_slice(), b"ey");
        assert_eq!(utf16(b"e\0y\0J\0", 2).as_slice(), b"ey");
        assert_eq!(utf16(b"", 2).as_slice(), b"");
        assert_eq!(utf32(b"e\0\0\0y\0\0\0J", 100).as_slice(), b"eyJ");
        assert_eq!(utf32(b"e\0\0\0y\0\x01\0J", 100).as_slice(), b"e");
    }
}
