//! Calls: namespace, token, and what a refusal means.

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use reqwest::Method;
use serde::Deserialize;
use url::Url;

use super::Vault;
use crate::{
    http::{Answer, Request},
    service::{base_url, below},
};

#[derive(Deserialize)]
struct Seal {
    sealed: bool,
}

impl Vault {
    /// A call of `path` below `/v1/`; each of its names is encoded. One that ends in `/` is a folder.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        purpose: impl Into<String>,
        need: impl Into<String>,
    ) -> Result<Request, DestinationError> {
        let request =
            Request::new(method, self.url(path)?, purpose, need).header("x-vault-request", "true")?;
        in_namespace(request, self.config.settings().text("namespace"))
    }

    /// A call in the namespace that is logged in at.
    pub(super) fn at_login(&self, mut request: Request) -> Result<Request, DestinationError> {
        let Some(namespace) = self.config.settings().text("auth_namespace") else { return Ok(request) };
        request.headers.remove("x-vault-namespace");
        in_namespace(request, Some(namespace))
    }

    fn url(&self, path: &str) -> Result<Url, DestinationError> {
        let path: Vec<&str> = std::iter::once("v1").chain(path.split('/')).collect();
        Ok(below(base_url(&self.config, &self.remote, None)?, &path, &[]))
    }

    /// A capability on a path, as policies name it.
    pub(super) fn on(&self, capability: &str, path: &str) -> String {
        match self.config.settings().text("namespace") {
            Some(namespace) => format!("{capability} on `{path}` in namespace `{namespace}`"),
            None => format!("{capability} on `{path}`"),
        }
    }

    /// Sends with a token. One that has ended is followed by another, where another can be had; a 403 that comes back
    /// is one of the policies.
    pub(super) async fn send(&self, request: &Request) -> Result<Answer, DestinationError> {
        let token = self.token().await?;
        let answer = self.send_as(request, &token).await?;
        if answer.status != 403 || self.holds(&token).await? {
            return Ok(answer);
        }
        self.logged_in.forget(&token).await;
        let fresh = self.token().await?;
        if fresh != token {
            return self.send_as(request, &fresh).await;
        }
        Err(answer.error(
            Kind::Denied,
            format!(
                "it answered 403, and so it did when it was asked what the token is: the token has ended or is none, \
                 or {} is missing",
                request.need
            ),
            format!("see `{} token lookup`, and give a token that holds, with {}", self.command(), request.need),
        ))
    }

    /// The same, where a 403 is looked into by the caller.
    pub(super) async fn send_plainly(&self, request: &Request) -> Result<Answer, DestinationError> {
        self.send_as(request, &self.token().await?).await
    }

    /// Whether a token is one.
    async fn holds(&self, token: &Secret) -> Result<bool, DestinationError> {
        let purpose = "ask what the token is";
        let request = self.request(Method::GET, "auth/token/lookup-self", purpose, "the policy `default`")?;
        Ok(self.send_as(&self.at_login(request)?, token).await?.is_ok())
    }

    async fn send_as(&self, request: &Request, token: &Secret) -> Result<Answer, DestinationError> {
        self.carry_out(&request.clone().secret_header("x-vault-token", "", token)?).await
    }

    /// Sends as it is; failures say whether it is sealed.
    pub(super) async fn carry_out(&self, request: &Request) -> Result<Answer, DestinationError> {
        match self.remote.send(request).await {
            Err(failure) if failure.kind == Kind::Failed && self.is_sealed().await => {
                let mut failure = failure;
                failure.report.because.push("it is sealed".to_owned());
                failure.report.mend = vec![format!("unseal it: `{} operator unseal`", self.command())];
                Err(failure)
            }
            Ok(answer) => match answer.status {
                472 => Err(self.elsewhere(&answer, "a secondary for disaster recovery")),
                473 => Err(self.elsewhere(&answer, "a standby")),
                _ => Ok(answer),
            },
            failed => failed,
        }
    }

    fn elsewhere(&self, answer: &Answer, what: &str) -> DestinationError {
        answer.error(
            Kind::Failed,
            format!("it answered {}: it is {what}, and does not serve this", answer.status),
            format!(
                "give the address of the active node or of the cluster as `url` of [service.{}]",
                self.config.name()
            ),
        )
    }

    async fn is_sealed(&self) -> bool {
        let Ok(url) = self.url("sys/seal-status") else { return false };
        let request = Request::get(url, "ask whether it is sealed", "nothing");
        let Ok(answer) = self.remote.send(&request).await else { return false };
        answer.is_ok() && answer.json().is_ok_and(|Seal { sealed }| sealed)
    }
}

fn in_namespace(request: Request, namespace: Option<&str>) -> Result<Request, DestinationError> {
    match namespace.map(|name| name.trim_matches('/')) {
        Some("") | None => Ok(request),
        Some(name) => request.header("x-vault-namespace", name),
    }
}
