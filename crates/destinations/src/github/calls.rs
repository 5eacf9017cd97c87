//! How GitHub is asked, and what its answers mean.

use model::{DestinationError, DestinationErrorKind as Kind, Secret, SignedDuration, Timestamp};
use reqwest::header::{HeaderValue, RETRY_AFTER};
use url::Url;

use super::GitHub;
use crate::{
    http::{Answer, Request},
    service::{base_url, below, login},
};

const URL: &str = "https://api.github.com";
const VERSION: &str = "2022-11-28";

impl GitHub {
    /// The URL of a path, whose segments are encoded here.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, DestinationError> {
        let base = base_url(&self.config, &self.remote, Some(URL))?;
        Ok(below(base, path, query))
    }

    /// A question.
    pub(super) async fn ask(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        purpose: impl Into<String>,
        need: impl Into<String>,
    ) -> Result<Answer, DestinationError> {
        self.send(Request::get(self.url(path, query)?, purpose, need)).await
    }

    /// Sends with the login; a token that has ended meanwhile is fetched anew.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        let request = Self::worded(request)?;
        let token = self.token().await?;
        let answer = self.remote.send(&request.clone().bearer(&token)?).await?;
        match &self.app {
            Some(app) if answer.status == 401 => {
                app.forget(&token).await;
                self.remote.send(&request.bearer(&self.token().await?)?).await
            }
            _ => Ok(answer),
        }
    }

    /// The headers that GitHub wants.
    pub(super) fn worded(mut request: Request) -> Result<Request, DestinationError> {
        request.understand = understand;
        request.header("accept", "application/vnd.github+json")?.header("x-github-api-version", VERSION)
    }

    async fn token(&self) -> Result<Secret, DestinationError> {
        if let Some(app) = &self.app {
            return app.token(self).await;
        }
        login(&self.config, &self.remote, "token", Some(URL)).await
    }
}

/// Limits of the rate are told by a 403 too, and when they end by a time.
fn understand(answer: &mut Answer, now: Timestamp) {
    if !matches!(answer.status, 403 | 429) {
        return;
    }
    let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let used_up = number("x-ratelimit-remaining") == Some(0);
    if answer.headers.contains_key(RETRY_AFTER) {
        answer.status = 429;
    } else if used_up || answer.status == 429 {
        answer.status = 429;
        if let Some(end) = number("x-ratelimit-reset").filter(|_| used_up) {
            let wait = end.saturating_sub(now.as_second()).max(1);
            answer.headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        } else {
            // Of secondary limits that say nothing, the documentation asks for a minute.
            answer.headers.insert(RETRY_AFTER, HeaderValue::from(60));
        }
    }
}

/// What a refused answer means, in GitHub's own words where it has some.
pub(super) fn refusal(answer: &Answer) -> DestinationError {
    let said = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    if answer.status != 403 {
        return answer.refusal();
    }
    if said("x-github-sso").is_some() {
        return answer.error(
            Kind::Denied,
            "the organisation wants single sign-on, and that authorisation of the token is missing",
            "authorise the token for the organisation: github.com/settings/tokens, `Configure SSO`",
        );
    }
    match said("x-accepted-github-permissions") {
        Some(accepted) if !accepted.is_empty() => {
            let accepted = transport::shown(accepted, 200);
            answer.error(
                Kind::Denied,
                format!("it answered 403: the permission `{accepted}` is missing"),
                format!("give the token or the App `{accepted}` (`;` stands for or), and see that its owner may do it"),
            )
        }
        _ => answer.refusal(),
    }
}

/// The answer if it is what was asked for.
pub(super) fn ok(answer: Answer) -> Result<Answer, DestinationError> {
    if answer.is_ok() { Ok(answer) } else { Err(refusal(&answer)) }
}

/// When GitHub says that it answered.
pub(super) fn answered_at(answer: &Answer) -> Option<Timestamp> {
    let text = answer.headers.get("date")?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// How far two clocks of GitHub may be apart.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(60);
