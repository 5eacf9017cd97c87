use detector::MARGIN;

use super::made::{gzip, key};
use super::{contents, limits, secrets};
use crate::contents::{PIECE_BYTES, Seen};

fn stream(bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    contents(limits()).stream(&mut &*bytes, &mut seen).unwrap();
    seen
}

#[test]
fn a_key_is_seen_once_wherever_it_lies_around_a_border() {
    let key = key(1);
    let line = b"some plain words and nothing else\n";
    let mut bytes: Vec<u8> = line.iter().copied().cycle().take(PIECE_BYTES + 4 * MARGIN).collect();
    let contents = contents(limits());
    // Where the first piece ends, where the next begins, and where it takes over.
    for border in [PIECE_BYTES, PIECE_BYTES - MARGIN, PIECE_BYTES - 2 * MARGIN] {
        for at in border - key.len() - 3..border + 3 {
            let plain = bytes[at - 1..=at + key.len()].to_vec();
            bytes[at - 1] = b' ';
            bytes[at..at + key.len()].copy_from_slice(key.as_bytes());
            bytes[at + key.len()] = b' ';
            let mut seen = Seen::default();
            contents.stream(&mut &*bytes, &mut seen).unwrap();
            let newlines: Vec<_> = memchr::memchr_iter(b'\n', &bytes[..at]).collect();
            let place: Vec<_> = seen.sightings.iter().map(|one| (one.line, one.column)).collect();
            let (line, column) = (newlines.len() as u64 + 1, (at - newlines.last().unwrap()) as u64);
            assert_eq!(place, [(Some(line), Some(column))], "at {at}");
            bytes[at - 1..=at + key.len()].copy_from_slice(&plain);
        }
    }
}

#[test]
fn all_bytes_are_counted_once() {
    for size in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 5] {
        assert_eq!(stream(&vec![b'x'; size]).tally.bytes, size as u64);
    }
}

#[test]
fn an_encoded_archive_across_a_border_is_unpacked() {
    use base64::Engine as _;
    let noise: Vec<u8> = (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let blob = gzip(&[noise, key(1).into_bytes()].concat());
    let blob = base64::engine::general_purpose::STANDARD.encode(blob);
    let bytes = [&vec![b' '; PIECE_BYTES - 1000], blob.as_bytes(), &vec![b' '; PIECE_BYTES]].concat();
    let seen = stream(&bytes);
    assert_eq!(seen.unread, []);
    assert_eq!(secrets(&seen), [key(1)]);
}

#[test]
fn the_mark_allows_its_line_only() {
    let text = format!("a {} # keywright:allow\nb {}\n{} keywright:allow", key(1), key(2), key(3));
    let allowed: Vec<_> = stream(text.as_bytes()).sightings.iter().map(|one| one.is_allowed_inline).collect();
    assert_eq!(allowed, [true, false, true]);
}
