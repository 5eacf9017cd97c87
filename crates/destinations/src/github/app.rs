//! A GitHub App as a login: a token of its own signs for a token of one installation, which lives for an hour.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use model::{DestinationError, DestinationErrorKind as Kind, Secret, SecretRef, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::GitHub;
use crate::{
    error::error,
    http::Request,
    jwt,
    service::{Cached, Settings},
};

/// A token of the App itself lives no longer than ten minutes; clocks may differ.
const LIFE_SECS: i64 = 540;
const SKEW_SECS: i64 = 60;

pub(super) struct App {
    id: String,
    installation: String,
    key: SecretRef,
    token: Cached,
    /// What the last token may do, such as `secrets` to `write`.
    permissions: Mutex<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Issued {
    token: Zeroizing<String>,
    expires_at: Timestamp,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

impl App {
    /// The App that the settings name, if they do.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        Some(Self {
            id: settings.text("app_id")?.to_owned(),
            installation: settings.text("installation_id")?.to_owned(),
            key: settings.secret("private_key")?,
            token: Cached::default(),
            permissions: Mutex::default(),
        })
    }

    /// A token of the installation.
    pub(super) async fn token(&self, github: &GitHub) -> Result<Secret, DestinationError> {
        let clock = github.remote.outside.clock();
        let issue = async {
            let key = github.remote.secret(&self.key).await?;
            let own = signed(&self.id, &key, clock.now()).map_err(|because| {
                error(
                    Kind::Denied,
                    format!("cannot log in at {}", github.remote.label()),
                    format!("the `private_key` {because}"),
                    "give the private key that was made in the App's settings, the whole PEM file",
                )
            })?;
            let url = github.url(&["app", "installations", &self.installation, "access_tokens"], &[])?;
            let need = "the App's own private key, and its installation at the owner";
            let request = Request::new(Method::POST, url, "log in as the App", need).repeatable();
            let answer = github.remote.send(&GitHub::worded(request)?.bearer(&own)?).await?.ok()?;
            let issued: Issued = answer.json()?;
            *self.permissions.lock().unwrap_or_else(PoisonError::into_inner) = issued.permissions;
            Ok((Secret::new(issued.token.as_str()), Some(issued.expires_at)))
        };
        self.token.get(&*clock, issue).await
    }

    pub(super) async fn forget(&self, refused: &Secret) {
        self.token.forget(refused).await;
    }

    /// Whether the last token may write what that permission is about.
    pub(super) fn may_write(&self, permission: &str) -> bool {
        let permissions = self.permissions.lock().unwrap_or_else(PoisonError::into_inner);
        permissions.get(permission).is_some_and(|level| matches!(level.as_str(), "write" | "admin"))
    }
}

/// A token by which the App says who it is.
fn signed(id: &str, key: &Secret, now: Timestamp) -> Result<Secret, &'static str> {
    let (from, until) = (now.as_second() - SKEW_SECS, now.as_second() + LIFE_SECS);
    let claims = json!({"iat": from, "exp": until, "iss": id});
    jwt::signed(&json!({"alg": "RS256", "typ": "JWT"}), &claims, key)
}
