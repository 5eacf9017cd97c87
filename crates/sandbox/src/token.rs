//! The texts of keys and sessions: JSON web tokens, made and read as n8n does.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Signs a payload that is JSON text already, because the order of its fields is part of a key's text.
pub(crate) fn sign(secret: &str, payload: &str) -> String {
    let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, &signed));
    format!("{signed}.{signature}")
}

/// The payload, if the signature is good. Whether it has expired is for the caller to say.
pub(crate) fn verify(secret: &str, token: &str) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if signature != mac(secret, signed) {
        return None;
    }
    decode(token)
}

/// The payload, believed.
pub(crate) fn decode(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn mac(secret: &str, text: &str) -> Vec<u8> {
    // A key of any length is accepted, so the error cannot happen; an empty signature matches nothing.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// SHA-256 in Base64: what n8n puts in a session in place of a browser's id.
pub(crate) fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

/// SHA-256 in hex: what names a key in [`crate::Call`] and [`crate::KeyView`].
pub(crate) fn fingerprint(text: &str) -> String {
    let digits = |byte: u8| [u32::from(byte >> 4), u32::from(byte & 15)];
    Sha256::digest(text)
        .iter()
        .flat_map(|byte| digits(*byte))
        .filter_map(|digit| char::from_digit(digit, 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_token_and_a_forged_one() {
        // The example of RFC 7519's best-known debugger, by its own secret.
        let payload = r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#;
        let token = sign("your-256-bit-secret", payload);
        assert!(token.ends_with(".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"), "{token}");
        assert_eq!(verify("your-256-bit-secret", &token).unwrap()["iat"], 1_516_239_022);
        assert!(verify("another-secret-example", &token).is_none());
        assert!(decode("bad").is_none());
    }
}
