//! One secret, or a field of one, as a slot: what it holds and under which version.

use std::{collections::BTreeMap, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Place, SecretsManager, Version};
use crate::{
    aws::api::{Call, Reply, set},
    error::error,
    fields,
    slot::Slot,
};

/// The label of the version that counts.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// Says in a secret's description that a delivery made it, so that undoing the delivery may delete it.
pub(super) const MADE: &str = "Made by Keywright for an API key of n8n";

pub(super) struct ManagedSecret {
    pub(super) service: Arc<SecretsManager>,
    pub(super) address: Address,
    pub(super) place: Place,
}

/// The state that a write changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// There is no such secret.
    Missing,
    /// We made it, and it is marked for deletion.
    Deleted,
    /// It is there without a value.
    Empty,
    Current {
        version: String,
        text: Zeroizing<String>,
    },
}

/// `DescribeSecret`.
#[derive(Deserialize)]
pub(super) struct Described {
    #[serde(rename = "ARN")]
    _arn: String,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "DeletedDate")]
    deleted: Option<Value>,
    /// Versions that have labels.
    #[serde(rename = "VersionIdsToStages")]
    labels: Option<BTreeMap<String, Vec<String>>>,
}

impl Described {
    pub(super) fn is_ours(&self) -> bool {
        self.description.as_deref() == Some(MADE)
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.labels.iter().flatten()
    }

    pub(super) fn current(&self) -> Option<&str> {
        let mut labels = self.labels();
        Some(labels.find(|(_, labels)| labels.iter().any(|label| label == CURRENT))?.0)
    }
}

impl ManagedSecret {
    /// Calls an action on this secret; `body` comes without its id.
    pub(super) async fn call(
        &self,
        action: &'static str,
        doing: &str,
        mut body: Value,
        repeatable: bool,
    ) -> Result<Reply, DestinationError> {
        let id = if action == "CreateSecret" { "Name" } else { "SecretId" };
        set(&mut body, id, self.place.id.as_str());
        let call = Call {
            action,
            body,
            purpose: format!("{doing} `{}`", self.address),
            on: &self.place.id,
            region: self.place.region.as_deref(),
            repeatable,
        };
        self.service.aws.call(&call).await
    }

    pub(super) async fn describe(&self) -> Result<Reply, DestinationError> {
        self.call("DescribeSecret", "look at", json!({}), true).await
    }

    /// What a version's text holds of the key.
    pub(super) fn held(&self, text: &str) -> Result<Option<Zeroizing<String>>, DestinationError> {
        match &self.place.field {
            Some(field) => fields::get(text, field).map_err(|odd| self.malformed(odd.words())),
            // A blank text is what an undone delivery leaves where the secret itself was there before.
            None => Ok((!text.trim().is_empty()).then(|| Zeroizing::new(text.to_owned()))),
        }
    }

    pub(super) fn malformed(&self, problem: &str) -> DestinationError {
        error(
            Kind::Malformed,
            format!("cannot use the destination `{}`", self.address),
            format!("it {problem}; nothing was written"),
            "give the whole secret without `#FIELD`, or make it a JSON object of texts",
        )
    }

    /// Why there is no value: no secret, none yet, or one that is being deleted.
    async fn without_value(&self, read: Reply) -> Result<Seen, DestinationError> {
        let reply = self.describe().await?;
        if reply.code == "ResourceNotFoundException" {
            return Ok(Seen::Missing);
        }
        let described: Described = reply.ok()?.json()?;
        if described.deleted.is_some() {
            if described.is_ours() {
                return Ok(Seen::Deleted);
            }
            return Err(error(
                Kind::NotFound,
                format!("cannot use the destination `{}`", self.address),
                "somebody marked this secret for deletion",
                format!(
                    "`aws secretsmanager restore-secret --secret-id {}` brings it back; or give another address",
                    self.place.id
                ),
            ));
        }
        match (described.current(), read.code.as_str()) {
            (None, "ResourceNotFoundException") => Ok(Seen::Empty),
            // It came meanwhile.
            (Some(_), "ResourceNotFoundException") => Err(self.changed()),
            _ => Err(read.refused()),
        }
    }

    pub(super) fn changed(&self) -> DestinationError {
        error(
            Kind::Changed,
            format!("cannot write `{}`", self.address),
            "somebody changed it meanwhile; nothing was written",
            "try again",
        )
    }
}

#[async_trait::async_trait]
impl Slot for ManagedSecret {
    type Seen = Seen;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Seen), DestinationError> {
        let reply = self.call("GetSecretValue", "read", json!({"VersionStage": CURRENT}), true).await?;
        if matches!(reply.code.as_str(), "ResourceNotFoundException" | "InvalidRequestException") {
            return Ok((Held::Absent, self.without_value(reply).await?));
        }
        let Version { id: version, text } = reply.ok()?.json()?;
        let text = text.ok_or_else(|| self.malformed("holds bytes (`SecretBinary`), no text"))?;
        let held = self.held(&text)?;
        let held = held.map_or(Held::Absent, |held| Held::Value(Secret::new(held.as_str())));
        Ok((held, Seen::Current { version, text }))
    }

    async fn put(&self, seen: &Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        self.write(seen, value).await
    }

    async fn may_put(&self, seen: &Seen) -> Result<(), DestinationError> {
        self.probe(seen).await
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        self.discard_dead(dead).await
    }
}
