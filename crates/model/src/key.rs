//! A key's record; its text is a [`crate::Secret`], kept apart.

use crate::{Fingerprint, IntegrationName, KeyId, RotationId, Scope, Timestamp};

/// n8n takes labels of at most 50 characters.
pub const LABEL_MAX_CHARS: usize = 50;
const MARK: &str = " kw_";
const ID_CHARS: usize = 26;

/// What is known of one key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Our id of it.
    pub id: KeyId,
    /// Whose it is.
    pub integration: IntegrationName,
    /// The rotation that made it.
    pub rotation: RotationId,
    /// n8n's id of it; on versions with one key per user, a fixed word of the client's.
    pub native_id: String,
    /// The label it has at n8n.
    pub label: String,
    /// SHA-256 of its text.
    pub fingerprint: Fingerprint,
    /// The last four characters of its text.
    pub tail: String,
    /// The scopes it was made with.
    pub scopes: Vec<Scope>,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When n8n itself ends it.
    pub expires_at: Option<Timestamp>,
    /// When the instance was last seen to say that it was used, where it says so.
    pub last_used_at: Option<Timestamp>,
    /// When it was deleted at n8n.
    pub retired_at: Option<Timestamp>,
    /// When it was used and refused.
    pub proved_dead_at: Option<Timestamp>,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Made, not yet confirmed everywhere.
    Pending,
    /// The integration's key.
    Active,
    /// Followed by another, still working until the grace ends.
    Retiring,
    /// Deleted at n8n.
    Retired,
}

impl KeyState {
    /// Whether n8n still takes it.
    pub fn lives(self) -> bool {
        self != Self::Retired
    }

    /// Its name in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

impl Key {
    /// Whether it ended by its own date.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The label of the key that a rotation makes: the integration's name, cut to fit, and the rotation's id, so
/// that a key whose answer was lost can be found and removed.
pub fn label_for(integration: &IntegrationName, rotation: RotationId) -> String {
    let room = LABEL_MAX_CHARS - MARK.len() - ID_CHARS;
    let name: String = integration.as_str().chars().take(room).collect();
    format!("{name}{MARK}{rotation}")
}

/// The id here of a key that only a person sees at n8n, so that n8n's own is not known.
pub fn assisted_id(key: &Fingerprint) -> String {
    format!("assisted-{}", key.short())
}

/// The rotation whose label this is; `None` for a label that is not ours.
pub fn rotation_in_label(label: &str) -> Option<RotationId> {
    let (_, id) = label.rsplit_once(MARK)?;
    (id.len() == ID_CHARS).then(|| id.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_fits_and_tells_its_rotation() {
        let rotation = RotationId(crate::Ulid::from_parts(1_700_000_000_000, 7));
        let label = label_for(&"a".repeat(40).parse().unwrap(), rotation);
        assert_eq!(label.len(), LABEL_MAX_CHARS);
        assert_eq!(rotation_in_label(&label), Some(rotation));
    }

    #[test]
    fn labels_of_others_are_not_ours() {
        for label in [
            "My API Key",
            "backups",
            "backups kw_",
            "kw_01hf7yat000000000000000007",
            "x kw_é1hf7yat0000000000000007",
        ] {
            assert_eq!(rotation_in_label(label), None, "{label}");
        }
    }
}
