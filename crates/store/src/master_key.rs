//! The key that seals everything; it is never in the store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Secret, StoreError};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const PREFIX: &str = "kwmaster1_";
const KEY_BYTES: usize = 32;
const CHECK_BYTES: usize = 4;
const TEXT_CHARS: usize = 48;

/// 32 random bytes. Its `Debug` tells only its id, and its memory is zeroed on drop.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

/// A text that is not a master key. The text is never quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// It is something else.
    #[error("this is not a master key: a master key starts with `kwmaster1_`")]
    Prefix,
    /// It was cut, or something was added.
    #[error("this master key is not whole: after `kwmaster1_` come 48 characters, here are {0}")]
    Length(usize),
    /// A character that master keys do not have.
    #[error("this master key has a character that is not one of A-Z, a-z, 0-9, `-`, `_`")]
    Alphabet,
    /// A character was mistyped.
    #[error("this master key is mistyped: its check does not match")]
    Checksum,
}

impl MasterKey {
    /// A new one, from the system's randomness.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        crate::seal::random(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Its text form: `kwmaster1_` and 48 characters, the last of them a check against typing errors.
    pub fn to_text(&self) -> Secret {
        let mut bytes = Zeroizing::new([0; KEY_BYTES + CHECK_BYTES]);
        for (to, from) in bytes.iter_mut().zip(self.0.iter().chain(&self.check())) {
            *to = *from;
        }
        // Room for all of it at once: a text that grows leaves copies of itself behind.
        let mut text = String::with_capacity(PREFIX.len() + TEXT_CHARS);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Secret::new(text)
    }

    /// Reads the text form; white space around it does not matter.
    pub fn from_text(text: &Secret) -> Result<Self, MasterKeyError> {
        let body = text.expose().trim().strip_prefix(PREFIX).ok_or(MasterKeyError::Prefix)?;
        if body.len() != TEXT_CHARS {
            return Err(MasterKeyError::Length(body.chars().count()));
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES + CHECK_BYTES]);
        URL_SAFE_NO_PAD
            .decode_slice(body, bytes.as_mut_slice())
            .map_err(|_quotes_a_byte| MasterKeyError::Alphabet)?;
        let mut key = Self(Zeroizing::new([0; KEY_BYTES]));
        let (secret, check) = bytes.split_at(KEY_BYTES);
        key.0.copy_from_slice(secret);
        if key.check() == check { Ok(key) } else { Err(MasterKeyError::Checksum) }
    }

    /// What tells it from another: 16 hex digits that say nothing about the key itself.
    pub fn id(&self) -> KeyMark {
        KeyMark::of(b"keywright/master-key/id/v1", self.0.as_slice())
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    fn check(&self) -> [u8; CHECK_BYTES] {
        first_bytes(b"keywright/master-key/check/v1", self.0.as_slice())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

/// The first eight bytes of a key's hash: enough to tell keys apart, shown as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyMark(pub(crate) [u8; 8]);

impl KeyMark {
    pub(crate) fn of(domain: &[u8], key: &[u8]) -> Self {
        Self(first_bytes(domain, key))
    }
}

impl std::fmt::Display for KeyMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for KeyMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyMark({self})")
    }
}

fn first_bytes<const N: usize>(domain: &[u8], key: &[u8]) -> [u8; N] {
    let hash = Sha256::new().chain_update(domain).chain_update([0]).chain_update(key).finalize();
    let mut first = [0; N];
    for (to, from) in first.iter_mut().zip(hash) {
        *to = from;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(text: &str, expected: MasterKeyError) {
        let error = MasterKey::from_text(&Secret::new(text)).unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn its_text_comes_back() {
        let key = MasterKey::generate().unwrap();
        let text = key.to_text();
        assert_eq!(text.expose().len(), PREFIX.len() + TEXT_CHARS);
        let again = MasterKey::from_text(&Secret::new(format!(" {}\n", text.expose()))).unwrap();
        assert_eq!(again.bytes(), key.bytes());
        assert_eq!(again.id(), key.id());
        assert_ne!(MasterKey::generate().unwrap().id(), key.id());
        assert_eq!(format!("{key:?}"), format!("MasterKey({})", key.id()));
    }

    #[test]
    fn every_mistyped_character_is_found() {
        let text = MasterKey::generate().unwrap().to_text().expose().to_owned();
        for place in PREFIX.len()..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            check_refused(&String::from_utf8(bytes).unwrap(), MasterKeyError::Checksum);
        }
    }

    #[test]
    fn other_texts_are_refused_and_not_quoted() {
        check_refused("", MasterKeyError::Prefix);
        check_refused("canary-password", MasterKeyError::Prefix);
        check_refused("kwmaster1_canary", MasterKeyError::Length(6));
        check_refused(&format!("kwmaster1_canary{}", "é".repeat(21)), MasterKeyError::Alphabet);
    }
}
