//! Keys of our gateway: proved by their checksum.

use model::{GatewayKey, Secret};
use zeroize::Zeroizing;

use super::Recognised;
use super::reader::{End, Reader};
use crate::joint::Alphabet;
use crate::{Claims, Kind, Proof, Token};

/// The key that begins at `at`, where its prefix stands.
pub(crate) fn gateway(bytes: &[u8], at: usize) -> Option<Recognised> {
    let mut reader = Reader::new(bytes, at);
    reader.exactly(GatewayKey::PREFIX).then_some(())?;
    let rest = GatewayKey::CHARS - GatewayKey::PREFIX.len();
    let (rest, End::Full) = reader.part(Alphabet::Token, rest) else { return None };
    reader.is_at_end().then_some(())?;
    let text = Zeroizing::new([GatewayKey::PREFIX, rest.as_str()].concat());
    let secret = Secret::new(text.as_str());
    GatewayKey::parse(&secret)?;
    let token = Token { kind: Kind::Gateway, secret, proof: Proof::Checksum, claims: Claims::default() };
    Some(Recognised { token, layers: reader.into_layers(), from: at })
}
