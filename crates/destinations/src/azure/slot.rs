//! One secret.

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Secret};
use reqwest::Method;
use serde_json::{Map, json};

use super::{
    KeyVault,
    calls::{Bundle, inner_code, need},
};
use crate::{
    error::error,
    http::{Answer, Request},
    slot::Slot,
};

/// The tag of a version that is disabled because a first delivery was undone: it holds nothing.
const UNDONE: (&str, &str) = ("keywright", "undone");

pub(super) struct VaultSecret {
    pub(super) service: Arc<KeyVault>,
    pub(super) address: Address,
    pub(super) vault: String,
    pub(super) name: String,
}

impl VaultSecret {
    /// The current version; one that was undone comes without a value.
    pub(super) async fn current(&self) -> Result<Option<Bundle>, DestinationError> {
        let purpose = format!("read `{}`", self.address);
        let answer = self.service.ask(&self.vault, &["secrets", &self.name], &purpose).await?;
        match answer.status {
            404 => Ok(None),
            403 if inner_code(&answer).as_deref() == Some("SecretDisabled") => {
                let undone = self.undone().await.map_err(was_disabled)?;
                undone.map(Some).ok_or_else(|| self.disabled(&answer))
            }
            _ => {
                let answer = answer.ok()?;
                let bundle: Bundle = answer.json()?;
                let bundle = bundle.without(UNDONE);
                if bundle.value.is_none() || bundle.version().is_none() {
                    return Err(answer.misshapen("a secret without value or version"));
                }
                Ok(Some(bundle))
            }
        }
    }

    fn disabled(&self, answer: &Answer) -> DestinationError {
        let (vault, name) = (&self.vault, &self.name);
        answer.error(
            Kind::Denied,
            "its current version is disabled",
            format!("enable it: `az keyvault secret set-attributes --vault-name {vault} --name {name} --enabled true`"),
        )
    }

    /// The current version, which is disabled, if we did that.
    async fn undone(&self) -> Result<Option<Bundle>, DestinationError> {
        let purpose = format!("see who disabled `{}`", self.address);
        let all = self.service.versions(&self.vault, &self.name, &purpose).await?;
        let newest = all.first().and_then(|bundle| bundle.attributes.created);
        // Times are whole seconds: several versions may be of the same.
        let mut candidates = all
            .into_iter()
            .filter(|bundle| bundle.attributes.created == newest && bundle.attributes.enabled == Some(false));
        let Some(current) = candidates.next() else { return Ok(None) };
        if !current.has(UNDONE) || !candidates.all(|bundle| bundle.has(UNDONE)) {
            return Ok(None);
        }
        let mut current = current.without(UNDONE);
        current.attributes.enabled = None;
        Ok(Some(current))
    }

    /// What makes it hold nothing. Deleting would take the name for as long as the vault keeps what is deleted.
    fn undoing(&self, seen: Option<&Bundle>) -> Result<Option<Request>, DestinationError> {
        let Some((seen, version)) = seen.and_then(|seen| Some((seen, seen.version()?))) else {
            return Ok(None);
        };
        let url = self.service.url(&self.vault, &["secrets", &self.name, &version], &[])?;
        let purpose = format!("disable a version of `{}`", self.address);
        let mut tags = seen.tags.clone().unwrap_or_default();
        tags.insert(UNDONE.0.to_owned(), UNDONE.1.to_owned());
        let request = Request::new(Method::PATCH, url, purpose, need("setSecret/action", "set"));
        let body = json!({"attributes": {"enabled": false}, "tags": tags});
        Ok(Some(request.repeatable().json(&body)?))
    }

    fn refused(&self, answer: &Answer) -> Option<DestinationError> {
        let (vault, name) = (&self.vault, &self.name);
        match inner_code(answer).as_deref() {
            Some("ObjectIsDeletedButRecoverable") => Some(answer.error(
                Kind::Denied,
                "a deleted secret of that name waits to be recovered or purged",
                format!("bring it back: `az keyvault secret recover --vault-name {vault} --name {name}`, and try again"),
            )),
            Some("ObjectIsBeingDeleted" | "ObjectIsBeingRecovered") => {
                Some(answer.error(Kind::Failed, "it is just being deleted or recovered", "try again in a minute"))
            }
            _ => None,
        }
    }
}

/// What led to a failure.
fn was_disabled(mut failure: DestinationError) -> DestinationError {
    failure.report.because.push("its current version is disabled".to_owned());
    failure
}

#[async_trait::async_trait]
impl Slot for VaultSecret {
    type Seen = Option<Bundle>;
    const UNLOCKED: bool = true;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Option<Bundle>), DestinationError> {
        let bundle = self.current().await?;
        let value = bundle.as_ref().and_then(|bundle| bundle.value.as_ref());
        let held = match value {
            Some(value) if !value.is_empty() => Held::Value(Secret::new(value.as_str())),
            _ => Held::Absent,
        };
        Ok((held, bundle))
    }

    async fn put(&self, seen: &Option<Bundle>, value: Option<&Secret>) -> Result<(), DestinationError> {
        self.may_put(seen).await?;
        let request = match value {
            Some(value) => {
                let url = self.service.url(&self.vault, &["secrets", &self.name], &[])?;
                let purpose = format!("write `{}`", self.address);
                let request = Request::new(Method::PUT, url, purpose, need("setSecret/action", "set"));
                request.json(&carried_over(seen.as_ref(), value))?
            }
            None => match self.undoing(seen.as_ref())? {
                Some(request) => request,
                None => return Ok(()),
            },
        };
        let answer = self.service.send(request).await?;
        if let Some(failure) = self.refused(&answer) {
            return Err(failure);
        }
        // One that is gone already is as good.
        if value.is_none() && answer.status == 404 { Ok(()) } else { answer.ok().map(drop) }
    }

    async fn may_put(&self, seen: &Option<Bundle>) -> Result<(), DestinationError> {
        // A vault does not tell what may be written.
        if seen.as_ref().and_then(|bundle| bundle.managed) == Some(true) {
            return Err(error(
                Kind::Denied,
                format!("cannot write `{}`", self.address),
                "it belongs to a certificate",
                "give another secret",
            ));
        }
        Ok(())
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        self.disable(dead).await
    }
}

/// What a new version is made of: the value, and all else that the former one had.
fn carried_over(former: Option<&Bundle>, value: &Secret) -> serde_json::Value {
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(value.expose()));
    let Some(former) = former else { return json!(body) };
    body.extend(former.content_type.as_ref().map(|media| ("contentType".to_owned(), json!(media))));
    body.extend(former.tags.as_ref().map(|tags| ("tags".to_owned(), json!(tags))));
    let attributes = &former.attributes;
    let mut carried = Map::new();
    carried.extend(attributes.enabled.map(|enabled| ("enabled".to_owned(), json!(enabled))));
    carried.extend(attributes.nbf.map(|from| ("nbf".to_owned(), json!(from))));
    carried.extend(attributes.exp.map(|until| ("exp".to_owned(), json!(until))));
    if !carried.is_empty() {
        body.insert("attributes".to_owned(), json!(carried));
    }
    json!(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_version_carries_all_over() {
        let former: Bundle = serde_json::from_value(json!({
            "id": "https://v.vault.azure.net/secrets/n/1", "value": "old", "contentType": "text/plain",
            "tags": {"a": "b"}, "attributes": {"enabled": true, "exp": 9, "created": 1, "recoveryLevel": "Recoverable"}
        }))
        .unwrap();
        assert_eq!(
            carried_over(Some(&former), &Secret::new("new")),
            json!({"value": "new", "contentType": "text/plain", "tags": {"a": "b"}, "attributes": {"enabled": true, "exp": 9}})
        );
        assert_eq!(carried_over(None, &Secret::new("new")), json!({"value": "new"}));
        assert_eq!(former.name_and_version(), Some(("n".to_owned(), Some("1".to_owned()))));
    }
}
