//! Calls to one cluster's API, with a login that is fetched once and anew when it ends.

use std::{path::PathBuf, sync::Arc};

use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};
use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::{
    exec::Credentials,
    way::{self, Login, SERVICE_ACCOUNT, Way},
};
use crate::{
    error::error,
    http::{Answer, Remote, Request},
    service::{Cached, Outside, ServiceConfig, Token, below, over_at, read_text},
};

/// How long a token from a file is used before the file is read again.
const REREAD_SECONDS: i64 = 60;

/// One cluster.
pub(super) struct Cluster {
    pub(super) config: ServiceConfig,
    pub(super) outside: Arc<dyn Outside>,
    account: PathBuf,
    connected: Cached<Connected>,
}

/// A cluster as it is reached now.
struct Connection {
    remote: Remote,
    url: Url,
    token: Option<Secret>,
    namespace: Option<String>,
}

/// A connection, the same as itself alone.
#[derive(Clone)]
struct Connected(Arc<Connection>);

impl PartialEq for Connected {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// One call of the API.
pub(super) struct Call<'c> {
    method: Method,
    path: &'c [&'c str],
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, &'c Value)>,
    purpose: String,
    need: String,
    max_bytes: Option<usize>,
}

impl<'c> Call<'c> {
    /// A question. `need` names verb and resource, as a role has them.
    pub(super) fn get(path: &'c [&'c str], purpose: String, need: String) -> Self {
        let method = Method::GET;
        Self { method, path, query: Vec::new(), body: None, purpose, need, max_bytes: None }
    }

    /// Makes a new object, in our name.
    pub(super) fn post(path: &'c [&'c str], body: &'c Value, purpose: String, need: String) -> Self {
        Self { method: Method::POST, ..Self::patch(path, "application/json", body, purpose, need) }
    }

    /// A change, as a patch of that media type, in our name.
    pub(super) fn patch(
        path: &'c [&'c str],
        media: &'static str,
        body: &'c Value,
        purpose: String,
        need: String,
    ) -> Self {
        let query = vec![("fieldManager", super::MANAGER.to_owned())];
        Self { method: Method::PATCH, path, query, body: Some((media, body)), purpose, need, max_bytes: None }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn up_to(mut self, max_bytes: usize) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }
}

impl Cluster {
    pub(super) fn new(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Self {
        Self {
            config: config.clone(),
            outside: Arc::clone(outside),
            account: PathBuf::from(SERVICE_ACCOUNT),
            connected: Cached::default(),
        }
    }

    /// The namespace of the context, or of the pod.
    pub(super) async fn namespace(&self) -> Result<Option<String>, DestinationError> {
        Ok(self.connection().await?.0.namespace.clone())
    }

    /// Sends a call; where the login has ended, once more with another.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Answer, DestinationError> {
        let connection = self.connection().await?;
        let answer = connection.0.send(call).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // Refused before anything was done.
        self.connected.forget(&connection).await;
        self.connection().await?.0.send(call).await
    }

    async fn connection(&self) -> Result<Connected, DestinationError> {
        let clock = self.outside.clock();
        self.connected.get(&*clock, self.connect(clock.now())).await
    }

    async fn connect(&self, now: Timestamp) -> Result<Token<Connected>, DestinationError> {
        let Way { url, mut transport, login, namespace } =
            way::find(&self.config, &*self.outside, &self.account).await?;
        let Credentials { token, identity, until } = match login {
            Login::Nothing => Credentials::default(),
            Login::Token(token) => Credentials { token: Some(token), ..Credentials::default() },
            Login::TokenFile(path) => Credentials {
                token: Some(self.token(&path.display().to_string()).await?),
                identity: None,
                until: Some(over_at(now, REREAD_SECONDS)),
            },
            Login::Exec(plugin) => plugin.run(&self.config.label(), &*self.outside).await?,
        };
        if identity.is_some() {
            transport.identity = identity;
        }
        let remote = Remote::with_transport(&self.config, &self.outside, transport);
        Ok((Connected(Arc::new(Connection { remote, url, token, namespace })), until))
    }

    async fn token(&self, path: &str) -> Result<Secret, DestinationError> {
        let what = format!("cannot log in at {}", self.config.label());
        let token = read_text(path, what.clone()).await?.ok_or_else(|| {
            let because = format!("its token `{path}` is not there");
            error(Kind::NotFound, what, because, "see whether it is mounted")
        })?;
        Ok(Secret::new(token.as_str()))
    }
}

impl Connection {
    async fn send(&self, call: &Call<'_>) -> Result<Answer, DestinationError> {
        let query: Vec<(&str, &str)> =
            call.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let url = below(self.url.clone(), call.path, &query);
        let mut request = Request::new(call.method.clone(), url, call.purpose.as_str(), call.need.as_str());
        request = request.header("accept", "application/json")?;
        if let Some((media, body)) = call.body {
            request = request.json_as(media, body)?;
        }
        if let Some(max_bytes) = call.max_bytes {
            request = request.up_to(max_bytes);
        }
        if let Some(token) = &self.token {
            request = request.bearer(token)?;
        }
        self.remote.send(&request).await
    }
}
