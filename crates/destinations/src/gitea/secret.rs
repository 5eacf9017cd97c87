//! One secret of Actions.

use std::{collections::BTreeMap, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Secret, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Gitea, is_last, owner::Owner};
use crate::{error::error, http::Request, slot::Slot};

/// Pages that are read of one place's secrets.
const MAX_PAGES: usize = 200;

/// One as it is listed.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    #[serde(default)]
    description: Option<String>,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct Repository {
    #[serde(default)]
    permissions: Option<BTreeMap<String, bool>>,
    #[serde(default)]
    archived: bool,
}

pub(super) struct ActionsSecret {
    pub(super) service: Arc<Gitea>,
    pub(super) address: Address,
    pub(super) owner: Owner,
    pub(super) name: String,
}

impl ActionsSecret {
    /// It as the list has it; there is no way to ask for one.
    async fn listed(&self) -> Result<Option<Listed>, DestinationError> {
        let mut so_far = 0;
        for page in 1..=MAX_PAGES {
            let purpose = format!("look at `{}`", self.address);
            let answer =
                self.service.page(&self.owner.secrets(), page, &purpose, self.owner.need("read")).await?;
            let answer = answer.ok()?;
            let secrets: Vec<Listed> = answer.json()?;
            so_far += secrets.len();
            let last = is_last(&answer, so_far, secrets.len());
            if let Some(found) = secrets.into_iter().find(|secret| secret.name == self.name) {
                return Ok(Some(found));
            }
            if last {
                return Ok(None);
            }
        }
        Err(error(
            Kind::Failed,
            format!("cannot look at `{}`", self.address),
            format!("`{}` lists more than {MAX_PAGES} pages of secrets", self.owner),
            "see whether `url` is right, and what answers there",
        ))
    }
}

#[async_trait::async_trait]
impl Slot for ActionsSecret {
    /// What is written beside it by people, which a write without it takes away.
    type Seen = Option<String>;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Self::Seen), DestinationError> {
        Ok(match self.listed().await? {
            Some(listed) => (Held::Unreadable, listed.description.filter(|text| !text.is_empty())),
            None => (Held::Absent, None),
        })
    }

    async fn put(&self, seen: &Self::Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        let path: Vec<&str> = self.owner.secrets().into_iter().chain([self.name.as_str()]).collect();
        let (url, need) = (self.service.url(&path, &[])?, self.owner.need("write"));
        let Some(secret) = value else {
            let request = Request::new(Method::DELETE, url, format!("remove `{}`", self.address), need);
            let answer = self.service.send(request.repeatable()).await?;
            return if answer.status == 404 { Ok(()) } else { answer.ok().map(drop) };
        };
        let body = match seen {
            Some(description) => json!({"data": secret.expose(), "description": description}),
            None => json!({"data": secret.expose()}),
        };
        let request = Request::new(Method::PUT, url, format!("write `{}`", self.address), need);
        self.service.send(request.json(&body)?).await?.ok().map(drop)
    }

    async fn may_put(&self, _: &Self::Seen) -> Result<(), DestinationError> {
        // Who may list an organisation's secrets may write them.
        let Owner::Repository(owner, repo) = &self.owner else { return Ok(()) };
        let purpose = format!("see what may be done in `{}`", self.owner);
        let answer =
            self.service.ask(&["repos", owner, repo], &[], purpose, "`read:repository`").await?.ok()?;
        let Repository { permissions, archived, .. } = answer.json()?;
        let need = self.owner.need("write");
        if archived {
            let because = "the repository is archived: permission to write is missing for everybody";
            return Err(answer.error(
                Kind::Denied,
                because,
                "take it out of the archive, or write elsewhere",
            ));
        }
        if permissions.is_none_or(|all| all.get("admin").copied().unwrap_or(false)) {
            return Ok(());
        }
        let because = format!("the role of an administrator of `{}` is missing", self.owner);
        Err(answer.error(Kind::Denied, because, format!("give its token {need}")))
    }

    async fn seen_instead(&self, _: &Fingerprint) -> Result<Option<String>, DestinationError> {
        let listed = self.listed().await?;
        Ok(listed.map(|listed| format!("it is in the list of secrets, created_at {}", listed.created_at)))
    }
}
