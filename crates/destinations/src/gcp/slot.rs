//! The latest version of one secret, or a field of it.

use std::sync::{Arc, PoisonError};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Secret};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    SecretManager,
    calls::{Payload, Version, accessed, payload, status_word},
};
use crate::{error::error, fields, slot::Slot};

/// How often a field is put beside what others added in between.
const MERGES: u32 = 4;
pub(super) const ADD: &str = "secretmanager.versions.add";

pub(super) struct Latest {
    pub(super) service: Arc<SecretManager>,
    pub(super) address: Address,
    pub(super) project: String,
    pub(super) name: String,
    pub(super) field: Option<String>,
}

impl Latest {
    pub(super) fn need(&self, permission: &str) -> String {
        format!("`{permission}` on the secret `{}`", self.name)
    }

    fn known(&self) -> (String, String) {
        (self.project.clone(), self.name.clone())
    }

    /// The last version that was added here, which `latest` may not know yet.
    fn added(&self) -> Option<u64> {
        self.service.added.lock().unwrap_or_else(PoisonError::into_inner).get(&self.known()).copied()
    }

    fn remember(&self, number: u64) {
        let mut added = self.service.added.lock().unwrap_or_else(PoisonError::into_inner);
        added.insert(self.known(), number);
    }

    /// What a version holds; `None` if it is not there, disabled or destroyed.
    pub(super) async fn access(&self, version: &str) -> Result<Option<Payload>, DestinationError> {
        let version = format!("{version}:access");
        let url = self.service.url(&self.project, &["secrets", &self.name, "versions", &version], &[])?;
        let purpose = format!("read `{}`", self.address);
        let answer = self.service.ask(url, &purpose, &self.need("secretmanager.versions.access")).await?;
        match answer.status {
            404 => Ok(None),
            400 if status_word(&answer).as_deref() == Some("FAILED_PRECONDITION") => Ok(None),
            _ => accessed(&answer.ok()?).map(Some),
        }
    }

    /// The newest version there is.
    pub(super) async fn latest(&self) -> Result<Option<Payload>, DestinationError> {
        let latest = self.access("latest").await?;
        match self.added() {
            Some(added) if latest.as_ref().is_none_or(|latest| latest.number < added) => {
                self.access(&added.to_string()).await
            }
            _ => Ok(latest),
        }
    }

    /// A secret without a version is one thing, none at all is another.
    async fn find(&self) -> Result<(), DestinationError> {
        let query = [("pageSize", "1")];
        let url = self.service.url(&self.project, &["secrets", &self.name, "versions"], &query)?;
        let purpose = format!("find `{}`", self.address);
        let answer = self.service.ask(url, &purpose, &self.need("secretmanager.versions.list")).await?;
        if answer.status != 404 {
            return answer.ok().map(drop);
        }
        let place = match self.service.config.settings().text("location") {
            Some(location) => format!("--location {location}"),
            None => "--replication-policy automatic".to_owned(),
        };
        Err(answer.error(
            Kind::NotFound,
            "the secret is not there",
            format!("make it: `gcloud secrets create {} --project {} {place}`", self.name, self.project),
        ))
    }

    fn malformed(&self, odd: fields::Odd) -> DestinationError {
        error(
            Kind::Malformed,
            format!("cannot use `{}`", self.address),
            format!("it {}", odd.words()),
            "leave the field out of the address, or see what the secret holds",
        )
    }

    /// What the payload holds for us.
    pub(super) fn held(&self, text: &str) -> Result<Option<Zeroizing<String>>, DestinationError> {
        let held = match &self.field {
            None => Some(Zeroizing::new(text.to_owned())),
            Some(field) => fields::get(text, field).map_err(|odd| self.malformed(odd))?,
        };
        Ok(held.filter(|text| !text.is_empty()))
    }

    /// The payload with the value in its place.
    fn with(
        &self,
        former: Option<&Payload>,
        value: Option<&Secret>,
    ) -> Result<Zeroizing<String>, DestinationError> {
        let changed = match (&self.field, former, value) {
            (None, _, value) => Ok(Zeroizing::new(value.map_or("", Secret::expose).to_owned())),
            (Some(field), Some(former), Some(value)) => fields::set(&former.text, field, value.expose()),
            (Some(field), Some(former), None) => fields::remove(&former.text, field),
            (Some(field), None, value) => Ok(fields::alone(field, value.map_or("", Secret::expose))),
        };
        changed.map_err(|odd| self.malformed(odd))
    }

    /// Adds a version, and says its number.
    async fn add(&self, text: &str) -> Result<u64, DestinationError> {
        let secret = format!("{}:addVersion", self.name);
        let url = self.service.url(&self.project, &["secrets", &secret], &[])?;
        let purpose = format!("write `{}`", self.address);
        let answer = self.service.post(url, &payload(text), &purpose, &self.need(ADD)).await?.ok()?;
        let version: Version = answer.json()?;
        let Some(number) = version.number() else {
            return Err(answer.misshapen("a version without a number"));
        };
        self.remember(number);
        Ok(number)
    }

    /// Nothing is held where the latest version is disabled.
    async fn disable_latest(&self, number: u64) -> Result<(), DestinationError> {
        self.set_state(number, None, "disable").await
    }

    /// Disables or destroys one version, as it was seen.
    pub(super) async fn set_state(
        &self,
        number: u64,
        etag: Option<&str>,
        action: &str,
    ) -> Result<(), DestinationError> {
        let version = format!("{number}:{action}");
        let url = self.service.url(&self.project, &["secrets", &self.name, "versions", &version], &[])?;
        let purpose = format!("{action} version {number} of `{}`", self.address);
        let body = etag.map_or_else(|| json!({}), |etag| json!({"etag": etag}));
        let need = self.need(&format!("secretmanager.versions.{action}"));
        self.service.post(url, &body, &purpose, &need).await?.ok().map(drop)
    }
}

#[async_trait::async_trait]
impl Slot for Latest {
    type Seen = Option<Payload>;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Option<Payload>), DestinationError> {
        let Some(latest) = self.latest().await? else {
            self.find().await?;
            return Ok((Held::Absent, None));
        };
        let held = self.held(&latest.text)?;
        let held = held.map_or(Held::Absent, |text| Held::Value(Secret::new(text.as_str())));
        Ok((held, Some(latest)))
    }

    async fn put(&self, seen: &Option<Payload>, value: Option<&Secret>) -> Result<(), DestinationError> {
        if let (None, None, Some(latest)) = (&self.field, value, seen) {
            return self.disable_latest(latest.number).await;
        }
        let mut number = self.add(&self.with(seen.as_ref(), value)?).await?;
        let mut expected = seen.as_ref().map(|seen| seen.number + 1);
        for _ in 0..MERGES {
            // Numbers follow each other: another one in between had fields of its own.
            let lost = expected.is_some_and(|expected| number > expected) && self.field.is_some();
            let Some(theirs) = (if lost { self.access(&(number - 1).to_string()).await? } else { None })
            else {
                return Ok(());
            };
            expected = Some(number + 1);
            number = self.add(&self.with(Some(&theirs), value)?).await?;
        }
        Err(error(
            Kind::Changed,
            format!("cannot write `{}`", self.address),
            "each time it was written, another version had come in between",
            "see what else writes there",
        ))
    }

    async fn may_put(&self, _: &Option<Payload>) -> Result<(), DestinationError> {
        #[derive(Deserialize)]
        struct Granted {
            #[serde(default)]
            permissions: Vec<String>,
        }
        let mut wanted = vec![ADD.to_owned(), "secretmanager.versions.access".to_owned()];
        if let Some(action) = self.service.config.settings().text("old_versions").filter(|way| *way != "keep")
        {
            wanted.extend(["list", action].map(|verb| format!("secretmanager.versions.{verb}")));
        }
        let secret = format!("{}:testIamPermissions", self.name);
        let url = self.service.url(&self.project, &["secrets", &secret], &[])?;
        let purpose = format!("see what may be done with `{}`", self.address);
        let body = json!({"permissions": wanted});
        let answer = self.service.post(url, &body, &purpose, &self.need(ADD)).await?.ok()?;
        let granted: Granted = answer.json()?;
        let missing: Vec<String> = wanted
            .iter()
            .filter(|permission| !granted.permissions.contains(permission))
            .map(|permission| format!("`{permission}`"))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(error(
            Kind::Denied,
            format!("cannot write `{}`", self.address),
            format!("{} on the secret is missing", missing.join(", ")),
            format!(
                "gcloud secrets add-iam-policy-binding {} --project {} --member MEMBER --role roles/secretmanager.secretVersionManager; reading takes roles/secretmanager.secretAccessor",
                self.name, self.project
            ),
        ))
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        self.discard_older(dead).await
    }
}
