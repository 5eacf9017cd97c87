//! The text of a key that the gateway issues: proved offline to be one, by its checksum.

use zeroize::Zeroizing;

use crate::Secret;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_CHARS: usize = 12;
const SECRET_CHARS: usize = 32;
const CHECKSUM_CHARS: usize = 6;

/// A key of the gateway, taken apart: `keywright_`, 12 characters of id, 32 of secret (190 bits), 6 of checksum, all base62.
///
/// One word, so that a double click takes all of it. The checksum is CRC-32 (IEEE) of what stands before it: it proves
/// that a text is a key and not cut or mistyped, and nothing about who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayKey {
    id: String,
}

impl GatewayKey {
    /// What each begins with.
    pub const PREFIX: &str = "keywright_";
    /// How many characters each has.
    pub const CHARS: usize = Self::PREFIX.len() + ID_CHARS + SECRET_CHARS + CHECKSUM_CHARS;

    /// A text for this many random bytes: the first 12 make the id, the rest the secret.
    ///
    /// Bytes are taken modulo 62 after those of 248 and more are passed over, so that each character is as likely as any
    /// other; `None` if too few are left.
    pub fn mint(random: &[u8]) -> Option<Secret> {
        let chars = random.iter().filter(|byte| **byte < 248).take(ID_CHARS + SECRET_CHARS);
        let mut text = Zeroizing::new(Self::PREFIX.to_owned());
        text.extend(chars.filter_map(|byte| ALPHABET.get(usize::from(byte % 62)).copied().map(char::from)));
        (text.len() == Self::CHARS - CHECKSUM_CHARS).then_some(())?;
        let checksum = checksum(text.as_bytes());
        text.push_str(&checksum);
        Some(Secret::new(text.as_str()))
    }

    /// Takes a text apart; `None` if it is no key of the gateway.
    pub fn parse(secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        let rest = text.strip_prefix(Self::PREFIX)?;
        let is_one = text.len() == Self::CHARS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (body, end) = is_one.then(|| text.split_at_checked(Self::CHARS - CHECKSUM_CHARS))??;
        (checksum(body.as_bytes()) == end).then(|| Self { id: rest.chars().take(ID_CHARS).collect() })
    }

    /// By which the gateway finds its record; no secret.
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn checksum(bytes: &[u8]) -> String {
    let mut rest = crc32(bytes);
    let mut digits = ['0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        let value = usize::try_from(rest % 62).unwrap_or_default();
        *digit = ALPHABET.get(value).copied().map_or('0', char::from);
        rest /= 62;
    }
    digits.iter().collect()
}

/// CRC-32 of IEEE 802.3, a bit at a time: a key is short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let mask = (crc & 1).wrapping_neg();
            (crc >> 1) ^ (0xEDB8_8320 & mask)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_ieee_s() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(b"123456789").len(), CHECKSUM_CHARS);
    }

    #[test]
    fn a_minted_key_is_one_and_no_other_text_is() {
        let random: Vec<u8> = (0..100).map(|n: u8| n.wrapping_mul(37)).collect();
        let key = GatewayKey::mint(&random).unwrap();
        assert_eq!(key.expose().len(), GatewayKey::CHARS);
        let id = GatewayKey::parse(&key).unwrap().id().to_owned();
        assert_eq!(Some(id.as_str()), key.expose().get(10..22));
        for at in 0..key.expose().len() {
            let mut bytes = key.expose().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'x' { b'z' } else { b'x' };
            let changed = Secret::new(String::from_utf8(bytes).unwrap());
            assert_eq!(GatewayKey::parse(&changed), None, "changed at {at}");
        }
        let cut = key.expose().get(..GatewayKey::CHARS - 1).unwrap();
        assert_eq!(GatewayKey::parse(&Secret::new(cut)), None);
        assert_eq!(GatewayKey::mint(&[0; 10]), None);
        assert_eq!(GatewayKey::mint(&[255; 100]), None);
    }
}
