//! One field.

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind, Held, Secret};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::{
    OnePassword,
    item::{self, unfit},
};
use crate::{
    error::error,
    http::{Answer, Request},
    slot::Slot,
};

pub(super) struct FieldOfItem {
    pub(super) service: Arc<OnePassword>,
    pub(super) address: Address,
    pub(super) vault: String,
    pub(super) item: String,
    pub(super) name: String,
}

/// The item as it was seen.
pub(super) struct Seen {
    vault: String,
    id: String,
    item: Value,
}

impl FieldOfItem {
    async fn seen(&self) -> Result<Seen, DestinationError> {
        let service = &self.service;
        let vault = service.id(&[], "name", &self.vault, "vault", &self.address).await?;
        let id = service.id(&[&vault, "items"], "title", &self.item, "item", &self.address).await?;
        let purpose = format!("read `{}`", self.address);
        let answer = service.ask(&[&vault, "items", &id], &[], &purpose).await?.ok()?;
        let item: Value = answer.json()?;
        if item.get("version").and_then(Value::as_u64).is_none() {
            return Err(answer.misshapen("an item without a version"));
        }
        Ok(Seen { vault, id, item })
    }

    /// What a stale version is answered with is not documented: see whether it is one.
    async fn is_stale(&self, answer: &Answer, seen: &Seen) -> Result<bool, DestinationError> {
        Ok(matches!(answer.status, 400 | 422)
            && self.seen().await?.item.get("version") != seen.item.get("version"))
    }
}

#[async_trait::async_trait]
impl Slot for FieldOfItem {
    type Seen = Seen;
    const UNLOCKED: bool = true;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn lock(&self) -> Option<OwnedMutexGuard<()>> {
        // Of the whole service: one item has an address by names and one by ids.
        Some(self.service.locks.lock("").await)
    }

    async fn look(&self) -> Result<(Held, Seen), DestinationError> {
        let seen = self.seen().await?;
        let value = item::value(&seen.item, &self.name).map_err(|odd| unfit(odd, &self.address))?;
        let held = value.map_or(Held::Absent, |text| Held::Value(Secret::new(text)));
        Ok((held, seen))
    }

    async fn put(&self, seen: &Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        let mut changed = seen.item.clone();
        item::set(&mut changed, &self.name, value.map(Secret::expose))
            .map_err(|odd| unfit(odd, &self.address))?;
        let url = self.service.url(&[&seen.vault, "items", &seen.id], &[])?;
        let purpose = format!("write `{}`", self.address);
        let request = Request::new(Method::PUT, url, purpose, "write access to the vault").json(&changed)?;
        let answer = self.service.send(request).await?;
        if self.is_stale(&answer, seen).await? {
            let because = "somebody changed the item meanwhile; nothing was written";
            return Err(answer.error(Kind::Changed, because, "try again"));
        }
        answer.ok().map(drop)
    }

    async fn may_put(&self, seen: &Seen) -> Result<(), DestinationError> {
        // Connect does not tell what a token may write.
        item::may_take(&seen.item, &self.name).map_err(|odd| unfit(odd, &self.address))?;
        match seen.item.get("state").and_then(Value::as_str) {
            Some("ARCHIVED" | "DELETED") => Err(error(
                Kind::Denied,
                format!("cannot write `{}`", self.address),
                "the item is archived or deleted",
                "restore the item, or give another",
            )),
            _ => Ok(()),
        }
    }
}
