//! Older versions that hold a dead key.

use model::{DestinationError, Fingerprint, Secret};
use serde::Deserialize;

use super::{calls::Version, slot::Latest};

/// How far back it is looked.
const MAX_VERSIONS: usize = 20;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    versions: Vec<Version>,
}

impl Latest {
    pub(super) async fn discard_older(
        &self,
        dead: &[Fingerprint],
    ) -> Result<Option<String>, DestinationError> {
        let Some(action @ ("disable" | "destroy")) = self.service.config.settings().text("old_versions")
        else {
            return Ok(None);
        };
        let Some(current) = self.latest().await? else { return Ok(None) };
        // The newest come first, and only those that can be read.
        let query = [("pageSize", "25"), ("filter", "state:ENABLED")];
        let url = self.service.url(&self.project, &["secrets", &self.name, "versions"], &query)?;
        let purpose = format!("list the versions of `{}`", self.address);
        let need = self.need("secretmanager.versions.list");
        let Page { versions } = self.service.ask(url, &purpose, &need).await?.ok()?.json()?;
        let older = versions.iter().filter_map(|version| Some((version.number()?, version)));
        let older = older.filter(|(number, _)| *number < current.number).take(MAX_VERSIONS);
        let mut done = 0_usize;
        for (number, version) in older {
            let Some(payload) = self.access(&number.to_string()).await? else { continue };
            // One that is no JSON holds no field.
            let held = self.held(&payload.text).ok().flatten();
            let fingerprint = held.map(|text| Fingerprint::of(&Secret::new(text.as_str())));
            if fingerprint.is_some_and(|fingerprint| dead.contains(&fingerprint)) {
                self.set_state(number, version.etag.as_deref(), action).await?;
                done += 1;
            }
        }
        let word = if action == "destroy" { "destroyed" } else { "disabled" };
        Ok((done > 0).then(|| format!("{word} {done} old version(s) of `{}`", self.address)))
    }
}
