//! libsodium's sealed box, which is how GitHub takes a secret: an ephemeral X25519 key, `BLAKE2b` of both public keys as
//! nonce, `XSalsa20` and Poly1305. It is put together from the crates that the rest is built on already.

use blake2::{
    Blake2b, Digest as _,
    digest::consts::{U10, U24},
};
use curve25519_dalek::montgomery::MontgomeryPoint;
use poly1305::{Poly1305, universal_hash::KeyInit as _};
use salsa20::{
    XSalsa20,
    cipher::{KeyIvInit as _, StreamCipher as _},
    hsalsa,
};
use zeroize::{Zeroize as _, Zeroizing};

/// Before the text: the ephemeral public key and the tag.
const OVERHEAD: usize = 48;
/// The first bytes of the key stream are Poly1305's key.
const POLY_KEY: usize = 32;

/// What only the holder of the private key of `to` can open; `None` if `to` is no key that anything can be sealed under.
pub(super) fn seal(text: &[u8], to: &[u8; 32], ephemeral: &[u8; 32]) -> Option<Vec<u8>> {
    let public = MontgomeryPoint::mul_base_clamped(*ephemeral).to_bytes();
    let mut point = MontgomeryPoint(*to).mul_clamped(*ephemeral);
    let shared = Zeroizing::new(point.to_bytes());
    point.zeroize();
    // A point of small order gives what anybody can compute.
    if shared.iter().all(|byte| *byte == 0) {
        return None;
    }
    let nonce = Blake2b::<U24>::new().chain_update(public).chain_update(to).finalize();
    let mut key = hsalsa::<U10>(&(*shared).into(), &[0; 16].into());
    let mut cipher = XSalsa20::new(&key, &nonce);
    key.zeroize();
    let mut poly_key = Zeroizing::new([0; POLY_KEY]);
    cipher.apply_keystream(&mut *poly_key);
    let mut body = Zeroizing::new(text.to_vec());
    cipher.apply_keystream(&mut body);
    let tag = Poly1305::new(&(*poly_key).into()).compute_unpadded(&body);
    let mut sealed = Vec::with_capacity(OVERHEAD + body.len());
    sealed.extend_from_slice(&public);
    sealed.extend_from_slice(&tag);
    sealed.extend_from_slice(&body);
    Some(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
        digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
    }

    fn counted_from(first: u8) -> [u8; 32] {
        std::array::from_fn(|i| first + u8::try_from(i).unwrap())
    }

    /// Made, and opened again, by libsodium (`PyNaCl` 1.6.2), with the private key 1, 2, … 32.
    const TO: &str = "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c";
    const LONG_TAG: &str = "945b4c67b368fe4ee8e53576c1619cba";
    const SEALED: &str = "5714769d116bf76436ae74bc793d2c30ad1903c59ac5273805c7e2698b410c3641e02c2dc399db93ac8f87dcde996e4642ff4d03717cb16d7f8516dca712";

    #[test]
    fn seals_as_libsodium_does() {
        let to = hex(TO).try_into().unwrap();
        let sealed = seal(b"canary-key-one", &to, &counted_from(101)).unwrap();
        assert_eq!(sealed, hex(SEALED));
        // Long enough for several blocks of the key stream.
        let text: Vec<u8> = (0..300_u32).map(|i| u8::try_from(i * 7 % 256).unwrap()).collect();
        let sealed = seal(&text, &to, &counted_from(101)).unwrap();
        // The tag is over all of it.
        assert_eq!((&sealed[32..48], &sealed[344..]), (&hex(LONG_TAG)[..], &hex("ff63d25e")[..]));
    }

    #[test]
    fn nothing_is_sealed_under_a_key_of_small_order() {
        let mut one = [0; 32];
        one[0] = 1;
        for to in [[0; 32], one] {
            assert_eq!(seal(b"canary", &to, &counted_from(101)), None);
        }
    }
}
