//! Whose a token is, whether it lives and until when: in words, and as JSON.

use detector::Kind;
use model::{SignedDuration, Timestamp};
use serde::Serialize;

use super::text::{NAME_CHARS, text};
use crate::{Alive, Expiry, Leak, Owner, TakenBy};

/// Whose it is, for a person.
pub(super) fn owner(leak: &Leak) -> String {
    let said = leak.token.claims.user.as_ref().map(|user| text(user.as_bytes(), NAME_CHARS));
    match (&leak.owner, said) {
        (Owner::Key { integration, instance, key, state }, _) => {
            format!("ours: `{integration}` on `{instance}`, key {key} ({})", state.as_str())
        }
        (Owner::User { instance, user }, _) => {
            format!("user {} of `{instance}`", text(user.as_bytes(), NAME_CHARS))
        }
        (Owner::Unknown, Some(user)) => format!("not known here; it names the user {user}"),
        (Owner::Unknown, None) => "not known here".to_owned(),
    }
}

/// Whether it lives, for a person.
pub(super) fn alive(leak: &Leak) -> String {
    let is_native = matches!(leak.token.kind, Kind::Native2 | Kind::Native1);
    match &leak.alive {
        Alive::Yes { at: TakenBy::Instance(instance) } => format!("YES, `{instance}` takes it"),
        Alive::Yes { at: TakenBy::Host(host) } => {
            format!("YES, {} takes it", text(host.as_bytes(), NAME_CHARS))
        }
        Alive::No => "no, it is refused".to_owned(),
        Alive::NotAsked if is_native => {
            "not checked: a native key's signature cannot be checked offline; --check asks \
                                         your own instances"
                .to_owned()
        }
        Alive::NotAsked => match leak.token.kind {
            Kind::Legacy => "not checked; --check asks your own instances".to_owned(),
            Kind::Mcp | Kind::Scim => {
                "not checked: its signature cannot be checked offline, and --check uses API keys of n8n only"
                    .to_owned()
            }
            _ => "not checked; --check uses API keys of n8n only".to_owned(),
        },
        Alive::Unknown { why } => format!("not known: {}", text(why.as_bytes(), 200)),
    }
}

/// Until when, for a person.
pub(super) fn expiry(leak: &Leak, now: Timestamp) -> String {
    match leak.expiry(now) {
        Expiry::Never => "never by itself".to_owned(),
        Expiry::Ends(end) => format!("{}, in {}", day(end), span(end.duration_since(now))),
        Expiry::Ended(end) => format!("EXPIRED {}, {} ago", day(end), span(now.duration_since(end))),
        Expiry::Unsaid => "not said".to_owned(),
    }
}

/// A time, to the minute.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn span(span: SignedDuration) -> String {
    let minutes = span.as_secs().max(0) / 60;
    let (count, unit) = match minutes {
        0..60 => (minutes, "minute"),
        60..2_880 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Whose, in JSON.
#[derive(Serialize)]
#[serde(tag = "whose", rename_all = "snake_case")]
pub(super) enum OwnerView<'a> {
    Ours { integration: &'a str, instance: &'a str, key: String, state: &'static str },
    User { instance: &'a str, user: &'a str },
    Unknown,
}

impl<'a> From<&'a Owner> for OwnerView<'a> {
    fn from(owner: &'a Owner) -> Self {
        match owner {
            Owner::Key { integration, instance, key, state } => Self::Ours {
                integration: integration.as_str(),
                instance: instance.as_str(),
                key: key.to_string(),
                state: state.as_str(),
            },
            Owner::User { instance, user } => Self::User { instance: instance.as_str(), user },
            Owner::Unknown => Self::Unknown,
        }
    }
}

/// Whether it lives, in JSON.
#[derive(Serialize)]
pub(super) struct AliveView<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a str>,
}

impl<'a> From<&'a Alive> for AliveView<'a> {
    fn from(alive: &'a Alive) -> Self {
        let none = Self { state: "", instance: None, host: None, because: None };
        match alive {
            Alive::Yes { at: TakenBy::Instance(instance) } => {
                Self { state: "alive", instance: Some(instance.as_str()), ..none }
            }
            Alive::Yes { at: TakenBy::Host(host) } => Self { state: "alive", host: Some(host), ..none },
            Alive::No => Self { state: "dead", ..none },
            Alive::NotAsked => Self { state: "not_asked", ..none },
            Alive::Unknown { why } => Self { state: "unknown", because: Some(why), ..none },
        }
    }
}
