//! What an instance's public API can do, as the instance tells it.

use model::{IssuerError, Scope};
use reqwest::StatusCode;

use super::{PublicApi, openapi};
use crate::call::{Call, MEDIUM_BYTES};
use crate::wire::{AtMost, Data, WireScopes};

const PREFIX: &str = "/api/v1";
/// More operations than this has no version.
pub(super) const MAX_ROUTES: usize = 5000;

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Such as `GET`.
    pub method: String,
    /// Under `/api/v1`, such as `/workflows/{id}`.
    pub path: String,
    /// What a key needs for it.
    pub scopes: RequiredScopes,
}

/// What a key needs for an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequiredScopes {
    /// The instance does not tell.
    NotTold,
    /// All of these; none if empty.
    All(Vec<Scope>),
}

/// The operations that an instance has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

/// What a key may do, as the instance tells the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The key's scopes.
    pub scopes: Vec<Scope>,
    /// The operations that are open to it.
    pub routes: Routes,
}

impl Routes {
    pub(super) fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// All of them.
    pub fn all(&self) -> &[Route] {
        &self.0
    }

    /// The one that a method and a path under `/api/v1` lead to; a literal segment wins over a placeholder.
    pub fn find(&self, method: &str, path: &str) -> Option<&Route> {
        let fitting = self.0.iter().filter(|route| route.method == method && fits(&route.path, path));
        fitting.min_by_key(|route| route.path.matches('{').count())
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

impl PublicApi {
    /// What the key may do; `None` where keys cannot ask (1.x).
    pub async fn discover(&self) -> Result<Option<Discovery>, IssuerError> {
        let call = Call::get("/api/v1/discover", "ask what a key may do").up_to(MEDIUM_BYTES);
        let call = self.signed(call)?;
        let answer = self.http.ask(&call).await?;
        match answer.status {
            StatusCode::NOT_FOUND if answer.message().is_some() => Ok(None),
            StatusCode::OK => {
                let found: Option<Data<WireDiscovery>> = answer.parse();
                let found = found.and_then(|found| found.data.discovery());
                found.map(Some).ok_or_else(|| self.http.misshapen(&call, &answer))
            }
            _ => Err(self.refusal(&call, &answer)),
        }
    }

    /// The operations that the instance has, each with the scopes it needs, as its own description tells them;
    /// `None` if it does not tell. It needs no key and is sent none.
    pub async fn openapi(&self) -> Result<Option<Routes>, IssuerError> {
        let call = Call::get("/api/v1/openapi.yml", "read what its public API can do").up_to(MEDIUM_BYTES);
        let answer = self.http.ask(&call).await?;
        match answer.status.as_u16() {
            200 => openapi::routes(&answer.body).map(Some).ok_or_else(|| self.http.misshapen(&call, &answer)),
            // Where n8n is installed under a folder whose name begins with a dot, it cannot send its own file.
            404 | 500 => Ok(None),
            _ => Err(self.refusal(&call, &answer)),
        }
    }
}

#[derive(serde::Deserialize)]
struct WireDiscovery {
    scopes: WireScopes,
    #[serde(default)]
    resources: std::collections::BTreeMap<String, WireResource>,
}

#[derive(serde::Deserialize)]
struct WireResource {
    endpoints: AtMost<MAX_ROUTES, WireEndpoint>,
}

#[derive(serde::Deserialize)]
struct WireEndpoint {
    method: String,
    path: String,
}

impl WireDiscovery {
    fn discovery(self) -> Option<Discovery> {
        let scopes = self.scopes.0.iter().map(|scope| scope.parse()).collect::<Result<_, _>>().ok()?;
        let endpoints = self.resources.into_values().flat_map(|resource| resource.endpoints.0);
        let routes = endpoints.take(MAX_ROUTES).map(|WireEndpoint { method, path }| {
            let path = path.strip_prefix(PREFIX)?.to_owned();
            is_route(&method, &path).then_some(Route { method, path, scopes: RequiredScopes::NotTold })
        });
        Some(Discovery { scopes, routes: Routes(routes.collect::<Option<_>>()?) })
    }
}

/// Whether it can be an operation's.
pub(super) fn is_route(method: &str, path: &str) -> bool {
    matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE")
        && path.starts_with('/')
        && path.len() <= 256
        && path.bytes().all(|b| b.is_ascii_graphic())
}
