//! One field as a place.

use std::sync::Arc;

use model::{Address, DestinationError, Fingerprint, Held, Secret};
use tokio::sync::{OnceCell, OwnedMutexGuard};

use super::{
    Vault,
    mount::{Mount, Version},
    read::Content,
};
use crate::slot::Slot;

/// One field of a secret.
pub(super) struct Field {
    pub(super) service: Arc<Vault>,
    pub(super) address: Address,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) mount: OnceCell<Mount>,
}

impl Field {
    async fn mount(&self) -> Result<&Mount, DestinationError> {
        self.mount.get_or_try_init(|| self.service.mount_of(&self.path)).await
    }
}

#[async_trait::async_trait]
impl Slot for Field {
    type Seen = Content;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn lock(&self) -> Option<OwnedMutexGuard<()>> {
        Some(self.service.locks.lock(&self.path).await)
    }

    async fn look(&self) -> Result<(Held, Content), DestinationError> {
        let content = self.service.read(self.mount().await?, &self.path, None).await?;
        Ok((content.held(&self.name)?, content))
    }

    async fn put(&self, seen: &Content, value: Option<&Secret>) -> Result<(), DestinationError> {
        let mount = self.mount().await?;
        self.service.write(mount, &self.path, &self.name, seen, value).await
    }

    async fn may_put(&self, seen: &Content) -> Result<(), DestinationError> {
        let mount = self.mount().await?;
        let write: &[&str] = match (seen.live, seen.version, mount.version) {
            (true, _, Version::Two) => &["patch", "update"],
            (true, _, Version::One) | (false, 1.., _) => &["update"],
            (false, 0, _) => &["create"],
        };
        let mut needed = vec![(mount.api("data", &self.path), write)];
        if let (Version::Two, Some(part)) = (mount.version, self.service.discarding()) {
            needed.push((mount.api(part, &self.path), &["update"]));
        }
        self.service.may(&self.path, &needed).await
    }

    async fn discard(&self, dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        self.service.discard(self.mount().await?, &self.path, &self.name, dead).await
    }
}
