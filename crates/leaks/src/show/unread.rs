//! Why something was not read, in words.

use serde::Serialize;

use super::text::text;
use crate::{Limits, Unread, Why};

impl Why {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Limit(_) => "limit",
            Self::Broken(_) => "broken",
            Self::Unsupported(_) => "unsupported",
            Self::Changed => "changed",
            Self::System(_) => "system",
        }
    }
}

/// Why, for a person.
pub(super) fn why(why: &Why) -> String {
    match why {
        Why::Limit(name) => format!("beyond {name}{}", default_of(name)),
        Why::Broken(cause) => format!("broken: {}", text(cause.as_bytes(), 200)),
        Why::Unsupported(what) => format!("not supported: {what}"),
        Why::Changed => "it changed while it was read".to_owned(),
        Why::System(cause) => format!("the system refused: {}", text(cause.as_bytes(), 200)),
    }
}

fn default_of(name: &str) -> String {
    let limits = Limits::default();
    match name {
        "max_object_bytes" => format!(" (by default {})", size(limits.max_object_bytes)),
        "max_buffer_bytes" => format!(" (by default {})", size(limits.max_buffer_bytes as u64)),
        "max_unpacked_bytes" => format!(" (by default {})", size(limits.max_unpacked_bytes)),
        "max_depth" => format!(" (by default {})", limits.max_depth),
        "max_members" => format!(" (by default {})", limits.max_members),
        _ => String::new(),
    }
}

/// Bytes, in the largest unit of which there is one at least.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes >> shift > 0);
    unit.map_or_else(|| format!("{bytes} B"), |(unit, shift)| format!("{} {unit}", bytes >> shift))
}

/// One line of JSON about it.
#[derive(Serialize)]
pub(super) struct UnreadView {
    what: String,
    cause: &'static str,
    detail: Option<String>,
}

impl From<&Unread> for UnreadView {
    fn from(unread: &Unread) -> Self {
        let detail = match &unread.why {
            Why::Limit(name) | Why::Unsupported(name) => Some((*name).to_owned()),
            Why::Broken(cause) | Why::System(cause) => Some(cause.clone()),
            Why::Changed => None,
        };
        Self { what: super::place::exact(&unread.what).0, cause: unread.why.name(), detail }
    }
}
