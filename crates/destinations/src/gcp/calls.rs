//! Calls of Secret Manager, and what it answers with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{DestinationError, DestinationErrorKind as Kind};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::{SecretManager, crc32c::crc32c};
use crate::{
    http::{Answer, Request},
    service::{base_url, below},
};

/// A version's text.
pub(super) struct Payload {
    pub(super) number: u64,
    pub(super) text: Zeroizing<String>,
}

/// A version, as lists have it.
#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) name: String,
    #[serde(default)]
    pub(super) etag: Option<String>,
}

#[derive(Deserialize)]
struct Accessed {
    name: String,
    payload: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    data: Zeroizing<String>,
    #[serde(default)]
    data_crc32c: Option<String>,
}

impl Version {
    /// Its number.
    pub(super) fn number(&self) -> Option<u64> {
        number(&self.name)
    }
}

fn number(name: &str) -> Option<u64> {
    name.rsplit_once("/versions/")?.1.parse().ok()
}

/// The word for what is refused, such as `FAILED_PRECONDITION`.
pub(super) fn status_word(answer: &Answer) -> Option<String> {
    let body: Value = answer.json().ok()?;
    Some(body.get("error")?.get("status")?.as_str()?.to_owned())
}

/// The reason among the details, such as `SERVICE_DISABLED`.
fn reason(answer: &Answer) -> Option<String> {
    let body: Value = answer.json().ok()?;
    let details = body.get("error")?.get("details")?.as_array()?;
    Some(details.iter().find_map(|detail| detail.get("reason"))?.as_str()?.to_owned())
}

/// What is sent as a new version's payload.
pub(super) fn payload(text: &str) -> Value {
    json!({"payload": {"data": STANDARD.encode(text), "dataCrc32c": crc32c(text.as_bytes()).to_string()}})
}

/// What a version holds. A payload that is no text holds no key.
pub(super) fn accessed(answer: &Answer) -> Result<Payload, DestinationError> {
    let Accessed { name, payload } = answer.json()?;
    let Some(number) = number(&name) else { return Err(answer.misshapen("a version without a number")) };
    let bytes = STANDARD.decode(payload.data.as_bytes()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_not_quoted| answer.misshapen("a payload that is not base64"))?;
    if payload.data_crc32c.is_some_and(|sum| sum != crc32c(&bytes).to_string()) {
        return Err(answer.misshapen("a payload that is not what its checksum says"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Payload { number, text: Zeroizing::new(text.to_owned()) }),
        Err(_not_quoted) => Err(answer.error(
            Kind::Malformed,
            "the secret holds bytes that are no text",
            "give a secret that holds text, or a new one",
        )),
    }
}

impl SecretManager {
    /// Below the project, and the location if there is one.
    pub(super) fn url(
        &self,
        project: &str,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, DestinationError> {
        let location = self.config.settings().text("location");
        let default = location.map_or_else(
            || "https://secretmanager.googleapis.com".to_owned(),
            |location| format!("https://secretmanager.{location}.rep.googleapis.com"),
        );
        let base = base_url(&self.config, &self.remote, Some(&default))?;
        let mut base = below(base, &["v1", "projects", project], &[]);
        if let Some(location) = location {
            base = below(base, &["locations", location], &[]);
        }
        Ok(below(base, segments, query))
    }

    pub(super) async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        let request = match self.config.settings().text("quota_project") {
            Some(project) => request.header("x-goog-user-project", project)?,
            None => request,
        };
        let answer = self.session.send(&self.remote, request, || self.log_in()).await?;
        if answer.status == 403 && reason(&answer).as_deref() == Some("SERVICE_DISABLED") {
            return Err(answer.error(
                Kind::Denied,
                "the project does not use Secret Manager yet",
                "gcloud services enable secretmanager.googleapis.com --project PROJECT; a person's own login also needs `quota_project`",
            ));
        }
        Ok(answer)
    }

    pub(super) async fn ask(&self, url: Url, purpose: &str, need: &str) -> Result<Answer, DestinationError> {
        self.send(Request::get(url, purpose, need)).await
    }

    pub(super) async fn post(
        &self,
        url: Url,
        body: &Value,
        purpose: &str,
        need: &str,
    ) -> Result<Answer, DestinationError> {
        self.send(Request::new(Method::POST, url, purpose, need).json(body)?).await
    }
}
