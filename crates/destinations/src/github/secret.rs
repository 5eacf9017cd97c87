//! One secret of GitHub Actions.
//!
//! What it holds is locked by nothing: of two writers at once the later one wins. That a public key was changed in between
//! is refused by GitHub, and looked up again.

use std::sync::{Arc, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Address, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Secret, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    GitHub,
    address::Place,
    calls::{SKEW, answered_at, ok, refusal},
    seal::seal,
};
use crate::{
    error::error,
    http::{Answer, Request},
    slot::Slot,
};

/// Repositories of one page, and pages that are read of those that may see one secret.
const PAGE: usize = 100;
const MAX_PAGES: usize = 200;

pub(super) struct ActionsSecret {
    pub(super) service: Arc<GitHub>,
    pub(super) address: Address,
    pub(super) place: Place,
}

/// What was written last, and when.
pub(super) struct Written {
    fingerprint: Fingerprint,
    at: Timestamp,
}

#[derive(Deserialize, PartialEq, Eq)]
struct PublicKey {
    key_id: String,
    key: String,
}

#[derive(Deserialize)]
struct Metadata {
    updated_at: Timestamp,
    /// An organisation's only.
    visibility: Option<String>,
}

/// What a write has to know.
pub(super) struct Seen {
    key: PublicKey,
    visibility: Option<String>,
}

#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
}

impl ActionsSecret {
    fn path<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        self.place.owner.secrets().into_iter().chain(more.iter().copied()).collect()
    }

    async fn ask(&self, more: &[&str], query: &[(&str, &str)]) -> Result<Answer, DestinationError> {
        let purpose = format!("look at `{}`", self.address);
        self.service.ask(&self.path(more), query, purpose, self.place.owner.need("read")).await
    }

    async fn public_key(&self) -> Result<PublicKey, DestinationError> {
        ok(self.ask(&["public-key"], &[]).await?)?.json()
    }

    async fn metadata(&self) -> Result<Option<Metadata>, DestinationError> {
        let answer = self.ask(&[&self.place.name], &[]).await?;
        if answer.status == 404 { Ok(None) } else { ok(answer)?.json().map(Some) }
    }

    /// The repositories that see an organisation's secret.
    async fn selected(&self) -> Result<Vec<u64>, DestinationError> {
        let mut ids = Vec::new();
        for page in 1..=MAX_PAGES {
            let (number, size) = (page.to_string(), PAGE.to_string());
            let query = [("per_page", size.as_str()), ("page", number.as_str())];
            let answer = ok(self.ask(&[&self.place.name, "repositories"], &query).await?)?;
            let Repositories { repositories } = answer.json()?;
            let last = repositories.len() < PAGE;
            ids.extend(repositories.into_iter().map(|repository| repository.id));
            if last {
                return Ok(ids);
            }
        }
        Err(error(
            Kind::Failed,
            format!("cannot write `{}`", self.address),
            format!("more than {} repositories see it", PAGE * MAX_PAGES),
            "let all or all private repositories of the organisation see it",
        ))
    }

    /// Who sees an organisation's secret, as it was.
    async fn add_visibility(
        &self,
        seen: &Seen,
        body: &mut Map<String, Value>,
    ) -> Result<(), DestinationError> {
        if self.place.owner.repository().is_some() {
            return Ok(());
        }
        let settings = self.service.config.settings();
        let visibility =
            seen.visibility.as_deref().or_else(|| settings.text("visibility")).unwrap_or("private");
        body.insert("visibility".to_owned(), json!(visibility));
        if visibility == "selected" {
            let ids = if seen.visibility.is_some() { self.selected().await? } else { Vec::new() };
            body.insert("selected_repository_ids".to_owned(), json!(ids));
        }
        Ok(())
    }

    fn sealed(&self, key: &PublicKey, secret: &Secret) -> Result<String, DestinationError> {
        let fail = |because: &str| {
            error(
                Kind::Failed,
                format!("cannot write `{}`", self.address),
                because,
                "see whether `url` is right, and what answers there",
            )
        };
        let unfit = "the public key that it answered is none that a secret can be sealed under";
        let public = STANDARD.decode(&key.key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let public = public.ok_or_else(|| fail(unfit))?;
        let mut ephemeral = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *ephemeral).map_err(|_no_source| fail("the system gives no random numbers"))?;
        let sealed = seal(secret.expose().as_bytes(), &public, &ephemeral).ok_or_else(|| fail(unfit))?;
        Ok(STANDARD.encode(sealed))
    }

    async fn write(&self, seen: &Seen, secret: &Secret) -> Result<(), DestinationError> {
        let sealed = self.sealed(&seen.key, secret)?;
        let mut body = Map::new();
        body.insert("encrypted_value".to_owned(), json!(sealed));
        body.insert("key_id".to_owned(), json!(seen.key.key_id));
        self.add_visibility(seen, &mut body).await?;
        let url = self.service.url(&self.path(&[&self.place.name]), &[])?;
        let purpose = format!("write `{}`", self.address);
        let request = Request::new(Method::PUT, url, purpose, self.place.owner.need("write")).json(&body)?;
        let answer = self.service.send(request).await?;
        if answer.status == 422 && self.public_key().await? != seen.key {
            return Err(answer.error(
                Kind::Changed,
                "the public key was changed meanwhile; nothing was written",
                "try again",
            ));
        }
        if !answer.is_ok() {
            return Err(refusal(&answer));
        }
        let mut written = self.service.written.lock().unwrap_or_else(PoisonError::into_inner);
        match answered_at(&answer) {
            Some(at) => {
                written.insert(self.place.clone(), Written { fingerprint: Fingerprint::of(secret), at });
            }
            None => {
                written.remove(&self.place);
            }
        }
        Ok(())
    }

    async fn delete(&self) -> Result<(), DestinationError> {
        let url = self.service.url(&self.path(&[&self.place.name]), &[])?;
        let purpose = format!("remove `{}`", self.address);
        let request = Request::new(Method::DELETE, url, purpose, self.place.owner.need("write")).repeatable();
        let answer = self.service.send(request).await?;
        self.service.written.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
        if answer.status == 404 { Ok(()) } else { ok(answer).map(drop) }
    }

    /// What tells that something else was written than what is wanted, if it is known what this process wrote.
    fn contradiction(&self, wanted: &Fingerprint, updated_at: Timestamp) -> Option<&'static str> {
        let written = self.service.written.lock().unwrap_or_else(PoisonError::into_inner);
        let Written { fingerprint, at } = written.get(&self.place)?;
        let (early, late) = (at.saturating_sub(SKEW).ok()?, at.saturating_add(SKEW).ok()?);
        if fingerprint != wanted {
            // Where another process wrote after this one, it may have been just that key.
            return (updated_at <= late).then_some("another key was the last that was written there");
        }
        if updated_at > late {
            Some("somebody else changed it after it was written")
        } else {
            (updated_at < early).then_some("it was not changed by what was written")
        }
    }
}

#[async_trait::async_trait]
impl Slot for ActionsSecret {
    type Seen = Seen;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Seen), DestinationError> {
        // It has no key where there is no such repository, environment or organisation.
        let key = self.public_key().await?;
        let metadata = self.metadata().await?;
        let held = if metadata.is_some() { Held::Unreadable } else { Held::Absent };
        Ok((held, Seen { key, visibility: metadata.and_then(|metadata| metadata.visibility) }))
    }

    async fn put(&self, seen: &Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        match value {
            Some(secret) => self.write(seen, secret).await,
            None => self.delete().await,
        }
    }

    async fn may_put(&self, _: &Seen) -> Result<(), DestinationError> {
        self.service.may_write(&self.place.owner).await
    }

    async fn seen_instead(&self, wanted: &Fingerprint) -> Result<Option<String>, DestinationError> {
        let Some(Metadata { updated_at, .. }) = self.metadata().await? else { return Ok(None) };
        match self.contradiction(wanted, updated_at) {
            None => Ok(Some(format!("updated_at {updated_at}"))),
            Some(because) => Err(error(
                Kind::NotConfirmed,
                format!("cannot confirm the delivery to `{}`", self.address),
                format!("{because} (updated_at {updated_at})"),
                "see what else writes there; the next try delivers again",
            )),
        }
    }
}
