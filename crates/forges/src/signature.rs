//! Who sent a webhook: its signature, or the token that it holds, compared in constant time.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::HeaderMap;
use model::{Secret, Timestamp};
use sha2::Sha256;
use transport::SigningKey;

use crate::ForgeKind;

/// A signature that holds its time is as old as this at most.
const MAX_AGE_S: i64 = 300;

/// Whether the forge sent it: whoever has the secret can say so.
pub(crate) fn is_genuine(
    kind: ForgeKind,
    secret: &Secret,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> bool {
    if secret.expose().is_empty() {
        return false;
    }
    match kind {
        ForgeKind::GitHub => github(secret, headers, body),
        ForgeKind::GitLab => gitlab(secret, headers, body, now),
    }
}

/// `X-Hub-Signature-256: sha256=` and HMAC-SHA256 of the body in hex. The older one of SHA-1 is not looked at.
fn github(secret: &Secret, headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(hex) = text(headers, "x-hub-signature-256").and_then(|text| text.strip_prefix("sha256=")) else {
        return false;
    };
    let Some(given) = unhex(hex) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

/// A signing token's `webhook-signature` as Standard Webhooks has it; else the secret itself in `X-Gitlab-Token`. One that
/// is signed and wrong is not saved by a right token.
fn gitlab(secret: &Secret, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
    let Some(signatures) = text(headers, "webhook-signature") else {
        let given = text(headers, "x-gitlab-token").unwrap_or_default();
        // A key for signatures never travels: if one is configured, what is unsigned is not theirs.
        return !secret.expose().starts_with("whsec_") && same(given.as_bytes(), secret.expose().as_bytes());
    };
    let id = text(headers, "webhook-id").unwrap_or_default();
    let at = text(headers, "webhook-timestamp").and_then(|at| at.parse::<i64>().ok());
    let (Some(at), Some(key)) = (at, SigningKey::new(secret)) else { return false };
    if id.is_empty() || now.as_second().abs_diff(at) > MAX_AGE_S.unsigned_abs() {
        return false;
    }
    let Some(expected) = key.sign(id, at, body) else { return false };
    signatures.split(' ').take(8).any(|given| same(given.as_bytes(), expected.as_bytes()))
}

/// Compares without telling how much is the same, nor how long what is compared to is.
fn same(one: &[u8], other: &[u8]) -> bool {
    let mac = |bytes: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"keywright/same").ok()?;
        mac.update(bytes);
        Some(mac)
    };
    let (Some(one), Some(other)) = (mac(one), mac(other)) else { return false };
    one.verify(&other.finalize().into_bytes()).is_ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// What stands for a delivery that has no id of its own: the hash of its body.
pub(crate) fn body_id(body: &[u8]) -> String {
    use sha2::Digest as _;
    STANDARD.encode(Sha256::digest(body)).chars().filter(char::is_ascii_alphanumeric).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "canary-of-the-hook";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn check(kind: ForgeKind, secret: &str, pairs: &[(&'static str, &str)], body: &str, expected: bool) {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let genuine = is_genuine(kind, &Secret::new(secret), &headers(pairs), body.as_bytes(), now);
        assert_eq!(genuine, expected, "{pairs:?} {body}");
    }

    fn of_github(body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    /// The values that GitHub's documentation gives for testing one's own code.
    #[test]
    fn the_example_of_github() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secret = "It's a Secret to Everybody";
        check(ForgeKind::GitHub, secret, &[("x-hub-signature-256", signature)], "Hello, World!", true);
        check(ForgeKind::GitHub, secret, &[("x-hub-signature-256", signature)], "Hello, World?", false);
    }

    #[test]
    fn a_body_that_was_changed_is_not_githubs() {
        let right = of_github("{}");
        check(ForgeKind::GitHub, SECRET, &[("x-hub-signature-256", &right)], "{}", true);
        check(ForgeKind::GitHub, SECRET, &[("x-hub-signature-256", &right)], "{ }", false);
        check(ForgeKind::GitHub, "other", &[("x-hub-signature-256", &right)], "{}", false);
        check(ForgeKind::GitHub, "", &[("x-hub-signature-256", &right)], "{}", false);
        check(ForgeKind::GitHub, SECRET, &[], "{}", false);
        for bad in [
            "",
            "sha256=",
            "sha256=zz",
            "sha1=00",
            right.get(..70).unwrap(),
            &right.replace("sha256", "sha1"),
        ] {
            check(ForgeKind::GitHub, SECRET, &[("x-hub-signature-256", bad)], "{}", false);
        }
        check(ForgeKind::GitHub, SECRET, &[("x-gitlab-token", SECRET)], "{}", false);
    }

    #[test]
    fn gitlab_gives_its_token_or_signs() {
        check(ForgeKind::GitLab, SECRET, &[("x-gitlab-token", SECRET)], "{}", true);
        check(ForgeKind::GitLab, SECRET, &[("x-gitlab-token", "other")], "{}", false);
        check(ForgeKind::GitLab, SECRET, &[], "{}", false);
        let secret = format!("whsec_{}", STANDARD.encode("canary signing token"));
        let key = SigningKey::new(&Secret::new(secret.clone())).unwrap();
        let signed = |at: i64| key.sign("id-1", at, b"{}").unwrap();
        let with = |at: i64, signature: &str, body: &str, expected| {
            let at = at.to_string();
            let pairs =
                [("webhook-id", "id-1"), ("webhook-timestamp", &at), ("webhook-signature", signature)];
            check(ForgeKind::GitLab, &secret, &pairs, body, expected);
        };
        let now = 1_800_000_000;
        with(now, &signed(now), "{}", true);
        with(now - 299, &format!("v1,AAAA {}", signed(now - 299)), "{}", true);
        with(now - 301, &signed(now - 301), "{}", false);
        with(now + 301, &signed(now + 301), "{}", false);
        with(now, &signed(now - 1), "{}", false);
        with(now, &signed(now), "{ }", false);
        with(now, "", "{}", false);
        check(ForgeKind::GitLab, &secret, &[("x-gitlab-token", &secret)], "{}", false);
    }
}
