//! One call of a service of AWS: JSON 1.1 over POST, signed.

use std::time::Duration;

use model::{DestinationError, Timestamp};
use reqwest::Method;
use serde_json::Value;

use super::{
    Aws, Keys,
    refusal::{Sort, accepted, code, refused, sort},
    sign::{Scope, sign},
};
use crate::http::{Answer, Request};

const MEDIA: &str = "application/x-amz-json-1.1";
const TRIES: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(300);

/// What is asked for.
pub(super) struct Call<'a> {
    /// Such as `GetSecretValue`.
    pub(super) action: &'static str,
    pub(super) body: Value,
    /// Follows "cannot".
    pub(super) purpose: String,
    /// On what it must be allowed.
    pub(super) on: &'a str,
    /// That of the address, if it says one.
    pub(super) region: Option<&'a str>,
    /// Whether twice is as good as once.
    pub(super) repeatable: bool,
}

/// Adds a field to a body.
pub(super) fn set(body: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}

/// What came back, and what it would have needed.
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// Empty where it went well.
    pub(super) code: String,
    need: String,
    at: Timestamp,
}

impl Reply {
    /// The answer if it went well.
    pub(super) fn ok(self) -> Result<Answer, DestinationError> {
        accepted(self.answer, &self.need, self.at)
    }

    /// What it means that it did not.
    pub(super) fn refused(&self) -> DestinationError {
        refused(&self.answer, &self.need, self.at)
    }

    /// Whether a permission is missing.
    pub(super) fn is_denied(&self) -> bool {
        sort(&self.code) == Sort::Permission
    }
}

impl Aws {
    /// Calls; once more with fresh credentials, where these have ended, and after a while, where AWS asks for one.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Reply, DestinationError> {
        let (mut wait, mut fresh) = (FIRST_WAIT, false);
        let mut keys = self.keys().await?;
        let mut tried = 1;
        loop {
            let reply = self.send(call, &keys).await?;
            match sort(&reply.code) {
                Sort::Login if !fresh => {
                    fresh = true;
                    self.keys.forget(&keys).await;
                    let found = self.keys().await?;
                    if found == keys {
                        return Ok(reply);
                    }
                    keys = found;
                }
                Sort::Throttled if tried < TRIES => {
                    tried += 1;
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                _ => return Ok(reply),
            }
        }
    }

    async fn send(&self, call: &Call<'_>, keys: &Keys) -> Result<Reply, DestinationError> {
        let region = match call.region {
            Some(region) => region,
            None => self.region().await?,
        };
        let need = format!("{}:{} on {}", self.wire.service, call.action, call.on);
        let url = self.url(region).await?;
        let request = Request::new(Method::POST, url, &call.purpose, &need)
            .json_as(MEDIA, &call.body)?
            .header("x-amz-target", &format!("{}.{}", self.wire.target, call.action))?;
        let request = if call.repeatable { request.repeatable() } else { request };
        let now = self.remote.outside.clock().now();
        let request = sign(request, keys, &Scope { region, service: self.wire.service, now })?;
        let answer = self.remote.send(&request).await?;
        Ok(Reply { code: code(&answer), answer, need, at: now })
    }
}
