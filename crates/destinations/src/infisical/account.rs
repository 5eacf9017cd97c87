//! Who we are to Infisical: a token, or a login that gives one.

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Infisical, URL};
use crate::{
    error::error,
    http::Request,
    service::{Token, elsewhere, over_at, read_text},
};

/// Where Kubernetes puts a pod's token.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const CLIENT_ID: &str = "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID";
const CLIENT_SECRET: &str = "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    access_token: Zeroizing<String>,
    expires_in: i64,
}

impl Infisical {
    /// A token, as the settings say, else the environment.
    pub(super) async fn log_in(&self) -> Result<Token, DestinationError> {
        let settings = self.config.settings();
        if let Some(reference) = settings.secret("token") {
            return Ok((self.remote.secret(&reference).await?, None));
        }
        if let (Some(id), Some(secret)) = (settings.text("client_id"), settings.secret("client_secret")) {
            return self.universal(id, &self.remote.secret(&secret).await?).await;
        }
        if let (Some(identity), Some(kind)) = (settings.text("identity"), settings.text("login")) {
            return self.by_jwt(identity, kind).await;
        }
        let outside = &self.remote.outside;
        let token = outside.variable("INFISICAL_TOKEN");
        let identity = outside.variable(CLIENT_ID).zip(outside.variable(CLIENT_SECRET));
        let some = token.is_some() || identity.is_some();
        let elsewhere = some.then(|| elsewhere(&self.config, &**outside, Some(URL))).flatten();
        match (token, identity) {
            (Some(token), _) if elsewhere.is_none() => Ok((token, None)),
            (_, Some((id, secret))) if elsewhere.is_none() => self.universal(id.expose(), &secret).await,
            _ => {
                let mut failure = error(
                    Kind::Denied,
                    format!("cannot log in at {}", self.remote.label()),
                    "there is neither a token nor a machine identity",
                    format!(
                        "give `client_id` and `client_secret` in [service.{}]; or set INFISICAL_TOKEN, or {CLIENT_ID} and {CLIENT_SECRET}, and INFISICAL_API_URL",
                        self.config.name()
                    ),
                );
                failure.report.because.extend(elsewhere);
                Err(failure)
            }
        }
    }

    async fn universal(&self, id: &str, secret: &Secret) -> Result<Token, DestinationError> {
        let body = json!({"clientId": id, "clientSecret": secret.expose()});
        self.session_by("universal-auth", &body).await
    }

    async fn by_jwt(&self, identity: &str, kind: &str) -> Result<Token, DestinationError> {
        let what = format!("cannot log in at {}", self.remote.label());
        let given = self.config.settings().text("jwt_file");
        let Some(path) = given.or_else(|| (kind == "kubernetes").then_some(POD_TOKEN)) else {
            let mend = format!("give `jwt_file` in [service.{}]", self.config.name());
            return Err(error(Kind::Denied, what, "nothing says where the signed token is", mend));
        };
        let Some(jwt) = read_text(path, what.clone()).await? else {
            return Err(error(
                Kind::NotFound,
                what,
                format!("`{path}` is not there"),
                "give the token's path as `jwt_file`",
            ));
        };
        let body = json!({"identityId": identity, "jwt": jwt.as_str()});
        self.session_by(&format!("{kind}-auth"), &body).await
    }

    async fn session_by(&self, way: &str, body: &serde_json::Value) -> Result<Token, DestinationError> {
        let url = self.url(&["v1", "auth", way, "login"], &[])?;
        let request = Request::new(Method::POST, url, "log in", format!("{way} of the machine identity"));
        // A login changes nothing.
        let answer = self.remote.send(&request.repeatable().json(body)?).await?.ok()?;
        let session: Session = answer.json()?;
        if session.access_token.is_empty() {
            return Err(answer.misshapen("a login without a token"));
        }
        let until = over_at(self.remote.outside.clock().now(), session.expires_in);
        Ok((Secret::new(session.access_token.as_str()), Some(until)))
    }
}
