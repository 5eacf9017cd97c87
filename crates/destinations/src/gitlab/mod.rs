//! `gitlab:GROUP/PROJECT#KEY`, `gitlab:GROUP/PROJECT@SCOPE#KEY`, and for a group `gitlab:GROUP/#KEY`: one CI/CD variable of
//! GitLab.
//!
//! There is no lock: of two writers at once the later one wins.

mod address;
mod search;
mod variable;

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
use address::Place;
use variable::Variable;

const URL: &str = "https://gitlab.com";

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "gitlab",
    title: "GitLab",
    example: "gitlab:acme/site#N8N_API_KEY",
    form: "GROUP/PROJECT#KEY, GROUP/PROJECT@SCOPE#KEY or GROUP/#KEY",
    summary: "one CI/CD variable of a GitLab project or group, in one environment scope",
    settings: SETTINGS,
    sets: &[],
    either: &[],
    environment: &[("GITLAB_TOKEN", "token"), ("GITLAB_HOST", "url")],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://gitlab.example.com\"", "GitLab.com", "where it is, without `/api/v4`"),
    setting("token", Form::Secret, "\"sealed:gitlab\"", "`GITLAB_TOKEN`", "a project, group or personal access token with the scope `api`, of a maintainer (groups: an owner)"),
];

#[expect(clippy::unnecessary_wraps, reason = "as every kind is opened")]
fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(GitLab { remote: Remote::new(config, outside), config: config.clone() }))
}

struct GitLab {
    remote: Remote,
    config: ServiceConfig,
}

impl GitLab {
    /// The URL of a path, whose segments are encoded here.
    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, DestinationError> {
        let base = base_url(&self.config, &self.remote, Some(URL))?;
        let path: Vec<&str> = ["api", "v4"].iter().chain(path).copied().collect();
        Ok(below(base, &path, query))
    }

    async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        let token = login(&self.config, &self.remote, "token", Some(URL)).await?;
        self.remote.send(&request.secret_header("private-token", "", &token)?).await
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
}

#[async_trait::async_trait]
impl Service for GitLab {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let Some(place) = Place::parse(address.rest()) else {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it names no variable of a project or group; a variable's key has letters, digits and `_`",
                format!(
                    "write `{kind}:GROUP/PROJECT#KEY`, `{kind}:GROUP/PROJECT@SCOPE#KEY`, or for a group `{kind}:GROUP/#KEY`, \
                     such as `{}`",
                    KIND.example,
                    kind = address.kind(),
                ),
            ));
        };
        Ok(Arc::new(Slotted(Variable { service: self, address: address.clone(), place })))
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.search_all(search).await
    }
}
