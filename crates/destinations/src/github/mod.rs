//! `github:OWNER/REPO#NAME`, `github:OWNER/REPO@ENVIRONMENT#NAME`, `github:ORG#NAME`: one secret of GitHub Actions; as a
//! hook `github:OWNER/REPO/WORKFLOW.yml@REF` runs a workflow.
//!
//! What is sent is sealed under the place's public key, and cannot be read back: it is confirmed by when it was changed.

mod address;
mod app;
mod calls;
mod dispatch;
mod permission;
mod seal;
mod search;
mod secret;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use model::{Address, DestinationError, DestinationErrorKind as Kind};

use crate::{
    Context,
    error::error,
    hook::Opened as OpenedHook,
    http::Remote,
    kinds::Opened,
    search::Search,
    service::{Form, Outside, Service, ServiceConfig, ServiceKind, Setting, setting},
    slot::Slotted,
};
use address::{Place, Workflow};
use app::App;
use dispatch::Dispatch;
use secret::{ActionsSecret, Written};

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "github",
    title: "GitHub",
    example: "github:acme/site#N8N_API_KEY",
    form: "OWNER/REPO#NAME, OWNER/REPO@ENVIRONMENT#NAME or ORG#NAME",
    summary: "one secret of GitHub Actions: of a repository, of one of its environments, of an organisation",
    settings: SETTINGS,
    sets: &[&["app_id", "installation_id", "private_key"]],
    either: &[&[&["token"], &["app_id", "installation_id", "private_key"]]],
    // Tokens in the order of GitHub's own command line.
    environment: &[("GH_TOKEN", "token"), ("GITHUB_TOKEN", "token"), ("GITHUB_API_URL", "url")],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://github.example.com/api/v3\"", "GitHub.com's", "where its REST API is; for GitHub Enterprise Server, with `/api/v3`"),
    setting("token", Form::Secret, "\"sealed:github\"", "`GH_TOKEN`, `GITHUB_TOKEN`", "a fine-grained token with `Secrets: write` (of an environment: `Environments: write`), or a classic one with the scope `repo` (organisations: `admin:org`)"),
    setting("app_id", Form::Text, "\"123456\"", "none", "the id of a GitHub App, or its client id, together with `installation_id` and `private_key`"),
    setting("installation_id", Form::Text, "\"4567890\"", "none", "the id of the App's installation at the owner"),
    setting("private_key", Form::Secret, "\"file:keywright.private-key.pem\"", "none", "where the App's private key is, in PEM as GitHub gives it"),
    setting("visibility", Form::OneOf(&["all", "private", "selected"]), "\"private\"", "private", "which repositories see an organisation's secret that is new; what is there keeps its own"),
    setting("search", Form::Text, "\"acme\"", "what the App sees", "whose repositories are looked through for secrets that are named like a key of n8n"),
];

#[expect(clippy::unnecessary_wraps, reason = "as every kind is opened")]
fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(GitHub {
        remote: Remote::new(config, outside),
        config: config.clone(),
        app: App::of(config.settings()),
        written: Mutex::default(),
    }))
}

struct GitHub {
    remote: Remote,
    config: ServiceConfig,
    app: Option<App>,
    /// What this process wrote where, and when by GitHub's clock.
    written: Mutex<BTreeMap<Place, Written>>,
}

#[async_trait::async_trait]
impl Service for GitHub {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let Some(place) = Place::parse(address.rest()) else {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it names no secret of a repository, environment or organisation; a secret's name has capital letters, \
                 digits and `_`, and does not begin with a digit or `GITHUB_`",
                format!(
                    "write `{kind}:OWNER/REPO#NAME`, `{kind}:OWNER/REPO@ENVIRONMENT#NAME` or `{kind}:ORG#NAME`, such as `{}`",
                    KIND.example,
                    kind = address.kind(),
                ),
            ));
        };
        Ok(Arc::new(Slotted(ActionsSecret { service: self, address: address.clone(), place })))
    }

    fn hook(self: Arc<Self>, address: &Address, _: &Context) -> OpenedHook {
        let Some(workflow) = Workflow::parse(address.rest()) else {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use the hook `{address}`"),
                "it names no workflow and the branch or tag that it runs at",
                format!(
                    "write `{kind}:OWNER/REPO/WORKFLOW.yml@REF`, such as `{kind}:acme/site/deploy.yml@main`, with inputs \
                     as `{kind}:acme/site/deploy.yml@main?environment=prod`",
                    kind = address.kind(),
                ),
            ));
        };
        Ok(Arc::new(Dispatch { service: self, address: address.clone(), workflow }))
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.search_all(search).await
    }
}
