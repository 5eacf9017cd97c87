//! A leak in one line, for formats that have one line for it.

use detector::Severity;
use model::Timestamp;

use super::place::{also, at, author, reach, wrapping};
use super::text::text;
use super::whose::{alive, expiry, owner};
use crate::{Alive, Leak, Source, Spot};

/// How urgent a leak is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// An instance was asked and takes it.
    Lives,
    /// Opens the whole of the API, as far as is known.
    High,
    /// Opens a part, or opened the whole until its date.
    Medium,
    /// Refused, or of a small part and over.
    Low,
}

pub(super) fn urgency(leak: &Leak, now: Timestamp) -> Urgency {
    match (&leak.alive, leak.token.kind.severity(), leak.is_spent(now)) {
        (Alive::Yes { .. }, ..) => Urgency::Lives,
        (Alive::No, ..) | (_, Severity::Medium, true) => Urgency::Low,
        (_, Severity::High, false) => Urgency::High,
        (_, Severity::High, true) | (_, Severity::Medium, false) => Urgency::Medium,
    }
}

/// What it is, without where: `API key of n8n 2.x 3f2a…, ends in 1a2b`.
pub(super) fn title(leak: &Leak) -> String {
    let tail = text(leak.token.secret.tail().as_bytes(), 40);
    format!("{} {} …{tail}", leak.token.kind.title(), leak.fingerprint.short())
}

/// All that is known of it, at one of its places.
pub(super) fn line(leak: &Leak, spot: &Spot, now: Timestamp) -> String {
    let mut parts = vec![
        format!("{} at {}", title(leak), at(&spot.place)),
        format!("whose: {}", owner(leak)),
        format!("alive: {}", alive(leak)),
        format!("expires: {}", expiry(leak, now)),
    ];
    if !spot.wrapping.is_empty() {
        parts.push(format!("wrapped: {}", wrapping(&spot.wrapping)));
    }
    parts.extend(also(spot));
    if let Source::Git(git) = &spot.place.source {
        parts.extend(git.first.as_ref().map(author));
        parts.push(reach(git));
    }
    parts.join("; ")
}
