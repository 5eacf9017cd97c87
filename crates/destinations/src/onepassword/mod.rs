//! `1password:VAULT/ITEM#FIELD`: one field of an item, by a 1Password Connect server.
//!
//! The whole item is put, with the version that was seen. Whether Connect refuses a stale one is not documented: a
//! refusal is taken as such, and what was put is looked at again.

mod item;
mod search;
mod slot;

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind};
use serde::Deserialize;
use url::Url;

use crate::{
    Context,
    error::error,
    http::{Answer, Remote, Request},
    kinds::Opened,
    search::Search,
    service::{
        Form, Locks, Outside, Service, ServiceConfig, ServiceKind, Setting, base_url, below, login, setting,
    },
    slot::Slotted,
};

/// Connect lists all that there is at once.
const MAX_LIST_BYTES: usize = 16 << 20;
/// What reading takes.
const NEED_READ: &str = "read access to the vault";

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "1password",
    title: "1Password",
    example: "1password:Automation/n8n backups#credential",
    form: "VAULT/ITEM#FIELD",
    summary: "one field of an item, by a 1Password Connect server",
    settings: SETTINGS,
    sets: &[],
    either: &[],
    environment: &[("OP_CONNECT_HOST", "url"), ("OP_CONNECT_TOKEN", "token")],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://connect.example.com\"", "`OP_CONNECT_HOST`", "where the Connect server is"),
    setting("token", Form::Secret, "\"sealed:onepassword\"", "`OP_CONNECT_TOKEN`", "a Connect token that may write to the vault"),
];

#[expect(clippy::unnecessary_wraps, reason = "other kinds refuse settings that do not fit")]
fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    let (remote, config) = (Remote::new(config, outside), config.clone());
    Ok(Arc::new(OnePassword { remote, config, locks: Locks::default() }))
}

struct OnePassword {
    remote: Remote,
    config: ServiceConfig,
    locks: Locks,
}

/// A vault or an item, as lists have them.
#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(alias = "title")]
    name: Option<String>,
}

impl OnePassword {
    fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, DestinationError> {
        let base = base_url(&self.config, &self.remote, None)?;
        Ok(below(below(base, &["v1", "vaults"], &[]), segments, query))
    }

    async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        let token = login(&self.config, &self.remote, "token", None).await?;
        self.remote.send(&request.bearer(&token)?).await
    }

    async fn ask(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        purpose: &str,
    ) -> Result<Answer, DestinationError> {
        let request = Request::get(self.url(segments, query)?, purpose, NEED_READ).up_to(MAX_LIST_BYTES);
        self.send(request).await
    }

    /// Vaults, or items of one vault; those of that name only if there is one.
    async fn list(
        &self,
        segments: &[&str],
        filter: Option<(&str, &str)>,
        purpose: &str,
    ) -> Result<Vec<Named>, DestinationError> {
        let filter = filter.map(|(member, name)| {
            format!("{member} eq \"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
        });
        let query: Vec<(&str, &str)> = filter.iter().map(|filter| ("filter", filter.as_str())).collect();
        let answer = self.ask(segments, &query, purpose).await?.ok()?;
        let list: Vec<Named> = answer.json()?;
        if list.iter().any(|named| !item::is_id(&named.id)) {
            return Err(answer.misshapen("an id that is none"));
        }
        Ok(list)
    }

    /// The id of what has that name; an id stands for itself.
    async fn id(
        &self,
        segments: &[&str],
        member: &str,
        name: &str,
        what: &str,
        address: &Address,
    ) -> Result<String, DestinationError> {
        if item::is_id(name) {
            return Ok(name.to_owned());
        }
        let purpose = format!("find the {what} of `{address}`");
        let mut list = self.list(segments, Some((member, name)), &purpose).await?;
        list.retain(|named| named.name.as_deref() == Some(name));
        let (kind, because, mend) = match list.as_slice() {
            [one] => return Ok(one.id.clone()),
            [] => (
                Kind::NotFound,
                format!("the token sees no {what} of the name `{name}`"),
                format!(
                    "make the {what}, see whether it is written right, and whether the token may read the vault"
                ),
            ),
            _ => (
                Kind::Malformed,
                format!("{} of them have the name `{name}`", list.len()),
                format!("write the {what}'s id instead of its name"),
            ),
        };
        Err(error(kind, format!("cannot {purpose}"), because, mend))
    }
}

#[async_trait::async_trait]
impl Service for OnePassword {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let parts = address.rest().rsplit_once('#').and_then(|(place, field)| {
            let (vault, item) = place.split_once('/')?;
            Some((vault, item, field))
                .filter(|(vault, item, field)| !vault.is_empty() && !item.is_empty() && !field.is_empty())
        });
        match parts {
            Some((vault, item, field)) => Ok(Arc::new(Slotted(slot::FieldOfItem {
                service: self,
                address: address.clone(),
                vault: vault.to_owned(),
                item: item.to_owned(),
                name: field.to_owned(),
            }))),
            None => Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it is no vault, item and field",
                format!(
                    "write `{}:VAULT/ITEM#FIELD`, such as `{}`; names or ids",
                    address.kind(),
                    KIND.example
                ),
            )),
        }
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.search_all(search).await
    }
}
