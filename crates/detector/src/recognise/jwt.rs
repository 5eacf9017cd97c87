//! JWTs: what they are follows from their claims, and from nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Secret, Timestamp};
use zeroize::Zeroizing;

use super::reader::{End, Reader};
use super::{Recognised, is_example};
use crate::joint::Alphabet;
use crate::{Claims, Kind, Proof, Token};

/// `{"alg`, `{"typ` and `{"kid` in base64.
const BEGINNINGS: [&str; 3] = ["eyJhbGci", "eyJ0eXAi", "eyJraWQi"];
const FIRST_CHARS: usize = 8;
const MAX_HEADER_CHARS: usize = 256;
const MAX_PAYLOAD_CHARS: usize = 2048;
/// HMAC-SHA-256, the only signature that n8n makes: 32 bytes.
const SIGNATURE_CHARS: usize = 43;
/// A random signature has twice as many.
const FEWEST_DIFFERENT: usize = 14;

/// The token that begins at `at`, where `eyJhbG` or the like stands.
pub(crate) fn jwt(bytes: &[u8], at: usize) -> Option<Recognised> {
    let mut reader = Reader::new(bytes, at);
    // Whatever begins with another name is read no further.
    let (first, End::Full) = reader.part(Alphabet::Token, FIRST_CHARS) else { return None };
    BEGINNINGS.contains(&first.as_str()).then_some(())?;
    let (rest, End::Dot) = reader.part(Alphabet::Token, MAX_HEADER_CHARS) else { return None };
    let header = Zeroizing::new([first.as_str(), rest.as_str()].concat());
    is_hs256(&header).then_some(())?;
    let (payload, End::Dot) = reader.part(Alphabet::Token, MAX_PAYLOAD_CHARS) else { return None };
    let (kind, claims) = judge(&payload)?;
    let (signature, End::Full) = reader.part(Alphabet::Token, SIGNATURE_CHARS) else { return None };
    // The last of 43 characters carries four bits, so that of four texts that were cut or go on three are no signature.
    // What follows may be anything: in a database's page, the next column stands right behind.
    let is_whole = URL_SAFE_NO_PAD.decode(signature.as_bytes()).is_ok() && reader.is_at_end();
    if !is_whole || is_example(&signature, FEWEST_DIFFERENT) {
        return None;
    }
    let text = Zeroizing::new([header.as_str(), payload.as_str(), signature.as_str()].join("."));
    let token = Token { kind, secret: Secret::new(text.as_str()), proof: Proof::Claims, claims };
    Some(Recognised { token, layers: reader.into_layers(), from: at })
}

fn is_hs256(header: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Wire<'a> {
        #[serde(borrow)]
        alg: std::borrow::Cow<'a, str>,
    }
    let Ok(json) = URL_SAFE_NO_PAD.decode(header) else { return false };
    serde_json::from_slice::<Wire<'_>>(&json).is_ok_and(|header| header.alg == "HS256")
}

/// What a token with this payload is; `None` if it is not n8n's.
fn judge(payload: &str) -> Option<(Kind, Claims)> {
    #[derive(serde::Deserialize)]
    struct Wire {
        sub: Option<serde_json::Value>,
        iss: Option<serde_json::Value>,
        aud: Option<serde_json::Value>,
        jti: Option<serde_json::Value>,
        iat: Option<serde_json::Value>,
        exp: Option<serde_json::Value>,
        // What the session of a signed-in user carries.
        id: Option<serde_json::Value>,
        hash: Option<serde_json::Value>,
    }
    let json = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    let wire: Wire = serde_json::from_slice(&json).ok()?;
    let text = |value: &Option<serde_json::Value>| value.as_ref().and_then(|v| v.as_str().map(str::to_owned));
    let (issuer, audience) = (text(&wire.iss), text(&wire.aud));
    let (id, hash) = (text(&wire.id), text(&wire.hash));
    let is_of_nobody = wire.iss.is_none() && wire.aud.is_none();
    let kind = match (issuer.as_deref(), audience.as_deref()) {
        (Some("n8n"), Some("public-api")) if wire.jti.is_some() => Kind::Native2,
        (Some("n8n"), Some("public-api")) => Kind::Native1,
        (Some("n8n"), Some("mcp-server-api")) => Kind::Mcp,
        (Some("n8n"), Some("scim-api")) => Kind::Scim,
        (None, None) if is_of_nobody && is_session(id.as_deref()?, hash.as_deref()?) => Kind::SessionCookie,
        _ => return None,
    };
    let user = if kind == Kind::SessionCookie { id } else { text(&wire.sub) };
    if user.as_deref().is_some_and(|user| user.to_ascii_lowercase().contains("example")) {
        return None;
    }
    let instant = |value: &Option<serde_json::Value>| {
        value.as_ref().and_then(serde_json::Value::as_i64).and_then(|s| Timestamp::from_second(s).ok())
    };
    Some((kind, Claims { user, issued_at: instant(&wire.iat), expires_at: instant(&wire.exp) }))
}

/// A user's id, and the ten characters that n8n keeps of a hash of their address and password.
fn is_session(id: &str, hash: &str) -> bool {
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let is_hash = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    is_uuid && hash.len() == 10 && hash.bytes().all(is_hash)
}
