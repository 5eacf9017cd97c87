//! Opens what was sealed, as GitHub does.

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

/// The public key of a private one.
pub(super) fn public(private: [u8; 32]) -> [u8; 32] {
    MontgomeryPoint::mul_base_clamped(private).to_bytes()
}

/// The text, if it was sealed for that private key.
pub(super) fn open(sealed: &[u8], private: [u8; 32]) -> Option<Vec<u8>> {
    let (ephemeral, rest) = sealed.split_first_chunk::<32>()?;
    let (tag, body) = rest.split_first_chunk::<16>()?;
    let shared = MontgomeryPoint(*ephemeral).mul_clamped(private).to_bytes();
    let nonce = Blake2b::<U24>::new().chain_update(ephemeral).chain_update(public(private)).finalize();
    let mut cipher = XSalsa20::new(&hsalsa::<U10>(&shared.into(), &[0; 16].into()), &nonce);
    let mut poly_key = [0; 32];
    cipher.apply_keystream(&mut poly_key);
    let right = Poly1305::new(&poly_key.into()).compute_unpadded(body);
    let mut text = body.to_vec();
    cipher.apply_keystream(&mut text);
    (right.as_slice() == tag).then_some(text)
}
