//! Older versions that hold a dead key: without labels they are deprecated, and AWS deletes them.

use model::{DestinationError, Fingerprint, Secret};
use serde_json::json;

use super::{
    Version,
    secret::{CURRENT, Described, ManagedSecret},
    write::PENDING,
};

/// Versions that are read; AWS keeps twenty labels at most.
const MAX_VERSIONS: usize = 20;
/// What AWS's own rotation works on.
const AWS_PENDING: &str = "AWSPENDING";
/// Labels that are taken. Any other is somebody's, who relies on it.
const OURS: [&str; 2] = ["AWSPREVIOUS", PENDING];

impl ManagedSecret {
    /// As [`model::Destination::discard`].
    pub(super) async fn discard_dead(
        &self,
        dead: &[Fingerprint],
    ) -> Result<Option<String>, DestinationError> {
        if self.service.aws.config.settings().text("old_versions") != Some("destroy") {
            return Ok(None);
        }
        let reply = self.describe().await?;
        if reply.code == "ResourceNotFoundException" {
            return Ok(None);
        }
        let described: Described = reply.ok()?.json()?;
        let (mut count, mut left) = (0_usize, Vec::new());
        let in_use = |label: &String| label == CURRENT || label == AWS_PENDING;
        let older = described.labels().filter(|(_, labels)| !labels.is_empty() && !labels.iter().any(in_use));
        for (version, labels) in older.take(MAX_VERSIONS) {
            if !self.is_dead(version, dead).await? {
                continue;
            }
            if !labels.iter().all(|label| OURS.contains(&label.as_str())) {
                left.push(format!("`{version}`"));
                continue;
            }
            for label in labels {
                let body = json!({"VersionStage": label, "RemoveFromVersionId": version});
                let reply = self.call("UpdateSecretVersionStage", "discard a version of", body, true).await?;
                // Somebody took it away meanwhile.
                if reply.code != "InvalidParameterException" {
                    reply.ok()?;
                }
            }
            count += 1;
        }
        let versions = if count == 1 { "version" } else { "versions" };
        let taken = (count > 0)
            .then(|| format!("took the labels of {count} older {versions}, so that AWS deletes them"));
        let left =
            (!left.is_empty()).then(|| format!("left {} with labels of somebody's own", left.join(", ")));
        let said: Vec<String> = taken.into_iter().chain(left).collect();
        Ok((!said.is_empty()).then(|| said.join("; ")))
    }

    async fn is_dead(&self, version: &str, dead: &[Fingerprint]) -> Result<bool, DestinationError> {
        let reply =
            self.call("GetSecretValue", "read a version of", json!({"VersionId": version}), true).await?;
        if matches!(reply.code.as_str(), "ResourceNotFoundException" | "InvalidRequestException") {
            return Ok(false);
        }
        let Version { text: Some(text), .. } = reply.ok()?.json()? else { return Ok(false) };
        // An older version may have had another shape.
        let Ok(Some(held)) = self.held(&text) else { return Ok(false) };
        Ok(dead.contains(&Fingerprint::of(&Secret::new(held.as_str()))))
    }
}
