//! Any change to a segment is found, wherever it is.

use std::sync::OnceLock;

use proptest::prelude::*;
use store::log::{LogPublicKey, verify};

use crate::log_tampering::Log;

/// A good log's folder content and key, made once.
struct Sample {
    segments: Vec<(String, Vec<u8>)>,
    key: LogPublicKey,
}

fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let log = runtime.block_on(Log::of(&[1, 4, 2, 3, 1, 5], 3_000));
        let named = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let read = |path| (named(path), std::fs::read(path).unwrap());
        let segments: Vec<_> = log.place.segments().iter().map(read).collect();
        assert!(segments.len() >= 2, "the sample has a closed and an open segment");
        Sample { segments, key: log.key }
    })
}

/// Whether the sample verifies with one segment replaced.
fn is_good(segment: usize, bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    for (index, (name, good)) in sample().segments.iter().enumerate() {
        let bytes = if index == segment { bytes } else { good };
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    verify(folder.path(), &sample().key, None).is_ok()
}

fn lines(segment: usize) -> Vec<Vec<u8>> {
    sample().segments[segment].1.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_found(segment in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let segment = segment.index(sample().segments.len());
        let mut bytes = sample().segments[segment].1.clone();
        prop_assert!(is_good(segment, &bytes));
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(!is_good(segment, &bytes), "byte {place} of segment {segment} ^ {flip}");
    }

    #[test]
    fn any_removed_swapped_or_doubled_line_is_found(
        segment in any::<prop::sample::Index>(),
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        how in 0..3,
    ) {
        let segment = segment.index(sample().segments.len());
        let mut lines = lines(segment);
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        match how {
            0 => drop(lines.remove(one)),
            1 => lines.swap(one, other),
            _ => lines.insert(other, lines[one].clone()),
        }
        prop_assume!(how != 1 || one != other);
        prop_assert!(!is_good(segment, &lines.concat()), "line {one}, {other} of segment {segment}, {how}");
    }

    #[test]
    fn any_cut_within_a_batch_is_found(keep in any::<prop::sample::Index>()) {
        let last = sample().segments.len() - 1;
        let bytes = &sample().segments[last].1;
        let keep = keep.index(bytes.len());
        // What ends behind a signed line is a good log, only shorter.
        let whole = keep > 0 && bytes[..keep].ends_with(b"\"}\n");
        prop_assert_eq!(is_good(last, &bytes[..keep]), whole, "cut at {}", keep);
    }
}
