//! One instance as an admin sees it.

use std::sync::Arc;

use model::{Clock, Ids, InstanceName, IssuerError, SessionKeeper, Timestamp};

use crate::api::PublicApi;
use crate::base_url::BaseUrl;
use crate::http::{Http, Timeouts};
use crate::session::SessionState;
use transport::Transport;

/// What a client needs to know of its instance.
pub struct ClientConfig {
    /// How it is called here.
    pub name: InstanceName,
    /// Where it is.
    pub base_url: BaseUrl,
    /// How it is reached.
    pub transport: Transport,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// Tells the time: for second factors and the end of sessions.
    pub clock: Arc<dyn Clock>,
    /// Randomness: for browser ids and made-up keys.
    pub ids: Arc<dyn Ids>,
}

/// A client of one instance. It shares one session and one set of connections among all its users.
pub struct N8nClient {
    pub(crate) http: Http,
    pub(crate) instance: InstanceName,
    pub(crate) keeper: Arc<dyn SessionKeeper>,
    pub(crate) session: SessionState,
    pub(crate) ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
}

impl N8nClient {
    /// A client; nothing is sent yet.
    pub fn new(config: ClientConfig, keeper: Arc<dyn SessionKeeper>) -> Result<Self, IssuerError> {
        let http = Http::new(config.name.as_str(), config.base_url, config.timeouts, &config.transport)?;
        Ok(Self {
            http,
            instance: config.name,
            keeper,
            session: SessionState::default(),
            ids: config.ids,
            clock: config.clock,
        })
    }

    /// The base URL it talks to.
    pub fn base_url(&self) -> &BaseUrl {
        &self.http.base
    }

    /// The public API of the same instance with a key, over the same connections.
    pub fn public_api(&self, key: model::Secret) -> PublicApi {
        PublicApi::over(self.http.clone(), key)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A random UUID, as browsers send.
    pub(crate) fn browser_id(&self) -> String {
        let mut hex = format!("{:032x}", self.ids.random());
        // Version 4, variant 1.
        hex.replace_range(12..13, "4");
        hex.replace_range(16..17, "a");
        for at in [20, 16, 12, 8] {
            hex.insert(at, '-');
        }
        hex
    }

    /// A key that nobody ever made.
    pub(crate) fn made_up_key(&self) -> model::Secret {
        model::Secret::new(format!("n8n_api_{:032x}{:032x}{:016x}", self.ids.random(), self.ids.random(), 0))
    }
}
