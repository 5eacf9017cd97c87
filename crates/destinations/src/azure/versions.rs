//! Older versions that hold a dead key.

use model::{DestinationError, Fingerprint, Secret};
use reqwest::Method;
use serde_json::json;

use super::{
    calls::{Bundle, need},
    slot::VaultSecret,
};
use crate::http::Request;

/// How far back it is looked.
const MAX_VERSIONS: usize = 20;

impl VaultSecret {
    pub(super) async fn disable(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        if self.service.config.settings().text("old_versions") != Some("disable") {
            return Ok(None);
        }
        let Some(current) = self.current().await? else { return Ok(None) };
        let purpose = format!("list the versions of `{}`", self.address);
        let all = self.service.versions(&self.vault, &self.name, &purpose).await?;
        let current = current.version();
        let older = all.iter().filter(|version| version.attributes.enabled != Some(false));
        let older = older.filter_map(Bundle::version).filter(|version| Some(version) != current.as_ref());
        let mut disabled = 0_usize;
        for version in older.take(MAX_VERSIONS) {
            if self.holds(&version, dead).await? {
                self.disable_version(&version).await?;
                disabled += 1;
            }
        }
        Ok((disabled > 0).then(|| format!("disabled {disabled} old version(s) of `{}`", self.address)))
    }

    async fn holds(&self, version: &str, dead: &[Fingerprint]) -> Result<bool, DestinationError> {
        let purpose = format!("read an old version of `{}`", self.address);
        let answer = self.service.ask(&self.vault, &["secrets", &self.name, version], &purpose).await?;
        // One that was disabled or purged meanwhile is of no concern.
        if matches!(answer.status, 403 | 404) {
            return Ok(false);
        }
        let bundle: Bundle = answer.ok()?.json()?;
        let value = bundle.value.as_ref().map(|value| Fingerprint::of(&Secret::new(value.as_str())));
        Ok(value.is_some_and(|fingerprint| dead.contains(&fingerprint)))
    }

    async fn disable_version(&self, version: &str) -> Result<(), DestinationError> {
        let url = self.service.url(&self.vault, &["secrets", &self.name, version], &[])?;
        let purpose = format!("disable an old version of `{}`", self.address);
        let request = Request::new(Method::PATCH, url, purpose, need("setSecret/action", "set"));
        let body = json!({"attributes": {"enabled": false}});
        self.service.send(request.repeatable().json(&body)?).await?.ok().map(drop)
    }
}
