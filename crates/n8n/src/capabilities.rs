//! What an instance can do, learned by asking it. Asking makes and kills no key.

use model::{Capabilities, IssuerError, IssuerErrorKind as Kind, KeyModel, Scope, ScopeSupport};
use reqwest::{Method, StatusCode};

use crate::call::{Call, LIST_BYTES, MEDIUM_BYTES};
use crate::client::N8nClient;
use crate::keys::{KEYS, ONLY};
use crate::report::{Explain as _, shown};
use crate::wire::{Data, WireScopes};

/// What was learned of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// n8n's version, such as `2.41.1`, if it says so.
    pub version: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Whose session it is.
    pub user: User,
}

/// The user whose session it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// n8n's id of it.
    pub id: String,
    /// Login id.
    pub email: String,
    /// Role, such as `global:owner`.
    pub role: String,
}

impl User {
    /// Whether it sees everybody's keys on versions that show them.
    pub fn is_owner(&self) -> bool {
        matches!(self.role.as_str(), "global:owner" | "owner")
    }
}

#[derive(serde::Deserialize)]
struct WireUser {
    id: String,
    email: String,
    role: WireRole,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum WireRole {
    Name(String),
    Slug { slug: String },
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireSettings {
    #[serde(default)]
    pub(crate) version_cli: Option<String>,
    #[serde(default)]
    public_api: Option<WirePublicApi>,
    #[serde(default)]
    pub(crate) enterprise: Option<WireEnterprise>,
}

#[derive(serde::Deserialize)]
struct WirePublicApi {
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    path: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireEnterprise {
    #[serde(default)]
    pub(crate) api_key_scopes: Option<bool>,
}

impl N8nClient {
    /// Whose session it is.
    pub async fn user(&self) -> Result<User, IssuerError> {
        let call = Call::get("/rest/login", "learn whose session it is");
        let answer = self.session_call(&call).await?;
        let user: Data<WireUser> = self.http.expect(&call, &answer)?;
        let WireUser { id, email, role } = user.data;
        let (WireRole::Name(role) | WireRole::Slug { slug: role }) = role;
        Ok(User { id: shown(&id, 80), email: shown(&email, 320), role: shown(&role, 80) })
    }

    /// Asks the instance what it is and what it can do.
    pub async fn learn(&self) -> Result<Learned, IssuerError> {
        let user = self.user().await?;
        let call = Call::get("/rest/settings", "learn what it can do").up_to(MEDIUM_BYTES);
        let answer = self.session_call(&call).await?;
        let settings: Data<WireSettings> = self.http.expect(&call, &answer)?;
        let settings = settings.data;
        self.public_api_is_on(&call, &settings)?;
        let version = settings.version_cli.filter(|version| !version.is_empty()).map(|v| shown(&v, 40));

        let available_scopes = self.available_scopes().await?;
        let keys = match &available_scopes {
            Some(_) => KeyModel::Many,
            None => self.key_model().await?,
        };
        let discover = self.has_discover().await?;
        let scopes = match &available_scopes {
            None => ScopeSupport::Absent,
            Some(_) => scope_support(
                discover,
                settings.enterprise.and_then(|enterprise| enterprise.api_key_scopes),
                version.as_deref(),
            ),
        };
        // Versions got expiry together with scopes, and it shows nowhere else.
        let expiry = available_scopes.is_some();
        let available_scopes = available_scopes.unwrap_or_default();
        let capabilities = Capabilities { keys, scopes, expiry, discover, available_scopes };
        Ok(Learned { version, capabilities, user })
    }

    fn public_api_is_on(&self, call: &Call, settings: &WireSettings) -> Result<(), IssuerError> {
        let Some(api) = &settings.public_api else { return Ok(()) };
        if api.enabled == Some(false) {
            return Err(self.api_off(call));
        }
        match &api.path {
            Some(path) if path != "api" => Err(self
                .http
                .error(Kind::Unsupported, call)
                .because(format!("its public API is at `{}` instead of `api`", shown(path, 80)))
                .mend("start n8n without `N8N_PUBLIC_API_ENDPOINT`")),
            _ => Ok(()),
        }
    }

    /// The error for an instance whose public API is switched off.
    pub(crate) fn api_off(&self, call: &Call) -> IssuerError {
        self.http
            .error(Kind::Unsupported, call)
            .because("its public API is switched off, or something in front of it hides `/api/v1`")
            .mend("start n8n with `N8N_PUBLIC_API_DISABLED=false`")
            .mend("let the proxy in front of n8n pass `/api/v1`")
    }

    /// The scopes that the user may give to a key; `None` where keys have none.
    async fn available_scopes(&self) -> Result<Option<Vec<Scope>>, IssuerError> {
        let call = Call::get(format!("{KEYS}/scopes"), "learn which scopes there are");
        let answer = self.session_call(&call).await?;
        // A version without this route may answer with the editor's page.
        if answer.status == StatusCode::NOT_FOUND || (answer.status == StatusCode::OK && !answer.is_json()) {
            return Ok(None);
        }
        let names: Data<WireScopes> = self.http.expect(&call, &answer)?;
        // Scopes of a later n8n that are written in another way cannot be given; the others can.
        let mut scopes: Vec<Scope> = names.data.0.iter().filter_map(|name| name.parse().ok()).collect();
        scopes.sort();
        Ok(Some(scopes))
    }

    /// How many keys a user has on a version without scopes.
    async fn key_model(&self) -> Result<KeyModel, IssuerError> {
        let call = Call::get(format!("{KEYS}?take=1"), "learn how it keeps keys").up_to(LIST_BYTES);
        let answer = self.session_call(&call).await?;
        if answer.status == StatusCode::OK && answer.is_json() {
            // Keys got labels that can be changed when there could be more than one of them. The key that this
            // would change does not exist, and the change is empty.
            let call = Call::new(Method::PATCH, format!("{KEYS}/keywright-asks"), "learn how it keeps keys");
            let answer = self.session_call(&call.json(&serde_json::json!({}))?).await?;
            let many = !matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
            return Ok(if many { KeyModel::Many } else { KeyModel::OneRefused });
        }
        let call = Call::get(ONLY, "learn how it keeps keys");
        let answer = self.session_call(&call).await?;
        if answer.status == StatusCode::OK && answer.is_json() {
            return Ok(KeyModel::OneOverwritten);
        }
        Err(self.api_off(&call))
    }
}

/// Whether scopes mean anything.
pub(crate) fn scope_support(discover: bool, licensed: Option<bool>, version: Option<&str>) -> ScopeSupport {
    // 1.x says whether its licence enforces them. 2.x no longer says: it always does, which only the version
    // tells; having `discover`, which shows a key its scopes, comes to the same.
    match licensed {
        Some(true) => ScopeSupport::Enforced,
        Some(false) if !discover => ScopeSupport::StoredOnly,
        _ if discover => ScopeSupport::Enforced,
        _ => {
            let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
            if major.is_some_and(|major| major >= 2) {
                ScopeSupport::Enforced
            } else {
                ScopeSupport::StoredOnly
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_mean_something_where_the_instance_says_so() {
        use ScopeSupport::{Enforced, StoredOnly};
        assert_eq!(scope_support(true, None, Some("2.41.1")), Enforced);
        assert_eq!(scope_support(false, None, Some("2.0.0")), Enforced);
        assert_eq!(scope_support(false, Some(false), Some("1.123.81")), StoredOnly);
        assert_eq!(scope_support(false, Some(true), Some("1.123.81")), Enforced);
        assert_eq!(scope_support(false, None, None), StoredOnly);
    }
}
