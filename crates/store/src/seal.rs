//! Sealing of values: XChaCha20-Poly1305 under the master key, bound to the row and column they stand in.
//!
//! A value that was changed, or moved to another row, column or store, does not open. An older value put back
//! into its own row does: the seal has no memory.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use model::{Blame, Report, Retry, Secret, StoreError, StoreErrorKind};
use zeroize::Zeroizing;

use crate::MasterKey;
use crate::error::bug;
use crate::master_key::KeyMark;

const MARK_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;
const DOMAIN: &[u8] = b"keywright/sealed/v1";

/// Where a sealed value stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a str,
    pub(crate) row: &'a str,
    pub(crate) column: &'a str,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.table, self.row, self.column)
    }
}

/// Seals and opens the values of one store.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    mark: KeyMark,
    store_id: [u8; 16],
}

impl Sealer {
    pub(crate) fn new(key: &MasterKey, store_id: [u8; 16]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.bytes().into()), mark: key.id(), store_id }
    }

    /// Which master key it seals under.
    pub(crate) fn mark(&self) -> KeyMark {
        self.mark
    }

    /// The same store's values under another master key.
    pub(crate) fn under(&self, key: &MasterKey) -> Self {
        Self::new(key, self.store_id)
    }

    /// Opens a value, and seals it again under another key, in the same place.
    pub(crate) fn reseal(&self, place: Place<'_>, sealed: &[u8], to: &Self) -> Result<Vec<u8>, StoreError> {
        to.seal(place, &self.open(place, sealed)?)
    }

    /// Key id, nonce, ciphertext with its tag.
    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce)?;
        let payload = Payload { msg: plain, aad: &self.associated(place) };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_says_nothing| bug(format!("cannot seal `{place}`")))?;
        Ok([self.mark.0.as_slice(), &nonce, &sealed].concat())
    }

    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let (mark, rest) = sealed
            .split_first_chunk::<MARK_BYTES>()
            .ok_or_else(|| unsealable(place, "it is too short to be a sealed value"))?;
        if *mark != self.mark.0 {
            let why = format!("it was sealed under `{}`, this master key is `{}`", KeyMark(*mark), self.mark);
            let mut error = unsealable(place, why);
            error.report.mend.insert(0, "if the master key was changed: start this process again".to_owned());
            return Err(error);
        }
        let (nonce, body) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(|| unsealable(place, "it is too short to be a sealed value"))?;
        self.cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: &self.associated(place) })
            .map(Zeroizing::new)
            .map_err(|_says_nothing| unsealable(place, "it was changed, or moved here from another place"))
    }

    pub(crate) fn seal_text(&self, place: Place<'_>, secret: &Secret) -> Result<Vec<u8>, StoreError> {
        self.seal(place, secret.expose().as_bytes())
    }

    pub(crate) fn open_text(&self, place: Place<'_>, sealed: &[u8]) -> Result<Secret, StoreError> {
        let bytes = self.open(place, sealed)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_quotes_nothing_but_helps_nobody| bug(format!("`{place}` is not text")))?;
        Ok(Secret::new(text))
    }

    /// Every part with its length in front, so that no two places give the same bytes.
    fn associated(&self, place: Place<'_>) -> Vec<u8> {
        let parts: [&[u8]; 6] = [
            DOMAIN,
            &self.mark.0,
            &self.store_id,
            place.table.as_bytes(),
            place.row.as_bytes(),
            place.column.as_bytes(),
        ];
        parts
            .iter()
            .flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.iter().copied()))
            .collect()
    }
}

/// Fills a buffer from the system's randomness.
pub(crate) fn random(buffer: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(buffer).map_err(|error| {
        let report = Report::new(Blame::Operator, Retry::AfterFix, "the system gives no randomness");
        StoreError::new(StoreErrorKind::Unavailable, report.caused_by(&error))
    })
}

fn unsealable(place: Place<'_>, why: impl Into<String>) -> StoreError {
    let report = Report::new(Blame::Operator, Retry::AfterFix, format!("cannot open the sealed `{place}`"))
        .because(why)
        .mend("give the master key that the store was made with")
        .mend("or put the store back from a backup");
    StoreError::new(StoreErrorKind::Unsealable, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place { table: "key", row: "k1", column: "secret" };

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let key = MasterKey::generate().unwrap();
        let sealer = Sealer::new(&key, [1; 16]);
        let sealed = sealer.seal(HERE, b"canary").unwrap();
        assert_eq!(sealer.open(HERE, &sealed).unwrap().as_slice(), b"canary");
        let others = [
            Place { row: "k2", ..HERE },
            Place { table: "sealed", ..HERE },
            Place { column: "previous", ..HERE },
            // The same letters, cut elsewhere.
            Place { table: "ke", row: "yk1", ..HERE },
        ];
        for place in others {
            assert_eq!(sealer.open(place, &sealed).unwrap_err().kind, StoreErrorKind::Unsealable, "{place}");
        }
        assert!(Sealer::new(&key, [2; 16]).open(HERE, &sealed).is_err(), "another store");
    }

    #[test]
    fn every_changed_or_missing_byte_is_found() {
        let sealer = Sealer::new(&MasterKey::generate().unwrap(), [1; 16]);
        let sealed = sealer.seal(HERE, b"canary").unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(sealer.open(HERE, &changed).unwrap_err().kind, StoreErrorKind::Unsealable);
            assert_eq!(sealer.open(HERE, &sealed[..place]).unwrap_err().kind, StoreErrorKind::Unsealable);
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let sealer = Sealer::new(&MasterKey::generate().unwrap(), [1; 16]);
        assert_ne!(sealer.seal(HERE, b"canary").unwrap(), sealer.seal(HERE, b"canary").unwrap());
    }
}
