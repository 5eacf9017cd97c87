//! A program that uses an instance's API.

use std::collections::BTreeMap;

use crate::{Address, Cron, InstanceName, IntegrationName, Period, Scope, Timestamp};

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
    /// How long after it was made its key is due to be turned; never by age if `None`.
    pub rotate_every: Option<Period>,
    /// When its key is due to be turned; never by the calendar if `None`. Not together with `rotate_every`.
    #[serde(default)]
    pub rotate_on: Option<Cron>,
    /// How long an old key still works after the new one is confirmed everywhere.
    pub grace: Period,
    /// How long a new key lives before n8n itself ends it; for ever if `None`.
    pub expires_after: Option<Period>,
    /// Where its key is held.
    pub destinations: Vec<Address>,
    /// What makes its program take up a new key, by the destination after whose delivery it runs.
    #[serde(default)]
    pub reload: BTreeMap<Address, Address>,
    /// After how long without a call its key counts as silent; learned from its calls if `None`.
    #[serde(default)]
    pub silent_after: Option<Period>,
    /// Who declared it.
    #[serde(default)]
    pub source: Source,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it was taken out of service; its record stays.
    #[serde(default)]
    pub retired_at: Option<Timestamp>,
}

impl Integration {
    /// Whether its new key reaches nobody unless a person is told it: another program's, delivered nowhere.
    pub fn is_told_by_hand(&self) -> bool {
        self.role == IntegrationRole::Client && self.destinations.is_empty()
    }

    /// When a key that was made at `made_at` is due to be turned.
    pub fn due_at(&self, made_at: Timestamp) -> Option<Timestamp> {
        match (&self.rotate_on, self.rotate_every) {
            (Some(cron), _) => cron.next_after(made_at),
            (None, Some(every)) => made_at.checked_add(every.duration()).ok(),
            (None, None) => None,
        }
    }
}

/// Who declared an instance or an integration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A command: it stays until a command takes it out of service.
    #[default]
    Command,
    /// The configuration file: it goes when it is not declared there any more.
    Configuration,
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
