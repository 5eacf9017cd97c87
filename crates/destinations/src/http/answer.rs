//! One answer, and what it means where its service says nothing special.

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use model::{Blame, DestinationError, DestinationErrorKind as Kind, Retry, SignedDuration};

use crate::error::error;

/// What came back; its body is never quoted.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// ``cannot read `secret/n8n` at Vault `corp` ``
    pub(super) what: String,
    pub(super) need: String,
    /// Scheme, host and port.
    pub(super) origin: String,
}

impl Answer {
    /// Whether it is what was asked for.
    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Itself if the status says success, else the error that the status means anywhere.
    pub(crate) fn ok(self) -> Result<Self, DestinationError> {
        if self.is_ok() { Ok(self) } else { Err(self.refusal()) }
    }

    /// The body as JSON of that shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, DestinationError> {
        // What serde would say may quote a value.
        serde_json::from_slice(&self.body)
            .map_err(|_not_quoted| self.misshapen("JSON of another shape than documented"))
    }

    /// An error of this call.
    pub(crate) fn error(
        &self,
        kind: Kind,
        because: impl Into<String>,
        mend: impl Into<String>,
    ) -> DestinationError {
        error(kind, self.what.clone(), because, mend)
    }

    /// An answer that no such service gives.
    pub(crate) fn misshapen(&self, because: &str) -> DestinationError {
        let media = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
        let media = transport::shown(media, 60);
        let mut failure = self.error(
            Kind::Failed,
            format!("`{}` answered {} with `{media}`: {because}", self.origin, self.status),
            "see whether its address is right, and whether something stands in between",
        );
        (failure.report.blame, failure.report.retry) = (Blame::Hostile, Retry::Later(None));
        failure
    }

    /// What its status means.
    pub(crate) fn refusal(&self) -> DestinationError {
        let status = self.status;
        let said = format!("`{}` answered {status}", self.origin);
        match status {
            401 => self.error(
                Kind::Denied,
                format!("{said}: it does not accept the credentials, or they have ended"),
                format!("give credentials that hold; they need {}", self.need),
            ),
            403 => self.error(
                Kind::Denied,
                format!("{said}: {} is missing", self.need),
                format!("give its credentials {}", self.need),
            ),
            404 | 410 => self.error(
                Kind::NotFound,
                format!("{said}: it is not there, or may not be seen"),
                format!("see whether it is written right, and whether the credentials have {}", self.need),
            ),
            407 => self.error(Kind::Denied, "the proxy wants a login", transport::PROXY_LOGIN),
            409 | 412 => self.error(
                Kind::Changed,
                format!("{said}: somebody changed it meanwhile; nothing was written"),
                "try again",
            ),
            429 => {
                let mut failure = self.error(
                    Kind::Throttled,
                    format!("{said}: it asks to wait"),
                    "wait; or let fewer integrations be turned at once",
                );
                failure.report.retry = Retry::Later(self.retry_after());
                failure
            }
            500..=599 => self.error(Kind::Failed, said, "see the service's own status and log"),
            _ => {
                let mut failure = self.error(
                    Kind::Failed,
                    format!("{said}, which is not expected"),
                    "see the service's log",
                );
                failure.report.retry = Retry::AfterFix;
                failure
            }
        }
    }

    /// How long it asks to wait; at most an hour.
    pub(crate) fn retry_after(&self) -> Option<SignedDuration> {
        let seconds: i64 = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        (seconds >= 0).then(|| SignedDuration::from_secs(seconds.min(3600)))
    }
}
