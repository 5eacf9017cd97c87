//! Addresses of webhooks under test with a user and a password in them.

use model::Secret;

use super::{Recognised, is_example};
use crate::{Claims, Kind, Proof, Token};

const MAX_BEFORE: usize = 300;
const MAX_AFTER: usize = 300;
const SHORTEST_PASSWORD: usize = 4;

/// The address around `at`, where `webhook-test/` stands.
pub(crate) fn webhook(bytes: &[u8], at: usize) -> Option<Recognised> {
    let is_part = |byte: &u8| byte.is_ascii_graphic() && !b"\"'`<>()\\{}|^,;".contains(byte);
    let before = bytes.get(at.saturating_sub(MAX_BEFORE)..at)?;
    let length = before.iter().rev().take_while(|byte| is_part(byte)).count();
    let to = at + bytes.get(at..)?.iter().take(MAX_AFTER).take_while(|byte| is_part(byte)).count();
    let text = std::str::from_utf8(bytes.get(at - length..to)?).ok()?;
    // The last scheme: another address may stand right before it, as a parameter's value does.
    let scheme = text.get(..length)?.rfind("://")?;
    let start = if text.get(..scheme)?.ends_with("https") { scheme - 5 } else { scheme.checked_sub(4)? };
    let address = text.get(start..)?;
    address.starts_with("http").then_some(())?;
    let (authority, _) = address.get(scheme - start + 3..)?.split_once('/')?;
    let (login, _host) = authority.rsplit_once('@')?;
    let (user, password) = login.split_once(':')?;
    let is_placeholder = password.len() < SHORTEST_PASSWORD
        || ["$", "%s", "*", "xxx", "XXX"].iter().any(|mark| password.contains(mark))
        || is_example(password, 2);
    if user.is_empty() || is_placeholder {
        return None;
    }
    let token = Token {
        kind: Kind::WebhookUrl,
        secret: Secret::new(address.trim_end_matches(['.', ':', '!', '?'])),
        proof: Proof::Name,
        claims: Claims::default(),
    };
    Some(Recognised { token, layers: Vec::new(), from: at - length + start })
}
