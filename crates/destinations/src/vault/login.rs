//! Ways to a token.

use model::{DestinationError, DestinationErrorKind as Kind, Secret, SecretRef};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::Vault;
use crate::{
    error::error,
    http::Answer,
    service::{ServiceConfig, Token, elsewhere, over_at, read_text},
};

/// Where a pod's token is.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// How it is logged in.
pub(super) enum Way {
    /// A token that is given.
    Token(SecretRef),
    /// A token in a file, renewed by another program.
    File(String),
    /// By role and secret id.
    AppRole { role: String, secret: SecretRef },
    /// By a service account's token.
    Kubernetes { role: String, file: String },
    /// As the service's own command does.
    Environment,
}

#[derive(Deserialize)]
struct LoggedIn {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Zeroizing<String>,
    /// Seconds; 0 is for ever.
    lease_duration: i64,
}

impl Way {
    /// What the settings say. Which of them stand together was checked.
    pub(super) fn of(config: &ServiceConfig) -> Result<Self, DestinationError> {
        let settings = config.settings();
        let text = |name: &str| settings.text(name).map(str::to_owned);
        let way = match (text("role_id"), settings.secret("secret_id"), text("kubernetes_role")) {
            (Some(role), Some(secret), _) => return Ok(Self::AppRole { role, secret }),
            (_, _, Some(role)) => {
                let file = text("kubernetes_token_file").unwrap_or_else(|| POD_TOKEN.to_owned());
                return Ok(Self::Kubernetes { role, file });
            }
            _ => match (settings.secret("token"), text("token_file")) {
                (Some(token), _) => Self::Token(token),
                (None, Some(file)) => Self::File(file),
                (None, None) => Self::Environment,
            },
        };
        // They would be passed over.
        for alone in ["kubernetes_token_file", "auth_mount", "auth_namespace"] {
            if settings.text(alone).is_some() {
                return Err(error(
                    Kind::BadAddress,
                    format!("cannot use {}", config.label()),
                    format!("`{alone}` in [service.{}] stands without what to log in by", config.name()),
                    "give `role_id` and `secret_id`, or `kubernetes_role`; or take it out",
                ));
            }
        }
        Ok(way)
    }
}

impl Vault {
    /// The token to call with.
    pub(super) async fn token(&self) -> Result<Secret, DestinationError> {
        match &self.way {
            Way::Token(reference) => self.remote.secret(reference).await,
            Way::File(file) => match self.token_in(file).await? {
                Some(token) => Ok(token),
                None => Err(self.tokenless(format!("`{file}` is not there, or empty"))),
            },
            Way::AppRole { .. } | Way::Kubernetes { .. } => {
                let clock = self.remote.outside.clock();
                self.logged_in.get(&*clock, self.log_in()).await
            }
            Way::Environment => {
                let Some(token) = self.token_of_environment().await? else {
                    return Err(self.tokenless("there is no `token`"));
                };
                match elsewhere(&self.config, &*self.remote.outside, None) {
                    None => Ok(token),
                    Some(elsewhere) => {
                        let mut failure = self.tokenless("there is no `token`");
                        failure.report.because.push(elsewhere);
                        Err(failure)
                    }
                }
            }
        }
    }

    async fn token_of_environment(&self) -> Result<Option<Secret>, DestinationError> {
        let outside = &self.remote.outside;
        if let Some((_, token)) = self.config.said_by(&**outside, "token") {
            return Ok(Some(token));
        }
        match outside.variable("HOME") {
            Some(home) => self.token_in(&format!("{}/.vault-token", home.expose())).await,
            None => Ok(None),
        }
    }

    async fn token_in(&self, file: &str) -> Result<Option<Secret>, DestinationError> {
        let text = read_text(file, format!("cannot log in at {}", self.remote.label())).await?;
        Ok(text.filter(|text| !text.is_empty()).map(|text| Secret::new(text.as_str())))
    }

    fn tokenless(&self, because: impl Into<String>) -> DestinationError {
        let name = self.config.name();
        let variable = |setting| self.config.variables(setting).next().unwrap_or("its variable");
        let (url, token) = (variable("url"), variable("token"));
        error(
            Kind::Denied,
            format!("cannot log in at {}", self.remote.label()),
            because,
            format!(
                "keywright secret set NAME, and `token = \"sealed:NAME\"` in [service.{name}]; or set {url} and {token}"
            ),
        )
    }

    /// Logs in. What is sent and what comes back are secrets.
    async fn log_in(&self) -> Result<Token, DestinationError> {
        let settings = self.config.settings();
        let (mount, purpose, body) = match &self.way {
            Way::AppRole { role, secret } => {
                let secret = self.remote.secret(secret).await?;
                ("approle", "log in by AppRole", json!({"role_id": role, "secret_id": secret.expose()}))
            }
            Way::Kubernetes { role, file } => {
                let Some(token) = self.token_in(file).await? else {
                    return Err(self.tokenless(format!("`{file}` is not there, or empty")));
                };
                ("kubernetes", "log in by Kubernetes", json!({"role": role, "jwt": token.expose()}))
            }
            Way::Token(_) | Way::File(_) | Way::Environment => {
                return Err(self.tokenless("there is nothing to log in by"));
            }
        };
        let mount = settings.text("auth_mount").unwrap_or(mount).trim_matches('/');
        let path = format!("auth/{mount}/login");
        let need = format!("a login that `{path}` takes");
        let request = self.request(Method::POST, &path, purpose, need)?.json(&body)?;
        let request = self.at_login(request)?;
        let now = self.remote.outside.clock().now();
        let answer = self.carry_out(&request).await?;
        let LoggedIn { auth } = self.accepted(answer, mount)?.json()?;
        let until = (auth.lease_duration > 0).then(|| over_at(now, auth.lease_duration));
        Ok((Secret::new(auth.client_token.as_str()), until))
    }

    fn accepted(&self, answer: Answer, mount: &str) -> Result<Answer, DestinationError> {
        let (what, mend) = match &self.way {
            Way::AppRole { .. } => (
                "the role id or the secret id",
                format!(
                    "make a new secret id: `{} write -f auth/{mount}/role/ROLE/secret-id`",
                    self.command()
                ),
            ),
            _ => (
                "the role or the service account's token",
                format!(
                    "see `{} read auth/{mount}/role/ROLE`: accounts, namespaces and audience",
                    self.command()
                ),
            ),
        };
        match answer.status {
            400 | 401 | 403 => Err(answer.error(
                Kind::Denied,
                format!("it answered {}: it does not accept {what}, or they have ended", answer.status),
                mend,
            )),
            _ => answer.ok(),
        }
    }

    /// The command line of its people.
    pub(super) fn command(&self) -> &'static str {
        if self.config.kind().name == "openbao" { "bao" } else { "vault" }
    }
}
