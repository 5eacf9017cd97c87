//! Tokens for tests, made at run time: none is written out in the source.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest as _;

/// A JWT with this payload, of HS256, signed with some bytes that follow from `seed`.
pub(crate) fn signed(payload: &str, seed: u64) -> String {
    let signature = sha2::Sha256::digest(seed.to_le_bytes());
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(signature))
}

/// A key of n8n 2.x.
pub(crate) fn native2(seed: u64) -> String {
    signed(
        &format!(
            r#"{{"sub":"7c1f0a52-5d3b-4b1e-9d3f-{seed:012x}","iss":"n8n","aud":"public-api","jti":"j","iat":1750000000}}"#
        ),
        seed,
    )
}

/// A key of n8n up to 1.60.
pub(crate) fn legacy(seed: u64) -> String {
    let digest = sha2::Sha512::digest(seed.to_le_bytes());
    digest.iter().take(40).fold("n8n_api_".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// A key of the gateway.
pub(crate) fn gateway(seed: u64) -> String {
    let random = sha2::Sha512::digest(seed.to_le_bytes());
    model::GatewayKey::mint(&random).unwrap().expose().to_owned()
}
