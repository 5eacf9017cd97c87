//! The quick detector against the plain one, on random texts that are made of keys, near misses and noise.
#![expect(clippy::string_slice, clippy::indexing_slicing, reason = "tests; the texts are ASCII")]

mod plain;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use detector::Detector;
use proptest::prelude::*;
use sha2::Digest as _;

fn signed(payload: &str, seed: u64) -> String {
    let signature = sha2::Sha256::digest(seed.to_le_bytes());
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(signature))
}

fn key(kind: u8, seed: u64) -> String {
    let digest = sha2::Sha512::digest(seed.to_le_bytes());
    match kind {
        0 => digest.iter().take(40).fold("n8n_api_".to_owned(), |text, byte| text + &format!("{byte:02x}")),
        1 => model::GatewayKey::mint(&digest).map(|key| key.expose().to_owned()).unwrap_or_default(),
        2 => signed(&format!(r#"{{"sub":"u{seed}","iss":"n8n","aud":"public-api","jti":"{seed}"}}"#), seed),
        3 => signed(&format!(r#"{{"aud":"public-api","iat":{seed},"iss":"n8n"}}"#), seed),
        4 => signed(&format!(r#"{{"sub":"u{seed}","iss":"n8n","aud":"mcp-server-api"}}"#), seed),
        5 => signed(&format!(r#"{{"sub":"u{seed}","iss":"other","aud":"public-api"}}"#), seed),
        _ => signed(r#"{"iss":"n8n","aud":"public-api","aud":"public-api"}"#, seed),
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let plain = prop_oneof![
        4 => (0_u8..7, any::<u64>()).prop_map(|(kind, seed)| key(kind, seed).into_bytes()),
        1 => (0_u8..7, any::<u64>(), any::<prop::sample::Index>()).prop_map(|(kind, seed, at)| {
            let mut key = key(kind, seed).into_bytes();
            let at = at.index(key.len());
            key.remove(at);
            key
        }),
        2 => proptest::collection::vec(any::<u8>(), 0..40),
        2 => "[A-Za-z0-9+/_.= \n\"-]{0,60}".prop_map(String::into_bytes),
        1 => Just(b"eyJ".to_vec()),
    ];
    (plain, 0_u8..7).prop_map(|(bytes, wrap)| match wrap {
        0 => STANDARD.encode(&bytes).into_bytes(),
        1 => URL_SAFE_NO_PAD.encode(&bytes).into_bytes(),
        2 => STANDARD.encode(STANDARD.encode(&bytes)).into_bytes(),
        3 => bytes.iter().flat_map(|byte| [*byte, 0]).collect(),
        _ => bytes,
    })
}

proptest! {
    #[test]
    fn both_find_the_same(pieces in proptest::collection::vec(piece(), 0..8)) {
        static DETECTOR: std::sync::OnceLock<Detector> = std::sync::OnceLock::new();
        plain::compare(DETECTOR.get_or_init(Detector::new), &pieces.concat());
    }
}

#[test]
fn the_plain_one_finds_what_it_should() {
    let detector = Detector::new();
    for kind in 0..5 {
        let key = key(kind, 7);
        for text in [key.clone(), STANDARD.encode(&key), STANDARD.encode(STANDARD.encode(format!("ab{key}")))]
        {
            plain::compare(&detector, text.as_bytes());
            assert_eq!(detector.search(text.as_bytes()).hits.len(), 1, "{text}");
        }
    }
    plain::compare(&detector, &key(2, 1).as_bytes()[..key(2, 1).len() - 1]);
}
