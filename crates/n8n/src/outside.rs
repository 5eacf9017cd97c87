//! What can be learned of an instance where no session can be had: which routes it guards, and what it tells to
//! everybody. Asking makes and kills no key.

use model::{Capabilities, IssuerError, IssuerErrorKind as Kind, KeyModel, Scope, ScopeSupport};
use reqwest::Method;

use crate::api::RequiredScopes;
use crate::call::{Call, MEDIUM_BYTES};
use crate::capabilities::{WireSettings, scope_support};
use crate::client::N8nClient;
use crate::keys::{KEYS, ONLY};
use crate::report::{Explain as _, shown};
use crate::wire::Data;

const DOING: &str = "learn what it can do";

/// What an instance is, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromOutside {
    /// n8n's version, where it tells everybody (1.72 and before).
    pub version: Option<String>,
    /// What it can do. Without a session nobody knows which scopes a user may give: `available_scopes` has those
    /// that the public API names, and is empty where it names none.
    pub capabilities: Capabilities,
}

impl N8nClient {
    /// Asks the instance what it can do, without a session.
    pub async fn learn_from_outside(&self) -> Result<FromOutside, IssuerError> {
        let discover = self.has_discover().await?;
        // Keys that can ask for their scopes came long after several keys and an expiry. What stands in front of
        // such an instance often lets nobody but browsers reach anything but the public API.
        let (keys, expiry) = if discover { (KeyModel::Many, true) } else { self.guarded_key_model().await? };
        let settings = self.settings_for_all().await;
        let version = settings
            .as_ref()
            .and_then(|settings| settings.version_cli.as_deref())
            .filter(|version| !version.is_empty())
            .map(|version| shown(version, 40));
        let licensed = settings.and_then(|settings| settings.enterprise?.api_key_scopes);
        let available_scopes = if expiry { self.described_scopes().await } else { Vec::new() };
        let scopes = match (expiry, available_scopes.is_empty()) {
            (false, _) => ScopeSupport::Absent,
            // Only versions that enforce scopes describe which ones a call needs.
            (true, false) => ScopeSupport::Enforced,
            (true, true) => scope_support(discover, licensed, version.as_deref()),
        };
        Ok(FromOutside {
            version,
            capabilities: Capabilities { keys, scopes, expiry, discover, available_scopes },
        })
    }

    /// What has to be known of a host to use a key there, and no more: two calls at most, without a session. Keys are
    /// neither made nor deleted with it.
    pub async fn learn_use_of_keys(&self) -> Result<Capabilities, IssuerError> {
        let discover = self.has_discover().await?;
        let scopes = if discover { ScopeSupport::Enforced } else { ScopeSupport::StoredOnly };
        let (keys, available_scopes) = (KeyModel::Many, Vec::new());
        Ok(Capabilities { keys, scopes, expiry: false, discover, available_scopes })
    }

    /// How many keys a user has, and whether they have scopes and an expiry, by the routes that want a session.
    async fn guarded_key_model(&self) -> Result<(KeyModel, bool), IssuerError> {
        if self.is_guarded(Method::GET, "/rest/keywright-asks").await? {
            return Err(self
                .http
                .error(Kind::Unsupported, &Call::get(KEYS, DOING))
                .because("something in front of it answers 401 to every call under `/rest/`")
                .mend("let calls under `/rest/` from this host through to n8n")
                .mend(
                    "update n8n: where keys can ask for their own scopes, nothing under `/rest/` is needed",
                ));
        }
        if self.is_guarded(Method::GET, &format!("{KEYS}/scopes")).await? {
            return Ok((KeyModel::Many, true));
        }
        if self.is_guarded(Method::PATCH, &format!("{KEYS}/keywright-asks")).await? {
            return Ok((KeyModel::Many, false));
        }
        if self.is_guarded(Method::GET, KEYS).await? {
            return Ok((KeyModel::OneRefused, false));
        }
        if self.is_guarded(Method::GET, ONLY).await? {
            return Ok((KeyModel::OneOverwritten, false));
        }
        Err(self.api_off(&Call::get(KEYS, DOING)))
    }

    /// Whether there is such a route, and nobody may use it without a session.
    async fn is_guarded(&self, method: Method, path: &str) -> Result<bool, IssuerError> {
        let call = Call::new(method, path, DOING);
        let answer = self.http.ask(&call).await?;
        match answer.status.as_u16() {
            401 => Ok(true),
            404 | 405 => Ok(false),
            // The editor's page.
            200 if !answer.is_json() => Ok(false),
            _ => Err(self.http.refused(&call, &answer)),
        }
    }

    /// The settings as everybody gets them; nothing stands on them.
    async fn settings_for_all(&self) -> Option<WireSettings> {
        let call = Call::get("/rest/settings", DOING).up_to(MEDIUM_BYTES);
        let settings: Data<WireSettings> = self.http.ask(&call).await.ok()?.parse()?;
        Some(settings.data)
    }

    /// The scopes that the instance's own description of its public API names.
    async fn described_scopes(&self) -> Vec<Scope> {
        let described = self.public_api(self.made_up_key()).openapi().await;
        let Ok(Some(routes)) = described else { return Vec::new() };
        let mut scopes: Vec<Scope> = routes
            .all()
            .iter()
            .flat_map(|route| match &route.scopes {
                RequiredScopes::All(scopes) => scopes.clone(),
                RequiredScopes::NotTold => Vec::new(),
            })
            .collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }
}
