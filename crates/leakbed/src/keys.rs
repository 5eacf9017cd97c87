//! Makes keys as n8n (and Keywright's gateway) would.
use crate::chance::{BASE62, Chance};
use crate::truth::Kind;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A secret, and which sort it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl Key {
    /// A key of that sort.
    pub(crate) fn make(kind: Kind, chance: &mut Chance) -> Self {
        let text = match kind {
            Kind::Native2 | Kind::Native1 => native(kind, chance),
            Kind::Legacy => format!("n8n_api_{}", chance.hex(80)),
            Kind::Gateway => gateway(chance),
            Kind::SessionCookie => session(chance),
            Kind::Mcp => token(&claims(chance, "n8n", "mcp-server-api"), chance),
            Kind::Scim => token(&claims(chance, "n8n", "scim-api"), chance),
            Kind::WebhookUrl => webhook_url(chance),
            Kind::EncryptionKey => chance.base64(24),
        };
        Self { kind, text }
    }
}

/// A token over these claims, signed with a secret that nobody keeps.
pub(crate) fn token(claims: &str, chance: &mut Chance) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
    let signature = sign(&signed, chance);
    format!("{signed}.{signature}")
}

/// The claims of a key of n8n 2.x, in n8n's order, with another issuer or audience if wanted.
pub(crate) fn claims(chance: &mut Chance, issuer: &str, audience: &str) -> String {
    let (sub, jti, iat) = (chance.uuid(), chance.uuid(), issued_s(chance));
    format!(r#"{{"sub":"{sub}","iss":"{issuer}","aud":"{audience}","jti":"{jti}","iat":{iat}}}"#)
}

/// The checksum that a gateway key ends with.
pub(crate) fn checksum(before: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(before.as_bytes());
    let mut rest = crc.sum();
    let mut digits = Vec::new();
    for _ in 0..6 {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        digits.push(BASE62.get(digit).copied().unwrap_or(b'0'));
        rest /= 62;
    }
    digits.iter().rev().copied().map(char::from).collect()
}

fn sign(text: &str, chance: &mut Chance) -> String {
    // HMAC takes a secret of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&chance.bytes(32)) else { return String::new() };
    mac.update(text.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn issued_s(chance: &mut Chance) -> usize {
    1_690_000_000 + chance.below(100_000_000)
}

/// Mostly as n8n writes it; at times in another order of claims, or for a user without a UUID.
fn native(kind: Kind, chance: &mut Chance) -> String {
    let sub = if chance.happens(12) { chance.base62(16) } else { chance.uuid() };
    let sub = format!(r#""sub":"{sub}""#);
    let issuer = r#""iss":"n8n""#.to_owned();
    let audience = r#""aud":"public-api""#.to_owned();
    let issued = issued_s(chance);
    let mut last = match kind {
        Kind::Native2 => vec![format!(r#""jti":"{}""#, chance.uuid())],
        _ => Vec::new(),
    };
    last.push(format!(r#""iat":{issued}"#));
    if chance.happens(40) {
        last.push(format!(r#""exp":{}"#, issued + 86_400 * (1 + chance.below(365))));
    }
    let first = match chance.below(10) {
        0 => vec![audience, issuer, sub],
        1 => vec![issuer, sub, audience],
        2 => {
            let claims: Vec<String> = last.into_iter().chain([audience, sub, issuer]).collect();
            return token(&format!("{{{}}}", claims.join(",")), chance);
        }
        _ => vec![sub, issuer, audience],
    };
    let claims: Vec<String> = first.into_iter().chain(last).collect();
    token(&format!("{{{}}}", claims.join(",")), chance)
}

fn gateway(chance: &mut Chance) -> String {
    let before = format!("keywright_{}{}", chance.base62(12), chance.base62(32));
    let checksum = checksum(&before);
    format!("{before}{checksum}")
}

fn session(chance: &mut Chance) -> String {
    let hash: String = chance.base64(9).chars().take(10).collect();
    let (id, browser, issued) = (chance.uuid(), chance.base64(32), issued_s(chance));
    let (mfa, expires) = (chance.happens(30), issued + 604_800);
    let claims = format!(
        r#"{{"id":"{id}","hash":"{hash}","browserId":"{browser}","usedMfa":{mfa},"iat":{issued},"exp":{expires}}}"#
    );
    token(&claims, chance)
}

fn webhook_url(chance: &mut Chance) -> String {
    let (name, password, path) = (chance.hex(4), chance.base62(14), chance.uuid());
    format!("https://hook{name}:canary{password}@automation{name}.corp.test/webhook-test/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(token: &str) -> String {
        let payload = token.split('.').nth(1).unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    #[test]
    fn tokens_have_the_shape_of_their_kind() {
        for round in 0..50 {
            let mut chance = Chance::of(round, "keys");
            let two = Key::make(Kind::Native2, &mut chance).text;
            assert_eq!(two.split('.').map(str::len).collect::<Vec<_>>()[2], 43, "{two}");
            assert!(two.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."), "{two}");
            let one = payload(&Key::make(Kind::Native1, &mut chance).text);
            assert!(payload(&two).contains("\"jti\"") && !one.contains("\"jti\""), "{one}");
            for claims in [payload(&two), one] {
                let claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
                assert_eq!(
                    (claims["iss"].as_str(), claims["aud"].as_str()),
                    (Some("n8n"), Some("public-api"))
                );
            }
        }
    }

    #[test]
    fn a_gateway_key_ends_with_its_checksum() {
        let key = Key::make(Kind::Gateway, &mut Chance::of(1, "gateway")).text;
        assert_eq!(key.len(), 60);
        assert!(key.ends_with(&checksum(key.get(..54).unwrap())));
        // 0xCBF43926, which every CRC-32 of IEEE gives for these digits.
        assert_eq!(checksum("123456789"), "3jZRME");
    }
}
