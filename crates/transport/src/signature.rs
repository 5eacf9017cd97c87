//! Signatures of what is sent to a receiver's own address, as Standard Webhooks (version `v1`) says: HMAC-SHA256 of id,
//! time and body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Secret;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What notices and calls of hooks are signed with.
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

impl SigningKey {
    /// From `whsec_` and Base64, or from any other text as it is. `None` if there is nothing to sign with.
    pub fn new(secret: &Secret) -> Option<Self> {
        let bytes = match secret.expose().strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded.trim_end()).ok()?,
            None => secret.expose().as_bytes().to_vec(),
        };
        (!bytes.is_empty()).then(|| Self(Zeroizing::new(bytes)))
    }

    /// The value of `webhook-signature`; `None` never, as HMAC takes keys of any length.
    pub fn sign(&self, id: &str, unix_seconds: i64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{unix_seconds}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(secret: &str, id: &str, at: i64, body: &str) -> Option<String> {
        SigningKey::new(&Secret::new(secret)).and_then(|key| key.sign(id, at, body.as_bytes()))
    }

    #[test]
    fn the_vector_of_the_reference_libraries() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn any_other_text_is_the_key_itself() {
        // `printf 'a.1.{}' | openssl dgst -sha256 -hmac canary -binary | base64`
        let signature = sign("canary", "a", 1, "{}").unwrap();
        assert_eq!(signature, "v1,9aNt9rEMRZJ8HbTTHDCgIZQKNh3N/NVLOYre5H7rFRk=");
    }

    #[test]
    fn what_cannot_sign_is_refused() {
        for bad in ["", "whsec_", "whsec_canary!", "whsec_MfKQ9r8"] {
            assert!(SigningKey::new(&Secret::new(bad)).is_none(), "{bad}");
        }
    }
}
