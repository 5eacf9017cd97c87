use proptest::prelude::*;

use super::contents;
use super::made::{FORMS, text};
use crate::Limits;
use crate::contents::Seen;

fn small() -> Limits {
    Limits {
        max_buffer_bytes: 256 << 10,
        max_depth: 4,
        max_unpacked_bytes: 1 << 20,
        max_members: 50,
        max_findings: 20,
        max_unread: 20,
        ..Limits::default()
    }
}

/// Whatever comes, it ends, and what it leaves is bounded.
fn check(bytes: &[u8]) {
    let contents = contents(small());
    let mut seen = Seen::default();
    contents.bytes(bytes, &mut seen);
    contents.stream(&mut &*bytes, &mut seen).unwrap();
    assert!(seen.sightings.len() <= 20 && seen.unread.len() <= 20);
    assert!(seen.tally.bytes < 16 << 20, "{}", seen.tally.bytes);
    assert!(seen.tally.members <= 100);
}

fn forms() -> impl Strategy<Value = Vec<u8>> {
    let form = 0..FORMS.len();
    (form.clone(), form, any::<bool>()).prop_map(|(outer, inner, is_deep)| {
        let packed = FORMS[inner].1(&text(1));
        if is_deep { FORMS[outer].1(&packed) } else { packed }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_archives_are_endured(
        packed in forms(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut packed = packed;
        for (at, byte) in changes {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        if is_cut {
            packed.truncate(cut.index(packed.len()));
        }
        check(&packed);
    }

    #[test]
    fn noise_behind_a_beginning_is_endured(form in 0..FORMS.len(), keep in 1..64_usize, noise in prop::collection::vec(any::<u8>(), 0..4096)) {
        let mut bytes = FORMS[form].1(&text(1));
        bytes.truncate(keep);
        bytes.extend(noise);
        check(&bytes);
    }
}
