//! The detector on any bytes with keys and near misses among them, held against the plain one.
#![no_main]

#[path = "../../crates/detector/tests/plain/mod.rs"]
mod plain;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use detector::Detector;
use libfuzzer_sys::fuzz_target;

static DETECTOR: LazyLock<Detector> = LazyLock::new(Detector::new);

fuzz_target!(|bytes: &[u8]| {
    plain::compare(&DETECTOR, bytes);
    plain::compare(&DETECTOR, &composed(bytes));
});

/// Bytes of 240 and more stand for keys, or for an encoding of what is there so far.
fn composed(bytes: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    for byte in bytes.iter().take(300) {
        match byte {
            240..=243 => {
                text.extend(token(r#"{"sub":"u","iss":"n8n","aud":"public-api","jti":"1"}"#, *byte).bytes())
            }
            244 => text.extend(token(r#"{"sub":"u","iss":"n8n","aud":"other"}"#, *byte).bytes()),
            245 => text.extend(format!("n8n_api_{}", "0123456789abcdef8899".repeat(4)).bytes()),
            246 => text.extend(model::GatewayKey::mint(&[7; 44]).iter().flat_map(|key| key.expose().bytes())),
            247 if text.len() < 1_500 => text = STANDARD.encode(&text).into_bytes(),
            248 if text.len() < 1_500 => text = URL_SAFE_NO_PAD.encode(&text).into_bytes(),
            249 if text.len() < 1_500 => text = text.iter().flat_map(|byte| [*byte, 0]).collect(),
            250 => drop(text.pop()),
            byte => text.push(*byte),
        }
    }
    text
}

fn token(payload: &str, seed: u8) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signature: Vec<u8> = (0..32).map(|at: u8| at.wrapping_mul(37).wrapping_add(seed)).collect();
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(signature))
}
