//! A person in n8n's settings: makes and deletes keys with a session that Keywright does not have.

use std::sync::Arc;

use model::{Issuer as _, NewKey, Scope, Timestamp};
use n8n::testing::{MemoryKeeper, RandomIds, WallClock};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, N8nClient, N8nIssuer, Timeouts};

/// The hand of one user.
pub(crate) struct Hand(N8nIssuer);

impl Hand {
    pub(crate) fn of(issuer: N8nIssuer) -> Self {
        Self(issuer)
    }

    /// Logs in.
    pub(crate) async fn login(url: &str, keeper: MemoryKeeper) -> N8nIssuer {
        let config = ClientConfig {
            name: "hand".parse().unwrap(),
            base_url: BaseUrl::parse(url, InsecureHttp::Refused).unwrap(),
            timeouts: Timeouts::default(),
            transport: n8n::Transport::default(),
            clock: Arc::new(WallClock),
            ids: Arc::new(RandomIds),
        };
        let client = Arc::new(N8nClient::new(config, Arc::new(keeper)).unwrap());
        let learned = client.learn().await.unwrap();
        N8nIssuer::new(client, learned.capabilities)
    }

    /// Makes a key as it is asked for on a screen; gives its text.
    pub(crate) async fn makes(&self, asked: &Asked) -> String {
        // Where they mean nothing, n8n's page lets nobody choose, and gives some.
        let some = || self.0.capabilities().available_scopes.iter().take(1).cloned().collect();
        let chosen: Vec<Scope> = asked.scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let new = NewKey {
            label: asked.label.clone(),
            scopes: if chosen.is_empty() { some() } else { chosen },
            expires_at: asked.ends,
        };
        self.0.create(&new).await.unwrap().secret.expose().to_owned()
    }

    /// Deletes the key with this label; where there is one key only, that.
    pub(crate) async fn deletes(&self, label: &str) {
        let keys = self.0.list().await.unwrap();
        let one = keys.iter().find(|key| key.label == label || keys.len() == 1).expect("it is listed");
        self.0.delete(&one.native_id).await.unwrap();
    }
}

/// What the screen asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) label: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) ends: Option<Timestamp>,
}

impl Asked {
    /// Reads it off a screen, styles and all.
    pub(crate) fn read(screen: &str) -> Self {
        let plain = plain(screen);
        let after = |word: &str| {
            let line = plain.lines().map(str::trim).find_map(|line| line.strip_prefix(word));
            line.map(|rest| rest.trim().to_owned())
        };
        let ends = after("Expiration").and_then(|text| text.strip_prefix("Custom, ").map(str::to_owned));
        Self {
            label: after("Label").unwrap_or_default(),
            scopes: after("Scopes").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            // As n8n's calendar gives it: the day's begin, some hours west of Greenwich.
            ends: ends.map(|day| format!("{day}T08:00:00Z").parse().unwrap()),
        }
    }
}

/// A screen's text without its styles.
pub(crate) fn plain(screen: &str) -> String {
    let mut parts = screen.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    parts.fold(first.to_owned(), |plain, part| plain + part.split_once('m').map_or("", |(_, text)| text))
}
