//! One request, as a value.

use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;
use zeroize::Zeroizing;

use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};

use super::Answer;
use crate::error::error;

/// Longest answer that is read, unless a request says otherwise.
const MAX_BYTES: usize = 4 << 20;

/// What is sent, and what may come back.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// What it is for, in words that follow "cannot", such as ``read `secret/n8n` ``.
    pub(crate) purpose: String,
    /// What it needs to be allowed, in the service's own words; told where it is refused.
    pub(crate) need: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
    pub(crate) max_bytes: usize,
    /// Whether it can be sent again where nobody knows whether it was carried out.
    pub(crate) repeatable: bool,
    /// Says what an answer means as any service would say it, where this one has words of its own, such as a 403 that
    /// asks to wait.
    pub(crate) understand: fn(&mut Answer, Timestamp),
}

impl Request {
    /// A question: it changes nothing and may be asked again.
    pub(crate) fn get(url: Url, purpose: impl Into<String>, need: impl Into<String>) -> Self {
        Self::new(Method::GET, url, purpose, need)
    }

    /// Any request; `GET`, `HEAD` and `LIST` change nothing and may be sent again.
    pub(crate) fn new(method: Method, url: Url, purpose: impl Into<String>, need: impl Into<String>) -> Self {
        let repeatable = matches!(method.as_str(), "GET" | "HEAD" | "LIST");
        Self {
            method,
            url,
            purpose: purpose.into(),
            need: need.into(),
            headers: HeaderMap::new(),
            body: None,
            max_bytes: MAX_BYTES,
            repeatable,
            understand: |_, _| {},
        }
    }

    /// Says that doing it twice is as good as once.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Takes answers up to that size.
    pub(crate) fn up_to(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// A header that holds no secret.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Result<Self, DestinationError> {
        let value = HeaderValue::from_str(value).map_err(|_odd| self.unfit(name))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// A header that holds a secret, after a word such as `Bearer `.
    pub(crate) fn secret_header(
        mut self,
        name: &'static str,
        before: &str,
        secret: &Secret,
    ) -> Result<Self, DestinationError> {
        let text = Zeroizing::new(format!("{before}{}", secret.expose()));
        let mut value = HeaderValue::from_str(&text).map_err(|_odd| self.unfit(name))?;
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// `Authorization: Bearer …`.
    pub(crate) fn bearer(self, token: &Secret) -> Result<Self, DestinationError> {
        self.secret_header(AUTHORIZATION.as_str(), "Bearer ", token)
    }

    /// A body of JSON.
    pub(crate) fn json(self, body: &impl serde::Serialize) -> Result<Self, DestinationError> {
        self.json_as("application/json", body)
    }

    /// A body of JSON by another name.
    pub(crate) fn json_as(
        self,
        media: &'static str,
        body: &impl serde::Serialize,
    ) -> Result<Self, DestinationError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer(&mut *bytes, body).map_err(|_unwritable| self.unfit("content-type"))?;
        Ok(self.body(media, bytes))
    }

    /// A body of bytes.
    pub(crate) fn body(mut self, media: &'static str, bytes: Zeroizing<Vec<u8>>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        self.body = Some(bytes);
        self
    }

    /// A form, as OAuth wants it.
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        // Of a size that does not grow and leave a copy behind.
        let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(4096));
        form.extend_pairs(fields);
        self.body("application/x-www-form-urlencoded", Zeroizing::new(form.finish().into_bytes()))
    }

    fn unfit(&self, header: &str) -> DestinationError {
        error(
            Kind::Denied,
            format!("cannot {}", self.purpose),
            format!("what belongs into its `{header}` has characters that none may have"),
            "see whether the file or variable holds the secret and nothing else",
        )
    }
}
