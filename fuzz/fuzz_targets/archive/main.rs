//! Unpacking of any bytes, and of sound archives of them: it ends, and what it leaves is bounded.
#![no_main]

mod made;

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use detector::Detector;
use leaks::{Contents, Limits, Seen, Wrapping};
use libfuzzer_sys::fuzz_target;

const MAX_FINDINGS: usize = 8;
const MAX_UNREAD: usize = 8;
const MAX_MEMBERS: usize = 20;
const MAX_DEPTH: usize = 4;
const MAX_UNPACKED_BYTES: u64 = 64 << 10;
/// What is composed of one input, at most.
const MAX_COMPOSED_BYTES: usize = 8 << 10;
const FIRST_FORM: u8 = 230;

static CONTENTS: LazyLock<Contents> = LazyLock::new(|| {
    let limits = Limits {
        max_buffer_bytes: 32 << 10,
        max_window_bytes: 8 << 20,
        max_depth: MAX_DEPTH,
        max_unpacked_bytes: MAX_UNPACKED_BYTES,
        max_members: MAX_MEMBERS,
        max_findings: MAX_FINDINGS,
        max_unread: MAX_UNREAD,
        ..Limits::default()
    };
    Contents::new(Arc::new(Detector::new()), limits)
});

fuzz_target!(init: start(), |bytes: &[u8]| {
    check(bytes);
    let composed = composed(bytes);
    if composed != bytes {
        check(&composed);
    }
    // What is larger than a buffer is read as a stream, in which a zip cannot be read from its end.
    if bytes.len() % 32 == 0 {
        let mut seen = Seen::default();
        let mut reader = composed.chain(io::repeat(b'\n').take(1 << 20));
        CONTENTS.stream(&mut reader, &mut seen).unwrap();
        check_bounds(&seen, composed.len() as u64 + (1 << 20));
    }
});

/// Every form has to be sound, or nothing gets deep; each is an input to begin with.
fn start() {
    let key = made::key();
    let corpus = std::env::args().next_back().filter(|last| Path::new(last).is_dir());
    for (at, (name, pack)) in (FIRST_FORM..).zip(made::FORMS) {
        for bytes in [key.clone().into_bytes(), key.repeat(20).into_bytes()] {
            let packed = pack(&bytes);
            let mut seen = Seen::default();
            CONTENTS.bytes(&packed, &mut seen);
            let is_within =
                |wrapping: &Wrapping| matches!(wrapping, Wrapping::Member(member) if member.format == name);
            let is_seen = seen.sightings.iter().any(|one| one.wrapping.iter().any(is_within));
            // A row that is whole on its page is seen where it lies.
            let is_plain = name == "sqlite" && bytes.len() < 400;
            assert!(is_plain || is_seen, "{name}: nothing was seen in it");
            assert_eq!((seen.unread.len(), seen.tally.members), (0, 1), "{name}: {:?}", seen.unread);
            if let Some(corpus) = &corpus {
                std::fs::write(Path::new(corpus).join(format!("seed-{at}-{}", bytes.len())), packed).unwrap();
            }
        }
    }
}

fn check(bytes: &[u8]) {
    let (mut seen, mut streamed) = (Seen::default(), Seen::default());
    CONTENTS.bytes(bytes, &mut seen);
    CONTENTS.stream(&mut &*bytes, &mut streamed).unwrap();
    for seen in [&seen, &streamed] {
        check_bounds(seen, bytes.len() as u64);
    }
    assert_eq!(secrets(&seen), secrets(&streamed), "as a stream");
}

fn check_bounds(seen: &Seen, length: u64) {
    assert!(seen.sightings.len() <= MAX_FINDINGS && seen.unread.len() <= MAX_UNREAD);
    assert!(seen.tally.members <= MAX_MEMBERS as u64, "{} members", seen.tally.members);
    // Each byte is searched as it lies and unpacked, and once more as a part of what it lies in.
    let most = (length + MAX_UNPACKED_BYTES) * (MAX_DEPTH as u64 + 1);
    assert!(seen.tally.bytes <= most, "{} bytes of {length}", seen.tally.bytes);
    for one in &seen.sightings {
        let members = one.wrapping.iter().filter(|one| matches!(one, Wrapping::Member(_))).count();
        assert!(members <= MAX_DEPTH, "{members} deep");
        assert!(one.line != Some(0) && one.column != Some(0));
    }
    for unread in &seen.unread {
        assert!(unread.what.len() <= 1 << 13, "a name of {} bytes", unread.what.len());
    }
}

fn secrets(seen: &Seen) -> Vec<&str> {
    seen.sightings.iter().map(|one| one.token.secret.expose()).collect()
}

/// Bytes of [`FIRST_FORM`] and more pack what is there so far, or damage it.
fn composed(bytes: &[u8]) -> Vec<u8> {
    let mut whole: Vec<u8> = Vec::new();
    let mut bytes = bytes.iter();
    while let Some(&byte) = bytes.next() {
        let form = byte.checked_sub(FIRST_FORM).and_then(|at| made::FORMS.get(usize::from(at)));
        match (byte, form) {
            _ if whole.len() > MAX_COMPOSED_BYTES => break,
            (_, Some((_, pack))) => whole = pack(&whole),
            (245, _) => whole.extend(made::key().bytes()),
            (246, _) => made::repair_tar(&mut whole),
            (247, _) => whole.truncate(usize::from(bytes.next().copied().unwrap_or_default()) * 4),
            // One byte near the beginning, or near the end, becomes another.
            (248..=251, _) => {
                let (at, value) = (bytes.next().copied().unwrap_or_default(), bytes.next().copied());
                let at = usize::from(at) + usize::from(byte & 1) * 256;
                let at = if byte < 250 { Some(at) } else { whole.len().checked_sub(at + 1) };
                if let Some(place) = at.and_then(|at| whole.get_mut(at)) {
                    *place = value.unwrap_or_default();
                }
            }
            (252, _) => whole.extend(whole.clone()),
            _ => whole.push(byte),
        }
    }
    whole
}
