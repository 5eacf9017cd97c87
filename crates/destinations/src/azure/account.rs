//! Who we are to Azure: an application with a secret, a workload's token, or the machine's own identity.

use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};
use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::KeyVault;
use crate::{
    error::error,
    http::{Answer, Request},
    service::{Token, below, over_at, read_text, url_fault},
};

const AUTHORITY: &str = "https://login.microsoftonline.com";
const METADATA: &str = "http://169.254.169.254";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl KeyVault {
    fn denied(&self, because: impl Into<String>, mend: impl Into<String>) -> DestinationError {
        error(Kind::Denied, format!("cannot log in at {}", self.remote.label()), because, mend)
    }

    /// A setting, else the variable.
    fn given(&self, setting: &str, variable: &str) -> Option<String> {
        let text = self.config.settings().text(setting).map(str::to_owned);
        text.or_else(|| self.remote.outside.variable(variable).map(|text| text.expose().to_owned()))
    }

    fn needed(&self, setting: &str, variable: &str) -> Result<String, DestinationError> {
        self.given(setting, variable).ok_or_else(|| {
            let mend = format!("give `{setting}` in [service.{}], or set {variable}", self.config.name());
            self.denied(format!("there is no `{setting}`"), mend)
        })
    }

    /// A token, as the settings say, else the environment, else the machine.
    pub(super) async fn log_in(&self) -> Result<Token, DestinationError> {
        let (settings, outside) = (self.config.settings(), &self.remote.outside);
        if let Some(reference) = settings.secret("client_secret") {
            return self.by_secret(&self.remote.secret(&reference).await?).await;
        }
        if let Some(path) = settings.text("federated_token_file") {
            return self.by_workload(path).await;
        }
        if !settings.flag("managed_identity") {
            if let Some(secret) = outside.variable("AZURE_CLIENT_SECRET") {
                return self.by_secret(&secret).await;
            }
            if outside.variable("AZURE_CLIENT_CERTIFICATE_PATH").is_some() {
                return Err(self.denied(
                    "AZURE_CLIENT_CERTIFICATE_PATH is set, and a login by certificate is not supported",
                    "log in by client secret, workload identity or managed identity instead",
                ));
            }
            if let Some(path) = outside.variable("AZURE_FEDERATED_TOKEN_FILE") {
                return self.by_workload(path.expose()).await;
            }
        }
        self.by_machine().await
    }

    async fn by_secret(&self, secret: &Secret) -> Result<Token, DestinationError> {
        self.by_application(&[("client_secret", secret.expose())]).await
    }

    async fn by_workload(&self, path: &str) -> Result<Token, DestinationError> {
        let what = format!("cannot log in at {}", self.remote.label());
        let Some(token) = read_text(path, what.clone()).await? else {
            let because = format!("the workload identity's token `{path}` is not there");
            return Err(error(
                Kind::NotFound,
                what,
                because,
                "see whether the pod has the label `azure.workload.identity/use`",
            ));
        };
        self.by_application(&[("client_assertion_type", ASSERTION), ("client_assertion", &token)]).await
    }

    async fn by_application(&self, proof: &[(&str, &str)]) -> Result<Token, DestinationError> {
        let (tenant, client) =
            (self.needed("tenant_id", "AZURE_TENANT_ID")?, self.needed("client_id", "AZURE_CLIENT_ID")?);
        let authority = self.given("authority", "AZURE_AUTHORITY_HOST");
        let authority = authority.as_deref().unwrap_or(AUTHORITY);
        let plain = self.config.settings().flag("dangerous_plain_http");
        let Some(base) = Url::parse(authority).ok().filter(|_| url_fault(authority, plain).is_none()) else {
            return Err(self.denied("the `authority` is no https URL", format!("such as `{AUTHORITY}`")));
        };
        let scope = format!("{}/.default", self.resource());
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", &client), ("scope", &scope)];
        form.extend(proof);
        let url = below(base, &[&tenant, "oauth2", "v2.0", "token"], &[]);
        let request = Request::new(Method::POST, url, "log in", "an application that may log in");
        let answer = self.remote.send(&request.repeatable().form(&form)).await?;
        self.token(&answer, "see `tenant_id`, `client_id`, and whether the client secret has expired or the federated credential fits")
    }

    /// By what the machine has: App Service and Container Apps tell where by variables, virtual machines have one place.
    async fn by_machine(&self) -> Result<Token, DestinationError> {
        let outside = &self.remote.outside;
        let client = self.given("client_id", "AZURE_CLIENT_ID");
        let resource = self.resource();
        let mut query = vec![("resource", resource.as_str())];
        query.extend(client.as_ref().map(|client| ("client_id", client.as_str())));
        let (purpose, need) = ("get the managed identity's token", "a managed identity");
        let request = match (outside.variable("IDENTITY_ENDPOINT"), outside.variable("IDENTITY_HEADER")) {
            (Some(endpoint), Some(header)) => {
                query.push(("api-version", "2019-08-01"));
                let url = self.machine_url(endpoint.expose(), &[], &query)?;
                Request::get(url, purpose, need).secret_header("x-identity-header", "", &header)?
            }
            (Some(_), None) => {
                return Err(self.denied(
                    "IDENTITY_ENDPOINT is set without IDENTITY_HEADER, as Azure Arc does, which is not supported",
                    "log in by client secret or workload identity instead",
                ));
            }
            _ => {
                query.push(("api-version", "2018-02-01"));
                let host = outside.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
                let host = host.as_ref().map_or(METADATA, Secret::expose);
                let url = self.machine_url(host, &["metadata", "identity", "oauth2", "token"], &query)?;
                Request::get(url, purpose, need).header("metadata", "true")?
            }
        };
        let mend = "give the machine a managed identity, or log in otherwise: `client_secret`, `federated_token_file`";
        match self.local.send(&request).await {
            Ok(answer) => self.token(&answer, mend),
            Err(mut failure) => {
                failure.report.mend.push(mend.to_owned());
                Err(failure)
            }
        }
    }

    /// Only what is beside this machine is asked in the clear.
    fn machine_url(
        &self,
        text: &str,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, DestinationError> {
        let beside = |url: &Url| match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local(),
            Some(url::Host::Domain(name)) => name == "localhost",
            _ => false,
        };
        match Url::parse(text) {
            Ok(url) if url.scheme() == "https" || url.scheme() == "http" && beside(&url) => {
                Ok(if segments.is_empty() && query.is_empty() { url } else { below(url, segments, query) })
            }
            _ => Err(self.denied(
                "the place that gives the managed identity's token is not beside this machine",
                "see IDENTITY_ENDPOINT and AZURE_POD_IDENTITY_AUTHORITY_HOST",
            )),
        }
    }

    fn token(&self, answer: &Answer, mend: &str) -> Result<Token, DestinationError> {
        if matches!(answer.status, 400..=404) {
            return Err(answer.error(Kind::Denied, "the login was refused", mend));
        }
        if !answer.is_ok() {
            return Err(answer.refusal());
        }
        let body: Value = answer.json()?;
        let Some(token) = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty())
        else {
            return Err(answer.misshapen("a login without a token"));
        };
        let now = self.remote.outside.clock().now();
        Ok((Secret::new(token), Some(ends(&body, now))))
    }
}

/// When a token ends; what is written as a number here is written as a text there.
fn ends(body: &Value, now: Timestamp) -> Timestamp {
    let number = |member: &str| {
        let value = body.get(member)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    match (number("expires_in"), number("expires_on")) {
        (Some(seconds), _) => over_at(now, seconds),
        (None, Some(at)) => Timestamp::from_second(at).unwrap_or(now),
        (None, None) => now,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_is_read_in_every_form() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let check = |body: Value, wanted: i64| assert_eq!(ends(&body, now).as_second(), wanted, "{body}");
        check(json!({"expires_in": 3599}), 1_003_599);
        check(json!({"expires_in": "3599", "expires_on": "5"}), 1_003_599);
        check(json!({"expires_on": "1586984735"}), 1_586_984_735);
        check(json!({"expires_in": true}), 1_000_000);
    }
}
