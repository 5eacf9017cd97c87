//! One CI/CD variable.

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Secret};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    GitLab,
    address::{EVERYWHERE, Owner, Place},
};
use crate::{
    http::{Answer, Request},
    slot::Slot,
};

/// GitLab's number for a maintainer.
const MAINTAINER: u32 = 40;

pub(super) struct Variable {
    pub(super) service: Arc<GitLab>,
    pub(super) address: Address,
    pub(super) place: Place,
}

/// It as GitLab gives it; a hidden one has no value.
#[derive(Deserialize)]
pub(super) struct Given {
    pub(super) key: String,
    pub(super) value: Option<Zeroizing<String>>,
    #[serde(default)]
    pub(super) hidden: bool,
    #[serde(default)]
    masked: bool,
    pub(super) environment_scope: Option<String>,
}

impl Given {
    pub(super) fn scope(&self) -> &str {
        self.environment_scope.as_deref().unwrap_or(EVERYWHERE)
    }

    /// What it holds; nothing for what is hidden.
    pub(super) fn readable(&self) -> Option<&str> {
        self.value.as_ref().filter(|_| !self.hidden).map(|value| value.as_str())
    }
}

#[derive(Deserialize)]
struct Project {
    #[serde(default)]
    permissions: Option<Permissions>,
    #[serde(default)]
    archived: bool,
}

#[derive(Deserialize)]
struct Permissions {
    project_access: Option<Access>,
    group_access: Option<Access>,
}

#[derive(Deserialize)]
struct Access {
    access_level: u32,
}

#[derive(Deserialize)]
struct Token {
    scopes: Vec<String>,
}

impl Variable {
    fn path(&self, key: bool) -> Vec<&str> {
        let key = key.then_some(self.place.key.as_str());
        self.place.owner.path().into_iter().chain(["variables"]).chain(key).collect()
    }

    /// Of several with this key, the one in this scope.
    fn filter(&self) -> [(&str, &str); 1] {
        [("filter[environment_scope]", &self.place.scope)]
    }

    async fn given(&self) -> Result<Option<Given>, DestinationError> {
        let (purpose, need) = (format!("read `{}`", self.address), self.place.owner.need("read_api"));
        let answer = self.service.ask(&self.path(true), &self.filter(), purpose, need).await?;
        if answer.status == 404 {
            // Not there is one thing, a project that is not there is another.
            self.owner().await?;
            return Ok(None);
        }
        let answer = answer.ok()?;
        let given: Given = answer.json()?;
        if given.key != self.place.key || given.scope() != self.place.scope {
            return Err(answer.misshapen("it is another variable than was asked for"));
        }
        Ok(Some(given))
    }

    async fn owner(&self) -> Result<Answer, DestinationError> {
        let owner = &self.place.owner;
        let purpose = format!("find `{owner}`");
        self.service.ask(&owner.path(), &[], purpose, owner.need("read_api")).await?.ok()
    }

    async fn send(
        &self,
        method: Method,
        key: bool,
        body: Option<serde_json::Value>,
    ) -> Result<Answer, DestinationError> {
        let filter = self.filter();
        let url = self.service.url(&self.path(key), if key { &filter } else { &[] })?;
        let purpose = format!("write `{}`", self.address);
        let request = Request::new(method, url, purpose, self.place.owner.need("api"));
        self.service
            .send(match body {
                Some(body) => request.json(&body)?,
                None => request,
            })
            .await
    }

    /// Whether the token says that it cannot write; one that cannot be asked says nothing.
    async fn refuses_by_scope(&self) -> Result<bool, DestinationError> {
        let path = ["personal_access_tokens", "self"];
        let answer = self.service.ask(&path, &[], "see the token's scopes", "`read_api`").await?;
        if !answer.is_ok() {
            return Ok(false);
        }
        let Token { scopes } = answer.json()?;
        Ok(!scopes.iter().any(|scope| scope == "api"))
    }
}

#[async_trait::async_trait]
impl Slot for Variable {
    type Seen = Option<Given>;

    const UNLOCKED: bool = true;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Self::Seen), DestinationError> {
        let given = self.given().await?;
        let held = match &given {
            None => Held::Absent,
            Some(given) => match given.readable() {
                // Emptied, not there to be used.
                Some("") => Held::Absent,
                Some(text) => Held::Value(Secret::new(text)),
                None => Held::Unreadable,
            },
        };
        Ok((held, given))
    }

    async fn put(&self, seen: &Self::Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        let answer = match (seen, value) {
            (None, None) => return Ok(()),
            (Some(_), None) => {
                let answer = self.send(Method::DELETE, true, None).await?;
                if answer.status == 404 {
                    return Ok(());
                }
                answer
            }
            // What is not given is kept: type, protection, masking, description.
            (Some(_), Some(secret)) => {
                let answer = self.send(Method::PUT, true, Some(json!({"value": secret.expose()}))).await?;
                if answer.status == 404 {
                    return Err(answer.error(Kind::Changed, "somebody removed it meanwhile", "try again"));
                }
                answer
            }
            (None, Some(secret)) => {
                let body = json!({
                    "key": self.place.key, "value": secret.expose(), "environment_scope": self.place.scope,
                    "masked": true, "raw": true,
                });
                let answer = self.send(Method::POST, false, Some(body)).await?;
                if answer.status == 400 && self.given().await?.is_some() {
                    return Err(answer.error(Kind::Changed, "somebody made it meanwhile", "try again"));
                }
                answer
            }
        };
        if answer.status == 400 && (seen.is_none() || seen.as_ref().is_some_and(|given| given.masked)) {
            return Err(answer.error(
                Kind::Failed,
                "it answered 400: it does not take the value, perhaps as one that it can mask in logs",
                "see what the project allows; GitLab masks 8 or more letters, digits and `_+=/@:.~-` only",
            ));
        }
        answer.ok().map(drop)
    }

    async fn may_put(&self, _: &Self::Seen) -> Result<(), DestinationError> {
        let answer = self.owner().await?;
        let need = self.place.owner.need("api");
        let missing =
            |because: &str| Err(answer.error(Kind::Denied, because, format!("give its token {need}")));
        if self.refuses_by_scope().await? {
            return missing("the scope `api` of the token is missing");
        }
        // Who may read a group's variables may write them.
        if matches!(self.place.owner, Owner::Group(_)) {
            return Ok(());
        }
        let Project { permissions, archived } = answer.json()?;
        if archived {
            return missing("the project is archived: permission to write is missing for everybody");
        }
        let levels = permissions.map(|all| [all.project_access, all.group_access]);
        let level = levels.into_iter().flatten().flatten().map(|access| access.access_level).max();
        // An administrator of the instance is a member of nothing.
        if level.is_none_or(|level| level >= MAINTAINER) {
            return Ok(());
        }
        missing("the role `Maintainer` of the token's user is missing")
    }

    async fn seen_instead(&self, _: &Fingerprint) -> Result<Option<String>, DestinationError> {
        let given = self.given().await?;
        Ok(given.map(|_| "it is there, masked and hidden".to_owned()))
    }
}
