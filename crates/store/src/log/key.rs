//! The Ed25519 keys of the log: one signs, the other checks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use model::StoreError;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::KeyMark;

const PREFIX: &str = "kwlog1_";
const CHECK_BYTES: usize = 4;
const DOMAIN: &[u8] = b"keywright/log/v1\0";

/// Checks signatures of the log. Written as `kwlog1_` and 48 characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LogPublicKey(VerifyingKey);

/// A text that is not a log's public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a log's public key: it is `kwlog1_` and 48 characters, the last of them a check")]
pub struct LogPublicKeyError;

impl LogPublicKey {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, LogPublicKeyError> {
        let bytes = bytes.try_into().map_err(|_wrong_length| LogPublicKeyError)?;
        VerifyingKey::from_bytes(bytes).map(Self).map_err(|_no_point| LogPublicKeyError)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What tells it from another; every signed line names it.
    pub fn id(&self) -> KeyMark {
        KeyMark::of(b"keywright/log-key/id/v1", self.0.as_bytes())
    }

    /// Whether `signature` is this key's over `body`.
    pub(crate) fn verifies(&self, body: &[u8], signature: &[u8; 64]) -> bool {
        let message = [DOMAIN, body].concat();
        self.0.verify_strict(&message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl std::fmt::Display for LogPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [self.0.as_bytes().as_slice(), &check(self.0.as_bytes())].concat();
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl std::fmt::Debug for LogPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogPublicKey({})", self.id())
    }
}

impl std::str::FromStr for LogPublicKey {
    type Err = LogPublicKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(LogPublicKeyError)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_not_base64| LogPublicKeyError)?;
        let (key, given) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(LogPublicKeyError)?;
        if check(key) == *given { Self::from_bytes(key) } else { Err(LogPublicKeyError) }
    }
}

fn check(key: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = Sha256::new().chain_update(b"keywright/log-key/check/v1\0").chain_update(key).finalize();
    let mut check = [0; CHECK_BYTES];
    check.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    check
}

/// Signs the log. It is sealed in the store, and zeroed on drop.
pub(crate) struct LogSigningKey(SigningKey);

impl LogSigningKey {
    pub(crate) fn generate() -> Result<Self, StoreError> {
        let mut seed = Zeroizing::new([0; 32]);
        crate::seal::random(seed.as_mut_slice())?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// `None` if there are not 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|seed| Self(SigningKey::from_bytes(seed)))
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    pub(crate) fn public(&self) -> LogPublicKey {
        LogPublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, body: &[u8]) -> [u8; 64] {
        self.0.sign(&[DOMAIN, body].concat()).to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_comes_back_and_a_typing_error_is_found() {
        let key = LogSigningKey::generate().unwrap().public();
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let typo = String::from_utf8(bytes).unwrap();
            assert_eq!(typo.parse::<LogPublicKey>(), Err(LogPublicKeyError), "{typo}");
        }
        assert_eq!("kwlog1_".parse::<LogPublicKey>(), Err(LogPublicKeyError));
    }

    #[test]
    fn only_its_own_signature_over_the_same_bytes_counts() {
        let (one, other) = (LogSigningKey::generate().unwrap(), LogSigningKey::generate().unwrap());
        let signature = one.sign(b"body");
        assert!(one.public().verifies(b"body", &signature));
        assert!(!one.public().verifies(b"bodY", &signature));
        assert!(!other.public().verifies(b"body", &signature));
        let again = LogSigningKey::from_bytes(one.to_bytes().as_slice()).unwrap();
        assert_eq!(again.public(), one.public());
    }
}
