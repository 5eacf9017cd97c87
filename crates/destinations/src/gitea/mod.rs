//! `gitea:OWNER/REPO#NAME`, `gitea:ORG#NAME`, and the same for Forgejo: one secret of their Actions.
//!
//! There is no lock, and nothing can be read back: it is confirmed by its name in the list.

mod owner;
mod search;
mod secret;

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind};
use url::Url;

use crate::{
    Context,
    error::error,
    http::{Answer, Remote, Request},
    kinds::Opened,
    search::Search,
    service::{Form, Outside, Service, ServiceConfig, ServiceKind, Setting, base_url, below, login, setting},
    slot::Slotted,
};
use owner::{Owner, is_secret_name};
use secret::ActionsSecret;

/// Entries of one page: what both give where nobody changed it.
const PAGE: usize = 50;

pub(crate) const GITEA: ServiceKind = ServiceKind {
    name: "gitea",
    title: "Gitea",
    example: "gitea:acme/site#N8N_API_KEY",
    form: "OWNER/REPO#NAME or ORG#NAME",
    summary: "one secret of Gitea Actions: of a repository or an organisation",
    settings: SETTINGS_GITEA,
    sets: &[],
    either: &[],
    environment: &[("GITEA_TOKEN", "token"), ("GITEA_SERVER_URL", "url")],
    open,
};

pub(crate) const FORGEJO: ServiceKind = ServiceKind {
    name: "forgejo",
    title: "Forgejo",
    example: "forgejo:acme/site#N8N_API_KEY",
    form: "OWNER/REPO#NAME or ORG#NAME",
    summary: "one secret of Forgejo Actions, as at Codeberg: of a repository or an organisation",
    settings: SETTINGS_FORGEJO,
    sets: &[],
    either: &[],
    environment: &[("FORGEJO_TOKEN", "token"), ("FORGEJO_URL", "url")],
    open,
};

#[rustfmt::skip]
const SETTINGS_GITEA: &[Setting] = &[
    setting("url", Form::Url, "\"https://gitea.example.com\"", "`GITEA_SERVER_URL`", "where it is, without `/api/v1`"),
    setting("token", Form::Secret, "\"sealed:gitea\"", "`GITEA_TOKEN`", "an access token with `write:repository`, for organisations `write:organization`"),
];

#[rustfmt::skip]
const SETTINGS_FORGEJO: &[Setting] = &[
    setting("url", Form::Url, "\"https://codeberg.org\"", "`FORGEJO_URL`", "where it is, without `/api/v1`"),
    setting("token", Form::Secret, "\"sealed:forgejo\"", "`FORGEJO_TOKEN`", "an access token with `write:repository`, for organisations `write:organization`"),
];

#[expect(clippy::unnecessary_wraps, reason = "as every kind is opened")]
fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(Gitea { remote: Remote::new(config, outside), config: config.clone() }))
}

struct Gitea {
    remote: Remote,
    config: ServiceConfig,
}

impl Gitea {
    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, DestinationError> {
        let base = base_url(&self.config, &self.remote, None)?;
        let path: Vec<&str> = ["api", "v1"].iter().chain(path).copied().collect();
        Ok(below(base, &path, query))
    }

    async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        let token = login(&self.config, &self.remote, "token", None).await?;
        self.remote.send(&request.secret_header("authorization", "token ", &token)?).await
    }

    async fn ask(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        purpose: impl Into<String>,
        need: impl Into<String>,
    ) -> Result<Answer, DestinationError> {
        self.send(Request::get(self.url(path, query)?, purpose, need)).await
    }

    async fn page(
        &self,
        path: &[&str],
        page: usize,
        purpose: &str,
        need: String,
    ) -> Result<Answer, DestinationError> {
        let (number, size) = (page.to_string(), PAGE.to_string());
        self.ask(path, &[("page", &number), ("limit", &size)], purpose, need).await
    }
}

#[async_trait::async_trait]
impl Service for Gitea {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let parts = address.rest().rsplit_once('#');
        let parts = parts.and_then(|(owner, name)| Some((Owner::parse(owner)?, name)));
        match parts {
            Some((owner, name)) if is_secret_name(name) => Ok(Arc::new(Slotted(ActionsSecret {
                service: self,
                address: address.clone(),
                owner,
                name: name.to_owned(),
            }))),
            _ => Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it names no secret of a repository or organisation; a secret's name has capital letters, digits and \
                 `_`, and does not begin with a digit, `GITHUB_`, `GITEA_` or `FORGEJO_`",
                format!(
                    "write `{kind}:OWNER/REPO#NAME` or `{kind}:ORG#NAME`, such as `{kind}:acme/site#N8N_API_KEY`",
                    kind = address.kind(),
                ),
            )),
        }
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.search_all(search).await
    }
}

/// Whether there is another page: a server may give shorter ones than it is asked for, and then says how many there are.
fn is_last(answer: &Answer, so_far: usize, now: usize) -> bool {
    let total =
        answer.headers.get("x-total-count").and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
    now == 0 || total.map_or(now < PAGE, |total| so_far >= total)
}
