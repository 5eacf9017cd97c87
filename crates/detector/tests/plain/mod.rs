//! A slow and plain detector to hold the quick one against: every text at every place in every encoding, with none of its
//! code. It joins no pieces and undoes no escapes.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use detector::{Detector, Layer};
use serde_json::Value;

/// Both detectors on the same bytes: what one finds, the other does.
pub(crate) fn compare(detector: &Detector, bytes: &[u8]) {
    let found = detector.search(bytes);
    if found.is_exhausted {
        return;
    }
    let quick: BTreeSet<String> = found.hits.iter().map(|hit| hit.token.secret.expose().to_owned()).collect();
    let plain = tokens(bytes, 2, Header::Any);
    for token in &plain {
        assert!(
            quick.contains(token),
            "the quick one misses {token} in {:?}",
            String::from_utf8_lossy(bytes)
        );
    }
    for hit in &found.hits {
        let token = hit.token.secret.expose();
        if !hit.token.kind.is_api_key() {
            continue;
        }
        assert!(at(token.as_bytes(), Header::Any).is_some_and(|whole| whole == token), "no key: {token}");
        // In base64 the quick one takes a header that was cut off for n8n's own, as whoever finds it would.
        let is_plain = hit.layers.iter().all(|layer| *layer == Layer::Utf16);
        if is_plain && !is_wrapped(bytes) {
            assert!(plain.contains(token), "the plain one misses {token} by {:?}", hit.layers);
        }
    }
    assert!(plain.is_empty() || detector.has_anchor(bytes));
}

/// Lines and escapes that the quick one reads through.
fn is_wrapped(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| b"\n\r\\\"'`%<&=".contains(byte) || *byte >= 0x80)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    Any,
    /// Within an encoding only what n8n itself writes.
    Own,
}

fn tokens(bytes: &[u8], depth: usize, header: Header) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        (0..bytes.len()).filter_map(|from| at(&bytes[from..], header)).collect();
    if depth == 0 {
        return found;
    }
    for phase in 0..2 {
        let narrow: Vec<u8> = bytes[phase.min(bytes.len())..]
            .chunks(2)
            .map(|pair| if pair.get(1).is_none_or(|b| *b == 0) { pair[0] } else { 0 })
            .collect();
        found.extend(tokens(&narrow, 0, Header::Any));
    }
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    for run in bytes.split(|byte| !is_base64(*byte)).filter(|run| run.len() > 64) {
        for phase in 0..4 {
            found.extend(tokens(&decoded(&run[phase..]), depth - 1, Header::Own));
        }
    }
    found
}

fn decoded(run: &[u8]) -> Vec<u8> {
    let text: String = run
        .iter()
        .map(|byte| match byte {
            b'+' => '-',
            b'/' => '_',
            byte => char::from(*byte),
        })
        .collect();
    // A last character that says less than a byte is dropped, and spare bits are.
    let whole = text.len() - text.len() % 4;
    URL_SAFE_NO_PAD
        .decode(&text[..whole])
        .map(|mut bytes| {
            let rest = format!("{}AAAA", &text[whole..]);
            let more = URL_SAFE_NO_PAD.decode(&rest[..4]).unwrap_or_default();
            bytes.extend(more.iter().take((text.len() - whole) * 6 / 8));
            bytes
        })
        .unwrap_or_default()
}

/// The token that these bytes begin with.
fn at(bytes: &[u8], header: Header) -> Option<String> {
    let run: Vec<u8> =
        bytes.iter().copied().take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b)).collect();
    let run = String::from_utf8(run).ok()?;
    if let Some(rest) = run.strip_prefix("n8n_api_") {
        let digits = rest.chars().take_while(char::is_ascii_hexdigit).count();
        let key = (digits == 80).then(|| run[..88].to_owned())?;
        let different: BTreeSet<char> = key[8..].chars().collect();
        let repeats =
            |width: usize| (width..80).all(|at| key.as_bytes()[8 + at] == key.as_bytes()[8 + at - width]);
        return (different.len() >= 10 && !repeats(16) && !repeats(10)).then_some(key);
    }
    if run.starts_with("keywright_") {
        let key = run.get(..60)?;
        let is_word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return (is_word && model::GatewayKey::parse(&model::Secret::new(key)).is_some())
            .then(|| key.to_owned());
    }
    if !["eyJhbGci", "eyJ0eXAi", "eyJraWQi"].iter().any(|beginning| run.starts_with(beginning)) {
        return None;
    }
    let mut parts = run.split('.');
    let (head, payload, signature) = (parts.next()?, parts.next()?, parts.next()?.get(..43)?);
    if header == Header::Own && !head.starts_with("eyJhbGciOiJIUzI1NiIsInR5cC") {
        return None;
    }
    if head.len() >= 256 || payload.len() >= 2048 || URL_SAFE_NO_PAD.decode(signature).is_err() {
        return None;
    }
    let object = |part: &str| -> Option<Vec<(String, Value)>> {
        let json = URL_SAFE_NO_PAD.decode(part).ok()?;
        let value: Value = serde_json::from_slice(&json).ok()?;
        let text = String::from_utf8(json).ok()?;
        let fields: Vec<(String, Value)> = value.as_object()?.clone().into_iter().collect();
        // Two of one name are no honest claims; the quick one says so by its parser.
        let twice = ["iss", "aud", "sub", "jti", "iat", "exp", "id", "hash", "alg"];
        let is_twice = twice.iter().any(|name| text.matches(&format!("\"{name}\"")).count() > 1);
        (!is_twice).then_some(fields)
    };
    let of = |fields: &[(String, Value)], name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .and_then(|(_, value)| value.as_str().map(str::to_owned))
    };
    let (head_fields, claims) = (object(head)?, object(payload)?);
    let is_key = of(&head_fields, "alg").as_deref() == Some("HS256")
        && of(&claims, "iss").as_deref() == Some("n8n")
        && ["public-api", "mcp-server-api", "scim-api"].contains(&of(&claims, "aud")?.as_str());
    let different: BTreeSet<char> = signature.chars().collect();
    let user = of(&claims, "sub").unwrap_or_default();
    let is_example = different.len() < 14
        || signature.to_ascii_lowercase().contains("example")
        || user.to_ascii_lowercase().contains("example");
    (is_key && !is_example).then(|| format!("{head}.{payload}.{signature}"))
}
