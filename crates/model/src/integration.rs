//! A program that uses an instance's API.

use crate::{Address, InstanceName, IntegrationName, Period, Scope, Timestamp};

/// One program, one key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Integration {
    /// Its name, unique over all instances.
    pub name: IntegrationName,
    /// The instance whose API it uses.
    pub instance: InstanceName,
    /// A client's, or our own.
    pub role: IntegrationRole,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What its key may do. Empty where keys have no scopes.
    pub scopes: Vec<Scope>,
    /// How often its key is turned; never on schedule if `None`.
    pub rotate_every: Option<Period>,
    /// How long an old key still works after the new one is confirmed everywhere.
    pub grace: Period,
    /// How long a new key lives before n8n itself ends it; for ever if `None`.
    pub expires_after: Option<Period>,
    /// Where its key is held.
    pub destinations: Vec<Address>,
    /// When it was declared.
    pub created_at: Timestamp,
}

impl Integration {
    /// Whether its new key reaches nobody unless a person is told it: another program's, delivered nowhere.
    pub fn is_told_by_hand(&self) -> bool {
        self.role == IntegrationRole::Client && self.destinations.is_empty()
    }
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationRole {
    /// Another program's.
    Client,
    /// The root key: the native key that Keywright itself uses, held by the store and nowhere else.
    Root,
}
