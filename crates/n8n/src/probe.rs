//! What an instance says before anybody logs in: that it is there, and what time it thinks it is.

use std::time::Duration;

use model::{IssuerError, Timestamp};
use reqwest::header::DATE;
use tokio::time::Instant;

use crate::call::{BodyRule, Call};
use crate::client::N8nClient;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// HTTP status of `GET /healthz`.
    pub status: u16,
    /// What its clock showed, to the second, if it says so.
    pub date: Option<Timestamp>,
    /// How long the answer took.
    pub took: Duration,
}

impl N8nClient {
    /// Asks without a session. TLS is checked on the way.
    pub async fn probe(&self) -> Result<Probe, IssuerError> {
        let call = Call { body_rule: BodyRule::Start, ..Call::get("/healthz", "see whether it is there") };
        let asked = Instant::now();
        let answer = self.http.ask(&call).await?;
        let date = answer.headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(read_date);
        Ok(Probe { status: answer.status.as_u16(), date, took: asked.elapsed() })
    }
}

fn read_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        let at = read_date("Tue, 24 Nov 2026 23:59:23 GMT");
        assert_eq!(at, Some("2026-11-24T23:59:23Z".parse().unwrap()));
        for bad in ["", "soon", "Tue, 31 Feb 2026 23:59:23 GMT"] {
            assert_eq!(read_date(bad), None, "{bad}");
        }
    }
}
