//! One key of a Secret.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Address, DestinationError, DestinationErrorKind as Kind, Held, Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Kubernetes, MANAGER,
    address::Place,
    cluster::Call,
    status::{IMMUTABLE, Status, refusal},
};
use crate::{error::error, http::Answer, slot::Slot};

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
/// What is tried to be written, to see whether it could be. It is no secret, and is never kept.
const TRIAL: &str = "keywright tries whether it may write";

/// A Secret, as far as we look at it.
#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) metadata: Metadata,
    /// In Base64.
    pub(super) data: Option<BTreeMap<String, Zeroizing<String>>>,
    immutable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    resource_version: String,
    uid: String,
    managed_fields: Option<Vec<Managed>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Managed {
    manager: Option<String>,
    operation: Option<String>,
    subresource: Option<String>,
    #[serde(rename = "fieldsV1")]
    fields: Option<Value>,
}

/// What a write has to know of a Secret that is there.
pub(super) struct Seen {
    version: String,
    uid: String,
    immutable: bool,
    /// Other keys that we have applied before. An apply takes away what it leaves out, so they go along.
    ours: BTreeMap<String, Zeroizing<String>>,
}

pub(super) struct SecretKey {
    pub(super) service: Arc<Kubernetes>,
    pub(super) address: Address,
    pub(super) place: Place,
}

impl Seen {
    fn of(object: Object, key: &str) -> Self {
        let (metadata, mut data) = (object.metadata, object.data.unwrap_or_default());
        let managed = metadata.managed_fields.unwrap_or_default();
        let is_ours = |entry: &&Managed| {
            entry.manager.as_deref() == Some(MANAGER)
                && entry.operation.as_deref() == Some("Apply")
                && entry.subresource.as_deref().unwrap_or_default().is_empty()
        };
        let fields = managed.iter().filter(is_ours).filter_map(|entry| entry.fields.as_ref());
        let names =
            fields.filter_map(|fields| fields.get("f:data")?.as_object()).flat_map(|data| data.keys());
        let names = names.filter_map(|name| name.strip_prefix("f:")).filter(|name| *name != key);
        let ours = names.filter_map(|name| Some((name.to_owned(), data.remove(name)?))).collect();
        Self {
            version: metadata.resource_version,
            uid: metadata.uid,
            immutable: object.immutable == Some(true),
            ours,
        }
    }
}

impl SecretKey {
    fn path(&self) -> [&str; 6] {
        ["api", "v1", "namespaces", &self.place.namespace, "secrets", &self.place.secret]
    }

    /// Verbs on this Secret, as a role has them.
    fn need(&self, verbs: &str) -> String {
        format!("{verbs} on `secrets` `{}` in namespace `{}`", self.place.secret, self.place.namespace)
    }

    /// What is applied: our key, and what else is ours; where it is `locked`, to nothing but what was seen.
    fn applied(&self, seen: Option<&Seen>, value: &str, locked: Option<&Seen>) -> Value {
        let mut data = serde_json::Map::new();
        for (name, value) in seen.iter().flat_map(|seen| &seen.ours) {
            data.insert(name.clone(), json!(value.as_str()));
        }
        data.insert(self.place.key.clone(), json!(STANDARD.encode(value)));
        let (name, namespace) = (&self.place.secret, &self.place.namespace);
        let metadata = match locked {
            // Deleted meanwhile, it is not made anew with what it held: the new one has another `uid`.
            Some(seen) => json!({
                "name": name, "namespace": namespace, "resourceVersion": seen.version, "uid": seen.uid
            }),
            None => json!({"name": name, "namespace": namespace}),
        };
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    }

    fn refusal(&self, answer: &Answer) -> DestinationError {
        refusal(answer, self.service.cluster.config.name())
    }

    fn force(&self) -> &'static str {
        if self.service.cluster.config.settings().flag("force") { "true" } else { "false" }
    }

    /// Makes the Secret, with nothing in it yet: an apply to what is not there has no lock, and would take away what we
    /// applied for another key meanwhile.
    async fn make(&self, trial: bool) -> Result<Answer, DestinationError> {
        let (name, namespace) = (&self.place.secret, self.place.namespace.as_str());
        let metadata = json!({"name": name, "namespace": namespace});
        let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque"});
        let path = ["api", "v1", "namespaces", namespace, "secrets"];
        let need = format!("`create` on `secrets` in namespace `{namespace}`");
        let mut call = Call::post(&path, &body, format!("make the Secret of `{}`", self.address), need);
        if trial {
            call = call.with("dryRun", "All");
        }
        self.service.cluster.send(&call).await
    }

    async fn made(&self) -> Result<Seen, DestinationError> {
        let answer = self.make(false).await?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer));
        }
        Ok(Seen::of(answer.json()?, &self.place.key))
    }

    async fn apply(&self, seen: &Seen, value: &Secret) -> Result<(), DestinationError> {
        let body = self.applied(Some(seen), value.expose(), Some(seen));
        let (path, purpose) = (self.path(), format!("write `{}`", self.address));
        let call = Call::patch(&path, APPLY, &body, purpose, self.need("`patch`"));
        let answer = self.service.cluster.send(&call.with("force", self.force())).await?;
        if answer.is_ok() { Ok(()) } else { Err(self.refusal(&answer)) }
    }

    /// Takes the key away, whoever has it by now; an apply without it would leave what others share.
    async fn remove(&self, seen: &Seen) -> Result<(), DestinationError> {
        let body = json!({
            "metadata": {"resourceVersion": seen.version},
            "data": {&self.place.key: Value::Null},
        });
        let (path, purpose) = (self.path(), format!("remove `{}`", self.address));
        let call = Call::patch(&path, MERGE, &body, purpose, self.need("`patch`"));
        let answer = self.service.cluster.send(&call).await?;
        let gone = answer.status == 404 && Status::of(&answer).is("NotFound");
        if answer.is_ok() || gone { Ok(()) } else { Err(self.refusal(&answer)) }
    }

    fn immutable(&self) -> DestinationError {
        let what = format!("cannot write `{}` at {}", self.address, self.service.cluster.config.label());
        error(Kind::Denied, what, IMMUTABLE.0, IMMUTABLE.1)
    }
}

#[async_trait::async_trait]
impl Slot for SecretKey {
    type Seen = Option<Seen>;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Self::Seen), DestinationError> {
        let (path, purpose) = (self.path(), format!("read `{}`", self.address));
        let call = Call::get(&path, purpose, self.need("`get`"));
        let answer = self.service.cluster.send(&call).await?;
        if answer.status == 404 && Status::of(&answer).is("NotFound") {
            return Ok((Held::Absent, None));
        }
        if !answer.is_ok() {
            return Err(self.refusal(&answer));
        }
        let object: Object = answer.json()?;
        let held = match object.data.as_ref().and_then(|data| data.get(&self.place.key)) {
            Some(encoded) if !encoded.is_empty() => {
                let text = decoded(encoded).ok_or_else(|| {
                    answer.error(
                        Kind::Malformed,
                        "what it holds is not text; nothing was written",
                        "see whether it is the right key of the Secret",
                    )
                })?;
                Held::Value(text)
            }
            _ => Held::Absent,
        };
        Ok((held, Some(Seen::of(object, &self.place.key))))
    }

    async fn put(&self, seen: &Self::Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        match (seen, value) {
            (Some(seen), _) if seen.immutable => Err(self.immutable()),
            (Some(seen), Some(value)) => self.apply(seen, value).await,
            (None, Some(value)) => self.apply(&self.made().await?, value).await,
            (Some(seen), None) => self.remove(seen).await,
            (None, None) => Ok(()),
        }
    }

    async fn may_put(&self, seen: &Self::Seen) -> Result<(), DestinationError> {
        if seen.as_ref().is_some_and(|seen| seen.immutable) {
            return Err(self.immutable());
        }
        // What cannot be tried cannot be told.
        let may = |answer: &Answer| answer.is_ok() || Status::of(answer).forbids_trials();
        if seen.is_none() {
            let answer = self.make(true).await?;
            if !may(&answer) {
                return Err(self.refusal(&answer));
            }
        }
        // Of one that is not there, it asks for the same rights.
        let body = self.applied(seen.as_ref(), TRIAL, None);
        let (path, purpose) = (self.path(), format!("write `{}`", self.address));
        let call = Call::patch(&path, APPLY, &body, purpose, self.need("`patch`"));
        let call = call.with("force", self.force()).with("dryRun", "All");
        let answer = self.service.cluster.send(&call).await?;
        if may(&answer) { Ok(()) } else { Err(self.refusal(&answer)) }
    }
}

/// A value as text; `None` if it is none.
pub(super) fn decoded(encoded: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    std::str::from_utf8(&bytes).ok().map(Secret::new)
}
