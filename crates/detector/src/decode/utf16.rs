//! Two bytes a character, of either order: the one that is not zero stands first here, where the anchor does.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_where_a_character_is_wider() {
        assert_eq!(utf16(b"e\0y\0J\0h", 100).as_slice(), b"eyJh");
        assert_eq!(utf16(b"e\0y\0\x11\x22J\0", 100).as_slice(), b"ey");
        assert_eq!(utf16(b"e\0y\0J\0", 2).as_slice(), b"ey");
        assert_eq!(utf16(b"", 2).as_slice(), b"");
    }
}
