//! Keys of n8n up to 1.60: a prefix and 80 hex digits.

use model::Secret;
use zeroize::Zeroizing;

use super::reader::{End, Reader};
use super::{Recognised, is_example};
use crate::joint::Alphabet;
use crate::{Claims, Kind, Proof, Token};

const PREFIX: &str = "n8n_api_";
const HEX_DIGITS: usize = 80;
/// Eighty random hex digits have nearly all sixteen.
const FEWEST_DIFFERENT: usize = 10;

/// The key that begins at `at`, where its prefix stands.
pub(crate) fn legacy(bytes: &[u8], at: usize) -> Option<Recognised> {
    let mut reader = Reader::new(bytes, at);
    reader.exactly(PREFIX).then_some(())?;
    let (digits, End::Full) = reader.part(Alphabet::Token, HEX_DIGITS) else { return None };
    let is_key = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_whole = reader.is_at_end() && !reader.next().is_some_and(|byte| byte.is_ascii_hexdigit());
    if !is_key || !is_whole || is_example(&digits, FEWEST_DIFFERENT) || is_counted(&digits) {
        return None;
    }
    let text = Zeroizing::new([PREFIX, digits.as_str()].concat());
    let token = Token {
        kind: Kind::Legacy,
        secret: Secret::new(text.as_str()),
        proof: Proof::Shape,
        claims: Claims::default(),
    };
    Some(Recognised { token, layers: reader.into_layers(), from: at })
}

/// `0123456789abcdef` over and over, as documentation has it: the same sixteen digits five times.
fn is_counted(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.iter().zip(bytes.iter().skip(16)).all(|(one, next)| one == next)
        || bytes.iter().zip(bytes.iter().skip(10)).all(|(one, next)| one == next)
}
