//! One shared secret.

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind, Held, Secret};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Infisical, Place};
use crate::{error::error, http::Answer, slot::Slot};

pub(super) struct Shared {
    pub(super) service: Arc<Infisical>,
    pub(super) address: Address,
    pub(super) place: Place,
}

#[derive(Deserialize)]
struct Single {
    secret: Found,
}

#[derive(Deserialize)]
pub(super) struct Found {
    #[serde(rename = "secretKey")]
    pub(super) name: String,
    #[serde(rename = "secretValue")]
    pub(super) value: Zeroizing<String>,
    #[serde(rename = "secretValueHidden", default)]
    pub(super) is_hidden: bool,
    #[serde(rename = "secretPath", default)]
    pub(super) path: Option<String>,
}

#[derive(Deserialize)]
struct Folders {
    folders: Vec<Folder>,
}

#[derive(Deserialize)]
struct Folder {
    name: String,
}

impl Shared {
    /// A permission on secrets, as its roles call them.
    fn need(&self, action: &str) -> String {
        format!("`{action}` on secrets in `{}` at `{}`", self.place.environment, self.place.path)
    }

    async fn read(&self) -> Result<Option<Found>, DestinationError> {
        let place = &self.place;
        let query = [
            ("projectId", place.project.as_str()),
            ("environment", &place.environment),
            ("secretPath", &place.path),
            ("type", "shared"),
            ("viewSecretValue", "true"),
            ("expandSecretReferences", "false"),
            ("include_imports", "false"),
        ];
        let (purpose, need) = (format!("read `{}`", self.address), self.need("readValue"));
        let answer = self.service.ask(&["v4", "secrets", &place.name], &query, &purpose, &need).await?;
        if answer.status == 404 {
            return self.find_folder().await.map(|()| None);
        }
        let answer = answer.ok()?;
        let Single { secret } = answer.json()?;
        if secret.name != place.name {
            return Err(answer.misshapen("another secret than was asked for"));
        }
        if secret.is_hidden {
            let mend = format!("give its machine identity {need}");
            return Err(answer.error(Kind::Denied, format!("the value is hidden: {need} is missing"), mend));
        }
        Ok(Some(secret))
    }

    /// Not there is one thing, a project, environment or folder that is not there is another.
    async fn find_folder(&self) -> Result<(), DestinationError> {
        let (parent, name) = self.place.path.rsplit_once('/').unwrap_or_default();
        let query = [
            ("projectId", self.place.project.as_str()),
            ("environment", &self.place.environment),
            ("path", if parent.is_empty() { "/" } else { parent }),
        ];
        let purpose = format!("find the folder of `{}`", self.address);
        let need = "to be a member of the project";
        let answer = self.service.ask(&["v2", "folders"], &query, &purpose, need).await?;
        if answer.status == 404 && is_unknown_route(&answer) {
            return Err(answer.error(
                Kind::Failed,
                "the server has no API of that version",
                "update Infisical: it must have `/api/v4/secrets`; or see whether `url` is its address",
            ));
        }
        let answer = answer.ok()?;
        let Folders { folders } = answer.json()?;
        if name.is_empty() || folders.iter().any(|folder| folder.name == name) {
            return Ok(());
        }
        Err(error(
            Kind::NotFound,
            format!("cannot use `{}`", self.address),
            format!("there is no folder `{}` in `{}`", self.place.path, self.place.environment),
            "make the folder in Infisical, or see whether the path is written right",
        ))
    }

    fn body(&self, value: Option<&Secret>) -> Value {
        let place = &self.place;
        let members = [
            ("projectId", Some(place.project.as_str())),
            ("environment", Some(&place.environment)),
            ("secretPath", Some(&place.path)),
            ("type", Some("shared")),
            ("secretValue", value.map(Secret::expose)),
        ];
        members.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// Where a policy holds the change back, the answer says success all the same.
    fn is_done(answer: &Answer) -> Result<(), DestinationError> {
        let body: Value = answer.json()?;
        if body.get("approval").is_some() {
            return Err(answer.error(
                Kind::Denied,
                "a change policy holds it back until somebody approves",
                "approve the request in Infisical, or let the machine identity bypass the policy",
            ));
        }
        if body.get("secret").is_none() {
            return Err(answer.misshapen("neither a secret nor an approval"));
        }
        Ok(())
    }
}

/// Whether a 404 speaks of the path that was called, and not of what it names.
fn is_unknown_route(answer: &Answer) -> bool {
    let body: Value = answer.json().unwrap_or_default();
    body.get("message").and_then(Value::as_str).is_some_and(|message| message.starts_with("Route "))
}

#[async_trait::async_trait]
impl Slot for Shared {
    /// Whether the secret is there.
    type Seen = bool;
    const UNLOCKED: bool = true;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, bool), DestinationError> {
        let found = self.read().await?;
        let held = match &found {
            Some(found) if !found.value.is_empty() => Held::Value(Secret::new(found.value.as_str())),
            _ => Held::Absent,
        };
        Ok((held, found.is_some()))
    }

    async fn put(&self, seen: &bool, value: Option<&Secret>) -> Result<(), DestinationError> {
        let (method, action) = match (seen, value) {
            (true, Some(_)) => (Method::PATCH, "edit"),
            (false, Some(_)) => (Method::POST, "create"),
            (_, None) => (Method::DELETE, "delete"),
        };
        let (purpose, body) = (format!("write `{}`", self.address), self.body(value));
        let answer =
            self.service.change(method, &self.place.name, &body, &purpose, &self.need(action)).await?;
        // One that appeared is refused with 400, one that went with 404.
        if matches!(answer.status, 400 | 404) && self.read().await?.is_some() != *seen {
            return Err(answer.error(
                Kind::Changed,
                "somebody else made or deleted it meanwhile",
                "try again",
            ));
        }
        Self::is_done(&answer.ok()?)
    }

    async fn may_put(&self, _: &bool) -> Result<(), DestinationError> {
        // Infisical does not tell a machine identity what it may write.
        Ok(())
    }
}
