//! A new version: put there under a label of our own, then made the current one if the current one is still that which
//! was seen. A crash in between leaves a version that nobody reads.

use model::{DestinationError, Secret};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::secret::{CURRENT, Described, MADE, ManagedSecret, Seen};
use crate::{
    aws::{
        api::{Reply, set},
        sign::hex,
    },
    error::error,
    fields,
    slot::Slot as _,
};
use model::DestinationErrorKind as Kind;

/// Not `AWSPENDING`: that belongs to rotations of AWS's own, which ours must not disturb.
pub(super) const PENDING: &str = "KEYWRIGHT_PENDING";
/// How long AWS keeps what an undone delivery deletes.
const RECOVERY_DAYS: u8 = 7;
/// What stays where a secret was there without a value: AWS takes no value away, and wants one character at least.
const BLANK: &str = " ";

#[derive(Deserialize)]
struct Put {
    #[serde(rename = "VersionId")]
    version: String,
    #[serde(rename = "VersionStages")]
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "Name")]
    _name: String,
}

impl ManagedSecret {
    /// As [`crate::slot::Slot::put`].
    pub(super) async fn write(&self, seen: &Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        let odd = |odd: fields::Odd| self.malformed(odd.words());
        match (seen, &self.place.field, value) {
            (Seen::Current { version, .. }, None, None) => self.take_away(version, seen).await,
            (_, _, None) if !matches!(seen, Seen::Current { .. }) => Ok(()),
            (Seen::Deleted, _, _) => self.bring_back(value).await,
            (Seen::Current { version, text }, Some(field), Some(value)) => {
                let text = fields::set(text, field, value.expose()).map_err(odd)?;
                self.replace(Some(version), &text, seen).await
            }
            (Seen::Current { version, text }, Some(field), None) => {
                let text = fields::remove(text, field).map_err(odd)?;
                self.replace(Some(version), &text, seen).await
            }
            (_, field, Some(value)) => {
                let alone = field.as_ref().map(|field| fields::alone(field, value.expose()));
                let text = alone.as_ref().map_or(value.expose(), |text| text.as_str());
                match seen {
                    Seen::Missing => self.create(text).await,
                    Seen::Current { version, .. } => self.replace(Some(version), text, seen).await,
                    Seen::Empty | Seen::Deleted => self.replace(None, text, seen).await,
                }
            }
            (_, _, None) => Ok(()),
        }
    }

    async fn create(&self, text: &str) -> Result<(), DestinationError> {
        if self.place.is_arn() {
            return Err(error(
                Kind::NotFound,
                format!("cannot write `{}`", self.address),
                "there is no secret with this ARN",
                "give the ARN as `aws secretsmanager describe-secret` shows it, or a name, which a delivery can make",
            ));
        }
        let mut body = json!({"SecretString": text, "ClientRequestToken": token()?, "Description": MADE});
        if let Some(key) = self.service.aws.config.settings().text("kms_key") {
            set(&mut body, "KmsKeyId", key);
        }
        let reply = self.call("CreateSecret", "make", body, true).await?;
        if reply.code == "ResourceExistsException" {
            return Err(self.changed());
        }
        let Named { .. } = reply.ok()?.json()?;
        Ok(())
    }

    /// Makes a text the current version, if that is still the one that was seen; `None` if there was none.
    async fn replace(&self, version: Option<&str>, text: &str, seen: &Seen) -> Result<(), DestinationError> {
        let new = token()?;
        let body = json!({"SecretString": text, "ClientRequestToken": new, "VersionStages": [PENDING]});
        let reply = self.call("PutSecretValue", "write", body, true).await?;
        if matches!(reply.code.as_str(), "ResourceNotFoundException" | "InvalidRequestException") {
            return self.changed_or(reply, seen).await;
        }
        let answer = reply.ok()?;
        let Put { version: put, labels } = answer.json()?;
        if put != new {
            return Err(answer.misshapen("another version than was asked for"));
        }
        // A secret's first version is its current one at once.
        if labels.iter().any(|label| label == CURRENT) {
            self.tidy(&put).await;
            return Ok(());
        }
        let mut body = json!({"VersionStage": CURRENT, "MoveToVersionId": put});
        if let Some(version) = version {
            set(&mut body, "RemoveFromVersionId", version);
        }
        let reply = self.call("UpdateSecretVersionStage", "write", body, false).await?;
        if matches!(
            reply.code.as_str(),
            "InvalidParameterException" | "InvalidRequestException" | "ResourceNotFoundException"
        ) {
            self.tidy(&put).await;
            return self.changed_or(reply, seen).await;
        }
        let Named { .. } = reply.ok()?.json()?;
        self.tidy(&put).await;
        Ok(())
    }

    /// Takes our label away. That it stays harms nobody: the next delivery moves it.
    async fn tidy(&self, version: &str) {
        let body = json!({"VersionStage": PENDING, "RemoveFromVersionId": version});
        drop(self.call("UpdateSecretVersionStage", "write", body, false).await);
    }

    /// A refusal, or that it is not any more what was seen.
    async fn changed_or(&self, reply: Reply, seen: &Seen) -> Result<(), DestinationError> {
        let (_, now) = self.look().await?;
        Err(if now == *seen { reply.refused() } else { self.changed() })
    }

    /// What we deleted when a delivery was undone comes back with a new value.
    async fn bring_back(&self, value: Option<&Secret>) -> Result<(), DestinationError> {
        let Named { .. } = self.call("RestoreSecret", "bring back", json!({}), true).await?.ok()?.json()?;
        match self.look().await?.1 {
            Seen::Missing | Seen::Deleted => Err(self.changed()),
            seen => Box::pin(self.write(&seen, value)).await,
        }
    }

    /// A whole secret holds nothing again: it is made blank under the lock, and deleted then if we made it.
    async fn take_away(&self, version: &str, seen: &Seen) -> Result<(), DestinationError> {
        let described: Described = self.describe().await?.ok()?.json()?;
        self.replace(Some(version), BLANK, seen).await?;
        if !described.is_ours() {
            return Ok(());
        }
        let body = json!({"RecoveryWindowInDays": RECOVERY_DAYS});
        let reply = self.call("DeleteSecret", "delete", body, false).await?;
        if reply.code == "ResourceNotFoundException" {
            return Ok(());
        }
        let Named { .. } = reply.ok()?.json()?;
        Ok(())
    }

    /// Asks for what a delivery asks for, such that nothing can come of it: the text of a version that is there (AWS
    /// ignores it), and a label taken from a version that is not. Only a missing permission is told.
    pub(super) async fn probe(&self, seen: &Seen) -> Result<(), DestinationError> {
        let Seen::Current { version, text } = seen else { return Ok(()) };
        let same = json!({"SecretString": **text, "ClientRequestToken": version, "VersionStages": [PENDING]});
        let nowhere = json!({"VersionStage": PENDING, "RemoveFromVersionId": token()?});
        for (action, body) in [("PutSecretValue", same), ("UpdateSecretVersionStage", nowhere)] {
            let reply = self.call(action, "write", body, true).await?;
            if reply.is_denied() {
                return Err(reply.refused());
            }
        }
        Ok(())
    }
}

/// What a version is called; AWS takes the same twice for once.
fn token() -> Result<String, DestinationError> {
    let mut random = Zeroizing::new([0_u8; 16]);
    getrandom::fill(&mut *random).map_err(|fault| {
        error(
            Kind::Failed,
            "cannot name a version",
            fault.to_string(),
            "see why the system has no randomness",
        )
    })?;
    Ok(hex(&*random))
}
