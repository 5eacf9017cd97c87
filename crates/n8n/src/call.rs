//! One call and its answer, as values.

use std::time::Duration;

use model::{IssuerError, IssuerErrorKind as Kind, SignedDuration};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use zeroize::Zeroizing;

use crate::report::error;

/// Most answers are small.
pub(crate) const SMALL_BYTES: usize = 1 << 20;
/// Settings and what a key may do.
pub(crate) const MEDIUM_BYTES: usize = 16 << 20;
/// Lists of keys.
pub(crate) const LIST_BYTES: usize = 32 << 20;
/// One call: what is sent, and what is taken as an answer.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path under the base URL, with its query.
    pub(crate) path: String,
    /// What it is for, in words that follow "cannot".
    pub(crate) purpose: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
    pub(crate) max_bytes: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) body_rule: BodyRule,
}

/// What becomes of the body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyRule {
    /// Read; longer than `max_bytes` is an error.
    Whole,
    /// Read up to `max_bytes`; the rest is dropped.
    Start,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>, purpose: &'static str) -> Self {
        Self {
            method,
            path: path.into(),
            purpose,
            headers: HeaderMap::new(),
            body: None,
            max_bytes: SMALL_BYTES,
            timeout: None,
            body_rule: BodyRule::Whole,
        }
    }

    pub(crate) fn get(path: impl Into<String>, purpose: &'static str) -> Self {
        Self::new(Method::GET, path, purpose)
    }

    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Result<Self, IssuerError> {
        let body = serde_json::to_vec(body).map_err(|_unserialisable| {
            error(Kind::Bug, format!("cannot write the body of `{}`", self.path))
        })?;
        self.body = Some(Zeroizing::new(body));
        Ok(self)
    }

    pub(crate) fn up_to(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Method and path without its query, for reports and proofs.
    pub(crate) fn name(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

/// What came back: status, headers, and a body within its bound.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// Whether it says that it is JSON.
    pub(crate) fn is_json(&self) -> bool {
        let media = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media == "application/json" || media.ends_with("+json")
    }

    /// The body as a value, if it is JSON of that shape.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        self.is_json().then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// n8n's `message`, to be compared with texts that are known; never shown.
    pub(crate) fn message(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Message {
            message: String,
        }
        self.parse::<Message>().map(|answer| answer.message)
    }

    /// How long n8n asks to wait, within reason.
    pub(crate) fn retry_after(&self) -> Option<SignedDuration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        let seconds: i64 = text.trim().parse().ok()?;
        (0..=86_400).contains(&seconds).then(|| SignedDuration::from_secs(seconds))
    }
}
