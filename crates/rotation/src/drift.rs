//! Whether destinations still hold the key that they should. Only reads.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use model::{
    Address, DestinationError, Fingerprint, Held, Integration, IntegrationName, Key, Report, StoreError,
};

use crate::due::active;
use crate::engine::Engine;
use crate::error::{self, RotationError};

/// Destinations that are read at once.
const AT_ONCE: usize = 8;
/// How often it is read anew, if the key changed meanwhile.
const TRIES: u32 = 3;

/// What a destination holds, measured by what it should.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", content = "seen", rename_all = "snake_case")]
pub enum Drift {
    /// The key.
    None,
    /// Another text; the beginning of its fingerprint.
    Other(String),
    /// Nothing.
    Absent,
    /// It cannot be read back.
    Unreadable,
    /// It could not be read this time.
    Failed(#[serde(serialize_with = "line")] Box<Report>),
}

fn line<S: serde::Serializer>(report: &Report, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&report.line())
}

impl Drift {
    /// Whether it is known to hold something else than it should; `None` if it is not known.
    pub fn is_drifted(&self) -> Option<bool> {
        match self {
            Self::None => Some(false),
            Self::Other(_) | Self::Absent => Some(true),
            Self::Unreadable | Self::Failed(_) => None,
        }
    }
}

/// The keys that each integration's destinations may hold; those of integrations without a key are left out.
type Right = BTreeMap<IntegrationName, BTreeSet<Fingerprint>>;
/// What was seen of each integration's destinations, in their order.
type Seen = BTreeMap<IntegrationName, Vec<(Address, Drift)>>;

impl Engine {
    /// Reads every destination of an integration and compares it with its key; while a rotation is open, with each of
    /// its keys that lives. Nothing is said of an integration that has no key, or one that changed while it was read.
    pub async fn drift(&self, of: &Integration) -> Result<Vec<(Address, Drift)>, RotationError> {
        let mut seen = self.drifts(vec![of.clone()]).await.map_err(error::store)?;
        Ok(seen.remove(&of.name).unwrap_or_default())
    }

    /// The same for several.
    pub(crate) async fn drifts(&self, mut left: Vec<Integration>) -> Result<Seen, StoreError> {
        let mut seen = Seen::new();
        let mut before = self.right(&left).await?;
        for _ in 0..TRIES {
            left.retain(|of| before.contains_key(&of.name));
            if left.is_empty() {
                break;
            }
            let mut found = self.compare(&left, &before).await;
            // A rotation may have come and gone meanwhile: what was read before it is no drift.
            let after = self.right(&left).await?;
            left.retain(|of| {
                let same = before.get(&of.name) == after.get(&of.name);
                if let Some(found) = found.remove(&of.name).filter(|_| same) {
                    seen.insert(of.name.clone(), found);
                }
                !same
            });
            before = after;
        }
        Ok(seen)
    }

    async fn right(&self, of: &[Integration]) -> Result<Right, StoreError> {
        let open = self.store.open_rotations().await?;
        let keys = self.store.living_keys().await?;
        let mut right = Right::new();
        for of in of {
            let Some(key) = active(of, &keys) else { continue };
            let turned = open.iter().any(|rotation| rotation.integration == of.name);
            let may = |one: &&Key| one.id == key.id || (turned && one.integration == of.name);
            right.insert(of.name.clone(), keys.iter().filter(may).map(|key| key.fingerprint).collect());
        }
        Ok(right)
    }

    async fn compare(&self, of: &[Integration], right: &Right) -> Seen {
        let mut places = Vec::new();
        for of in of {
            places.extend(of.destinations.iter().map(|to| (of.clone(), to.clone())));
        }
        let read = futures_util::stream::iter(places)
            .map(|(of, to)| self.read(of, to))
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut seen = Seen::new();
        for (name, to, held) in read {
            let drift = match held {
                Ok(Seeing::Absent) => Drift::Absent,
                Ok(Seeing::Unreadable) => Drift::Unreadable,
                Ok(Seeing::Text(held)) => match right.get(&name) {
                    Some(right) if right.contains(&held) => Drift::None,
                    _ => Drift::Other(held.short()),
                },
                Err(failure) => Drift::Failed(failure.report),
            };
            seen.entry(name).or_default().push((to, drift));
        }
        seen
    }

    async fn read(
        &self,
        of: Integration,
        to: Address,
    ) -> (IntegrationName, Address, Result<Seeing, DestinationError>) {
        let held = match self.world.destination(&to, &of, None) {
            Ok(destination) => destination.read().await,
            Err(failure) => Err(failure),
        };
        let seen = held.map(|held| match held {
            Held::Absent => Seeing::Absent,
            Held::Unreadable => Seeing::Unreadable,
            Held::Value(text) => Seeing::Text(Fingerprint::of(&text)),
        });
        (of.name, to, seen)
    }
}

/// What is kept of what was read: no text.
enum Seeing {
    Absent,
    Unreadable,
    Text(Fingerprint),
}
