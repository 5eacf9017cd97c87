//! What n8n encrypts its credentials with, beside its name.

use model::Secret;

use super::{Recognised, is_example};
use crate::{Claims, Kind, Proof, Token};

const SHORTEST: usize = 8;
const LONGEST: usize = 128;
/// Between a name and its value: quotes, signs, another line that says `value:`.
const MAX_BETWEEN: usize = 64;
/// n8n's own: 24 random bytes in base64.
const OWN_CHARS: usize = 32;
const FEWEST_DIFFERENT: usize = 6;

/// The value after the variable's name, which stands at `at`.
pub(crate) fn encryption_name(bytes: &[u8], at: usize) -> Option<Recognised> {
    let (from, is_assigned) = value_after(bytes, at + "N8N_ENCRYPTION_KEY".len())?;
    let value = value_at(bytes, from)?;
    // A sentence about the variable has words where a command has the value.
    let is_value = is_assigned || (value.len() >= 16 && value.bytes().any(|byte| byte.is_ascii_digit()));
    recognised(value, from, is_value)
}

/// The value after `"encryptionKey"` in n8n's own configuration file, which begins with it.
pub(crate) fn encryption_field(bytes: &[u8], at: usize) -> Option<Recognised> {
    let before = bytes.get(at.saturating_sub(16)..at)?;
    before.trim_ascii_end().ends_with(b"{").then_some(())?;
    let (from, is_assigned) = value_after(bytes, at + "\"encryptionKey\"".len())?;
    let value = value_at(bytes, from)?;
    recognised(value, from, is_assigned && value.len() == OWN_CHARS)
}

/// Where the value begins, and whether a sign says that it is one.
fn value_after(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let (mut at, mut is_assigned) = (from, false);
    while at < from + MAX_BETWEEN {
        let rest = bytes.get(at..)?;
        match rest {
            [b'=' | b':' | b'>', ..] => is_assigned = true,
            _ if rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"value")) => {
                at += 4;
            }
            [b' ' | b'\t' | b'"' | b'\'' | b',' | b'\\' | b'\r' | b'\n', ..] => {}
            // The name went on.
            [byte, ..] if at == from && (byte.is_ascii_alphanumeric() || *byte == b'_') => return None,
            [_, ..] => return (at > from).then_some((at, is_assigned)),
            [] => return None,
        }
        at += 1;
    }
    None
}

fn value_at(bytes: &[u8], from: usize) -> Option<&str> {
    let rest = bytes.get(from..)?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-!@#%^*~?".contains(byte);
    let length = rest.iter().take(LONGEST + 1).take_while(|byte| is_part(byte)).count();
    // What goes on with such a character is a reference or a call.
    let ends = !matches!(rest.get(length), Some(b'$' | b'{' | b'(' | b'.' | b'['));
    (ends && length <= LONGEST).then(|| std::str::from_utf8(rest.get(..length)?).ok())?
}

fn recognised(value: &str, from: usize, is_value: bool) -> Option<Recognised> {
    let lower = value.to_ascii_lowercase();
    let is_placeholder =
        ["your", "change", "placeholder", "redacted", "xxxx", "secretkeyref", "n8n_encryption"]
            .iter()
            .any(|word| lower.contains(word));
    let kinds = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
    let different = kinds.into_iter().filter(|is| value.bytes().any(|byte| is(&byte))).count();
    if !is_value
        || is_placeholder
        || different < 2
        || value.len() < SHORTEST
        || is_example(value, FEWEST_DIFFERENT)
    {
        return None;
    }
    let token = Token {
        kind: Kind::EncryptionKey,
        secret: Secret::new(value),
        proof: Proof::Name,
        claims: Claims::default(),
    };
    Some(Recognised { token, layers: Vec::new(), from })
}
