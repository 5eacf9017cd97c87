//! `infisical:PROJECT-ID/ENVIRONMENT/PATH…#NAME`: one shared secret of Infisical, by its API v4.
//!
//! There is no lock: what was put is looked at again. Comment, tags and personal overrides are not touched.

mod account;
mod search;
mod slot;

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind};
use reqwest::Method;
use url::Url;

use crate::{
    Context,
    error::error,
    http::{Answer, Remote, Request},
    kinds::Opened,
    search::Search,
    service::{
        Cached, Form, Outside, Service, ServiceConfig, ServiceKind, Setting, base_url, below, setting,
    },
    slot::Slotted,
};

const URL: &str = "https://app.infisical.com";
/// All secrets of an environment come at once.
const MAX_LIST_BYTES: usize = 16 << 20;

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "infisical",
    title: "Infisical",
    example: "infisical:7d1b0e3c-5c0e-4a55-9c0a-2f3f0a8d1c11/prod/backups#N8N_API_KEY",
    form: "PROJECT-ID/ENVIRONMENT/PATH…#NAME",
    summary: "one shared secret of an Infisical project",
    settings: SETTINGS,
    sets: &[&["client_id", "client_secret"], &["identity", "login"]],
    either: &[&[&["token"], &["client_id", "client_secret"], &["identity", "login", "jwt_file"]]],
    environment: &[
        ("INFISICAL_API_URL", "url"),
        ("INFISICAL_TOKEN", "token"),
        ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "client_id"),
        ("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "client_secret"),
    ],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://eu.infisical.com\"", "`https://app.infisical.com`", "where it is"),
    setting("client_id", Form::Text, "\"5f0c9e5e-3f0b-4c0c-9a53-6d4f8a9f0b11\"", "the environment's", "a machine identity by Universal Auth, together with `client_secret`"),
    setting("client_secret", Form::Secret, "\"sealed:infisical\"", "the environment's", "where its client secret is"),
    setting("token", Form::Secret, "\"sealed:infisical\"", "`INFISICAL_TOKEN`", "an access token of a machine identity, or a service token"),
    setting("identity", Form::Text, "\"0c6a6a0e-7a35-4f0e-9d0a-0a3d9f1f2b11\"", "none", "the id of a machine identity that logs in by a signed token, together with `login`"),
    setting("login", Form::OneOf(&["kubernetes", "oidc"]), "\"kubernetes\"", "none", "whose token that is: a Kubernetes service account's, or any OpenID provider's"),
    setting("jwt_file", Form::File, "\"/var/run/secrets/tokens/infisical\"", "the pod's, with `login = \"kubernetes\"`", "the file that the token is in; read for each login"),
];

#[expect(clippy::unnecessary_wraps, reason = "other kinds refuse settings that do not fit")]
fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(Infisical {
        remote: Remote::new(config, outside),
        config: config.clone(),
        session: Cached::default(),
    }))
}

struct Infisical {
    remote: Remote,
    config: ServiceConfig,
    session: Cached,
}

impl Infisical {
    fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, DestinationError> {
        let mut base = base_url(&self.config, &self.remote, Some(URL))?;
        // Its own programs take the address with `/api` at the end, and without.
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/api").unwrap_or(path).to_owned();
        base.set_path(&path);
        Ok(below(below(base, &["api"], &[]), segments, query))
    }

    async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        self.session.send(&self.remote, request, || self.log_in()).await
    }

    async fn ask(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        purpose: &str,
        need: &str,
    ) -> Result<Answer, DestinationError> {
        let request = Request::get(self.url(segments, query)?, purpose, need);
        self.send(request.up_to(MAX_LIST_BYTES)).await
    }

    async fn change(
        &self,
        method: Method,
        name: &str,
        body: &serde_json::Value,
        purpose: &str,
        need: &str,
    ) -> Result<Answer, DestinationError> {
        let request = Request::new(method, self.url(&["v4", "secrets", name], &[])?, purpose, need);
        self.send(request.json(body)?).await
    }
}

/// Where a secret is.
struct Place {
    project: String,
    environment: String,
    /// Begins with `/`, and ends with it only if it is nothing else.
    path: String,
    name: String,
}

impl Place {
    fn parse(rest: &str) -> Option<Self> {
        let (place, name) = rest.split_once('#')?;
        let plain = |text: &&str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let mut parts = place.split('/');
        let project = parts.next().filter(plain)?;
        let environment = parts.next().filter(plain)?;
        let folders: Vec<&str> = parts.collect();
        // As Infisical itself names secrets.
        let named = !name.is_empty()
            && !matches!(name, "." | "..")
            && !name.chars().any(|c| c.is_whitespace() || matches!(c, ':' | '/'));
        (named && folders.iter().all(plain)).then(|| Self {
            project: project.to_owned(),
            environment: environment.to_owned(),
            path: format!("/{}", folders.join("/")),
            name: name.to_owned(),
        })
    }
}

#[async_trait::async_trait]
impl Service for Infisical {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        match Place::parse(address.rest()) {
            Some(place) => {
                Ok(Arc::new(Slotted(slot::Shared { service: self, address: address.clone(), place })))
            }
            None => Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it is no project's id, environment, path and name of a secret",
                format!(
                    "write `{}:PROJECT-ID/ENVIRONMENT/PATH#NAME`, such as `{}`",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_strictly() {
        let check = |text: &str, wanted: Option<(&str, &str, &str, &str)>| {
            let place = Place::parse(text);
            let found = place.as_ref().map(|place| {
                (place.project.as_str(), place.environment.as_str(), place.path.as_str(), place.name.as_str())
            });
            assert_eq!(found, wanted, "{text}");
        };
        check("p-1/prod#KEY", Some(("p-1", "prod", "/", "KEY")));
        check("p-1/prod/a/b#KEY", Some(("p-1", "prod", "/a/b", "KEY")));
        for bad in
            ["", "p", "p/e", "p#K", "p/e/#K", "p/e//a#K", "p/e/..#K", "p/e#", "p/e#a b", "p/e#a/b", "p/e#.."]
        {
            check(bad, None);
        }
    }
}
