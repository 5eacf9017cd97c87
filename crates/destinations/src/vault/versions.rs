//! Older versions that hold a dead key.

use model::{DestinationError, Fingerprint, Held};
use reqwest::Method;
use serde_json::json;

use super::{
    Vault,
    mount::{Mount, Version},
};

/// How far is walked back. A KV engine keeps ten versions where nothing else is set.
const BACK: usize = 32;

impl Vault {
    /// The part of the API that older versions are done away with by, if they are.
    pub(super) fn discarding(&self) -> Option<&'static str> {
        match self.config.settings().text("old_versions") {
            Some("disable") => Some("delete"),
            Some("destroy") => Some("destroy"),
            _ => None,
        }
    }

    /// Deletes or destroys older versions that hold a dead key; says which.
    pub(super) async fn discard(
        &self,
        mount: &Mount,
        path: &str,
        field: &str,
        dead: &[Fingerprint],
    ) -> Result<Option<String>, DestinationError> {
        let (Version::Two, Some(part)) = (mount.version, self.discarding()) else { return Ok(None) };
        let current = self.read(mount, path, None).await?.version;
        let mut versions = Vec::new();
        for version in (1..current).rev().take(BACK) {
            let older = self.read(mount, path, Some(version)).await?;
            if older.version == 0 {
                // That one and all before it are not kept any more.
                break;
            }
            if older.version != version {
                return Err(older.misshapen("another version than was asked for"));
            }
            // What is no text is no key.
            if let Ok(Held::Value(text)) = older.held(field)
                && dead.contains(&Fingerprint::of(&text))
            {
                versions.push(version);
            }
        }
        if versions.is_empty() {
            return Ok(None);
        }
        let api = mount.api(part, path);
        let request = self
            .request(
                Method::POST,
                &api,
                format!("{part} old versions of `{path}`"),
                self.on("`update`", &api),
            )?
            .json(&json!({"versions": versions}))?
            .repeatable();
        self.send(&request).await?.ok()?;
        let done = if part == "delete" { "deleted" } else { "destroyed" };
        let list: Vec<String> = versions.iter().rev().map(u64::to_string).collect();
        let noun = if list.len() == 1 { "version" } else { "versions" };
        Ok(Some(format!("{done} {noun} {}", list.join(", "))))
    }
}
