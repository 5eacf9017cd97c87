//! The text of a key, taken apart. Pure; nothing is verified, only n8n can do that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Secret, Timestamp};

const LEGACY_PREFIX: &str = "n8n_api_";
const LEGACY_HEX_DIGITS: usize = 80;
const MAX_BYTES: usize = 4096;

/// What a key's text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyText {
    /// A token that n8n signed (1.72 and later).
    Jwt(KeyClaims),
    /// `n8n_api_` and 80 hex digits (up to 1.60; later versions still take it).
    Legacy,
}

/// What a signed key says of itself. Anybody can write such a text: it is a hint, not a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaims {
    /// The user's id.
    pub(crate) subject: Option<String>,
    /// Who made it; n8n's own say `n8n`.
    pub(crate) issuer: Option<String>,
    /// What it is for; API keys say `public-api`.
    pub(crate) audience: Option<String>,
    /// Its own id (2.x); without one, two keys of a second with the same expiry are the same text.
    pub(crate) id: Option<String>,
    /// When it was made.
    pub(crate) issued_at: Option<Timestamp>,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
}

impl KeyClaims {
    /// Whether it is a key of n8n's public API and not another token of n8n's.
    pub fn is_api_key(&self) -> bool {
        self.issuer.as_deref() == Some("n8n") && self.audience.as_deref() == Some("public-api")
    }

    /// The user's id, as far as the text says.
    pub fn user(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it was made, as far as the text says.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// When it ends by itself, as far as the text says.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

impl KeyText {
    /// Takes a text apart; `None` if it is no key's.
    pub fn parse(secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        if text.len() > MAX_BYTES {
            return None;
        }
        if let Some(hex) = text.strip_prefix(LEGACY_PREFIX) {
            let legacy = hex.len() == LEGACY_HEX_DIGITS && hex.bytes().all(|b| b.is_ascii_hexdigit());
            return legacy.then_some(Self::Legacy);
        }
        let mut parts = text.split('.');
        let (Some(_header), Some(claims), Some(_signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        claims_of(claims).map(Self::Jwt)
    }

    /// Whether keys like it are never the same text, made in one second or not.
    pub(crate) fn is_unique(&self) -> bool {
        match self {
            Self::Jwt(claims) => claims.id.is_some(),
            Self::Legacy => true,
        }
    }

    /// When it ends by itself, as far as its text says.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Jwt(claims) => claims.expires_at,
            Self::Legacy => None,
        }
    }
}

/// The claims of a JWT's middle part; also used for session cookies.
pub(crate) fn claims_of(part: &str) -> Option<KeyClaims> {
    #[derive(serde::Deserialize)]
    struct Wire {
        sub: Option<String>,
        iss: Option<String>,
        aud: Option<String>,
        jti: Option<String>,
        iat: Option<i64>,
        exp: Option<i64>,
    }
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    let wire: Wire = serde_json::from_slice(&json).ok()?;
    let instant = |seconds: Option<i64>| seconds.and_then(|s| Timestamp::from_second(s).ok());
    Some(KeyClaims {
        subject: wire.sub,
        issuer: wire.iss,
        audience: wire.aud,
        id: wire.jti,
        issued_at: instant(wire.iat),
        expires_at: instant(wire.exp),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> Secret {
        Secret::new(format!("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn a_signed_key_tells_its_end() {
        let key =
            jwt(r#"{"sub":"u","iss":"n8n","aud":"public-api","jti":"j","iat":1700000000,"exp":1700000060}"#);
        let Some(KeyText::Jwt(claims)) = KeyText::parse(&key) else { panic!("not taken for a key") };
        assert!(claims.is_api_key());
        assert_eq!(claims.expires_at, Timestamp::from_second(1_700_000_060).ok());
        assert_eq!((claims.user(), claims.id.as_deref()), (Some("u"), Some("j")));
        assert_eq!(claims.issued_at(), Timestamp::from_second(1_700_000_000).ok());
    }

    #[test]
    fn other_tokens_of_n8n_are_no_api_keys() {
        let key = jwt(r#"{"sub":"u","iss":"n8n","aud":"mcp-server-api"}"#);
        let Some(KeyText::Jwt(claims)) = KeyText::parse(&key) else { panic!("not taken for a token") };
        assert!(!claims.is_api_key());
    }

    #[test]
    fn a_legacy_key_is_known_by_its_shape() {
        let legacy = Secret::new(format!("n8n_api_{}", "0c".repeat(40)));
        assert_eq!(KeyText::parse(&legacy), Some(KeyText::Legacy));
    }

    #[test]
    fn times_out_of_range_and_claims_of_any_length_do_no_harm() {
        let far =
            jwt(r#"{"iss":"n8n","aud":"public-api","iat":-9223372036854775808,"exp":9223372036854775807}"#);
        let Some(KeyText::Jwt(claims)) = KeyText::parse(&far) else { panic!("not taken for a key") };
        assert_eq!((claims.issued_at(), claims.expires_at(), claims.user()), (None, None, None));
        assert_eq!(KeyText::parse(&far).and_then(|text| text.expires_at()), None);
        let long = jwt(&format!(r#"{{"sub":"{}"}}"#, "canary".repeat(1000)));
        assert_eq!(KeyText::parse(&long), None);
        // Two of a kind are no honest claims.
        assert_eq!(KeyText::parse(&jwt(r#"{"aud":"public-api","aud":"mcp-server-api"}"#)), None);
    }

    #[test]
    fn anything_else_is_no_key() {
        for bad in [
            String::new(),
            "n8n_api_canary".to_owned(),
            format!("n8n_api_{}*", "0".repeat(79)),
            "******abcd".to_owned(),
            "a.b".to_owned(),
            "a.b.c".to_owned(),
            format!("a.{}.c", URL_SAFE_NO_PAD.encode("[".repeat(2000))),
            format!("a.{}.c", URL_SAFE_NO_PAD.encode(r#"{"exp":"soon"}"#)),
            "x".repeat(100_000),
        ] {
            assert_eq!(KeyText::parse(&Secret::new(bad.clone())), None, "{bad:.40}");
        }
    }
}
