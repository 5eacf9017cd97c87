//! Finds by its fingerprint a key that lies in bytes in one piece.
use leakbed::{Kind, fingerprint};

const HEADER: &[u8] = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

/// Whether a key of that kind with that fingerprint is in it.
pub(crate) fn holds(bytes: &[u8], kind: Kind, wanted: &str) -> bool {
    let is_it = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| fingerprint(text) == wanted);
    match kind {
        Kind::Legacy => starts(bytes, b"n8n_api_").any(|rest| rest.get(..88).is_some_and(is_it)),
        Kind::Gateway => starts(bytes, b"keywright_").any(|rest| rest.get(..60).is_some_and(is_it)),
        Kind::EncryptionKey => bytes.windows(32).any(is_it),
        Kind::WebhookUrl => starts(bytes, b"https://hook").any(|rest| {
            let path = rest.windows(14).position(|window| window == b"/webhook-test/");
            path.is_some_and(|at| rest.get(..at + 14 + 36).is_some_and(is_it))
        }),
        _ => starts(bytes, HEADER).any(|rest| {
            let dot = rest.iter().skip(HEADER.len()).position(|byte| *byte == b'.');
            dot.is_some_and(|at| rest.get(..HEADER.len() + at + 1 + 43).is_some_and(is_it))
        }),
    }
}

fn starts<'a>(bytes: &'a [u8], with: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    (0..bytes.len()).filter_map(move |at| bytes.get(at..).filter(|rest| rest.starts_with(with)))
}
