//! `doppler:PROJECT/CONFIG#NAME`: one secret of a Doppler config.
//!
//! The lock is `originalValue`: a change is refused where the secret is not what it was.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Held, Secret};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, json};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    Context,
    error::error,
    http::{Remote, Request},
    kinds::Opened,
    search::Search,
    service::{Form, Outside, Service, ServiceConfig, ServiceKind, Setting, base_url, below, login, setting},
    slot::{Slot, Slotted},
};

const URL: &str = "https://api.doppler.com";
/// Configs of one page.
const PAGE: usize = 100;

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "doppler",
    title: "Doppler",
    example: "doppler:backups/prd#N8N_API_KEY",
    form: "PROJECT/CONFIG#NAME",
    summary: "one secret of a Doppler config",
    settings: SETTINGS,
    sets: &[],
    either: &[],
    environment: &[("DOPPLER_TOKEN", "token"), ("DOPPLER_API_HOST", "url")],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://api.doppler.com\"", "Doppler's own", "where its API is"),
    setting("token", Form::Secret, "\"sealed:doppler\"", "`DOPPLER_TOKEN`", "a service token of the config with write access, or a service account's token"),
];

#[expect(clippy::unnecessary_wraps, reason = "other kinds may refuse")]
fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(Doppler { remote: Remote::new(config, outside), config: config.clone() }))
}

struct Doppler {
    remote: Remote,
    config: ServiceConfig,
}

/// A secret's value; `raw` is as it was written, before references to others are filled in. Absent and restricted ones
/// have none.
#[derive(Deserialize)]
struct Value {
    raw: Option<Zeroizing<String>>,
    #[serde(rename = "rawVisibility")]
    visibility: Option<String>,
}

#[derive(Deserialize)]
struct Single {
    value: Value,
}

#[derive(Deserialize)]
struct Many {
    secrets: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Project>,
}

#[derive(Deserialize)]
struct Project {
    slug: String,
}

#[derive(Deserialize)]
struct Configs {
    configs: Vec<Config>,
}

#[derive(Deserialize)]
struct Config {
    name: String,
}

impl Doppler {
    fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<Url, DestinationError> {
        let path: Vec<&str> = std::iter::once("v3").chain(path.split('/')).collect();
        Ok(below(base_url(&self.config, &self.remote, Some(URL))?, &path, query))
    }

    async fn with_token(&self, request: Request) -> Result<Request, DestinationError> {
        let token = login(&self.config, &self.remote, "token", Some(URL)).await?;
        request.bearer(&token)
    }

    async fn ask(
        &self,
        path: &str,
        query: &[(&str, &str)],
        purpose: &str,
    ) -> Result<crate::http::Answer, DestinationError> {
        let request = Request::get(self.url(path, query)?, purpose, "read access to the config");
        self.remote.send(&self.with_token(request).await?).await
    }
}

#[async_trait::async_trait]
impl Service for Doppler {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let parts = address.rest().split_once('#').and_then(|(place, name)| {
            let (project, config) = place.split_once('/')?;
            Some((project, config, name))
        });
        // As Doppler itself names secrets.
        let sound = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        match parts {
            Some((project, config, name))
                if !project.is_empty() && !config.is_empty() && !config.contains('/') && sound(name) =>
            {
                Ok(Arc::new(Slotted(DopplerSecret {
                    service: self,
                    address: address.clone(),
                    project: project.to_owned(),
                    config: config.to_owned(),
                    name: name.to_owned(),
                })))
            }
            _ => Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it is no project, config and name of a secret (capital letters, digits, `_`)",
                format!("write `{}:PROJECT/CONFIG#NAME`, such as `{}`", address.kind(), KIND.example),
            )),
        }
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        let mut page = 1_usize;
        loop {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let (number, size) = (page.to_string(), PAGE.to_string());
            let query = [("page", number.as_str()), ("per_page", size.as_str())];
            let answer = self.ask("projects", &query, "list the projects").await?.ok()?;
            let Projects { projects } = answer.json()?;
            for project in &projects {
                self.search_project(&project.slug, search).await?;
            }
            if projects.len() < PAGE {
                return Ok(());
            }
            page += 1;
        }
    }
}

impl Doppler {
    async fn search_project(&self, project: &str, search: &mut Search) -> Result<(), DestinationError> {
        if search.read() == ControlFlow::Break(()) {
            return Ok(());
        }
        let size = PAGE.to_string();
        let query = [("project", project), ("per_page", size.as_str())];
        let answer = self.ask("configs", &query, &format!("list the configs of `{project}`")).await?.ok()?;
        let Configs { configs } = answer.json()?;
        for config in configs {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let place = format!("{}:{project}/{}", self.config.name(), config.name);
            let query = [("project", project), ("config", config.name.as_str())];
            let answer = self.ask("configs/config/secrets", &query, &format!("read `{place}`")).await?;
            if !answer.is_ok() {
                search.leave_out(answer.refusal().report.line());
                continue;
            }
            let Many { secrets } = answer.json()?;
            for (name, value) in secrets {
                match value.raw {
                    Some(raw) => search.look(&format!("{place}#{name}"), &raw),
                    None => search.look_at_name(&format!("{place}#{name}"), &name),
                }
            }
        }
        Ok(())
    }
}

/// Single secret.
struct DopplerSecret {
    service: Arc<Doppler>,
    address: Address,
    project: String,
    config: String,
    name: String,
}

impl DopplerSecret {
    async fn held(&self) -> Result<Held, DestinationError> {
        let query = [
            ("project", self.project.as_str()),
            ("config", self.config.as_str()),
            ("name", self.name.as_str()),
        ];
        let purpose = format!("read `{}`", self.address);
        let answer = self.service.ask("configs/config/secret", &query, &purpose).await?;
        if answer.status == 404 {
            return self.absent().await;
        }
        let answer = answer.ok()?;
        let Single { value } = answer.json()?;
        match value.raw {
            Some(raw) if raw.is_empty() => Ok(Held::Absent),
            Some(raw) => Ok(Held::Value(Secret::new(raw.as_str()))),
            None if value.visibility.as_deref() == Some("restricted") => Err(answer.error(
                Kind::Denied,
                "it is restricted: it cannot be read back",
                "make it masked, or give another secret",
            )),
            None => Ok(Held::Absent),
        }
    }

    /// Not there is one thing, a config that is not there is another.
    async fn absent(&self) -> Result<Held, DestinationError> {
        let query = [("project", self.project.as_str()), ("config", self.config.as_str())];
        let purpose = format!("find the config of `{}`", self.address);
        self.service.ask("configs/config", &query, &purpose).await?.ok()?;
        Ok(Held::Absent)
    }
}

#[async_trait::async_trait]
impl Slot for DopplerSecret {
    type Seen = Held;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Held), DestinationError> {
        let held = self.held().await?;
        Ok((held.clone(), held))
    }

    async fn put(&self, seen: &Held, value: Option<&Secret>) -> Result<(), DestinationError> {
        let mut change = Map::new();
        change.insert("name".into(), json!(self.name));
        change.insert("value".into(), json!(value.map(Secret::expose)));
        if let Held::Value(former) = seen {
            change.insert("originalName".into(), json!(self.name));
            change.insert("originalValue".into(), json!(former.expose()));
        }
        if value.is_none() {
            change.insert("shouldDelete".into(), json!(true));
        }
        let body = json!({"project": self.project, "config": self.config, "change_requests": [change]});
        let url = self.service.url("configs/config/secrets", &[])?;
        let purpose = format!("write `{}`", self.address);
        let request = Request::new(Method::POST, url, purpose, "write access to the config").json(&body)?;
        let answer = self.service.remote.send(&self.service.with_token(request).await?).await?;
        // What a changed secret is answered with is not documented: look whether it changed.
        if matches!(answer.status, 400 | 409 | 422) && self.held().await? != *seen {
            return Err(answer.error(
                Kind::Changed,
                "somebody changed it meanwhile; nothing was written",
                "try again",
            ));
        }
        answer.ok().map(drop)
    }

    async fn may_put(&self, _: &Held) -> Result<(), DestinationError> {
        // Doppler does not tell what a token may write.
        Ok(())
    }
}
