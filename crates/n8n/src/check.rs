//! Whether an instance is fit to be worked with, asked at most every half minute.

use std::sync::Mutex;
use std::time::Duration;

use model::{Capabilities, IssuerError, IssuerErrorKind as Kind};
use reqwest::StatusCode;
use tokio::time::Instant;

use crate::call::Call;
use crate::client::N8nClient;
use crate::coalesce::Coalesced;
use crate::report::Explain as _;

/// How long a good check counts.
const GOOD_FOR: Duration = Duration::from_secs(30);

pub(crate) struct Checked {
    shared: Coalesced<Result<(), IssuerError>>,
    good_since: Mutex<Option<Instant>>,
}

impl Checked {
    pub(crate) fn new() -> Self {
        Self { shared: Coalesced::new(), good_since: Mutex::new(None) }
    }

    /// The last good check, if it is fresh, or a new one shared by all who wait.
    pub(crate) async fn check(
        &self,
        client: &N8nClient,
        capabilities: &Capabilities,
    ) -> Result<(), IssuerError> {
        if self.is_fresh() {
            return Ok(());
        }
        self.shared
            .run(|| async {
                // Those who queued behind a good one need no other.
                if self.is_fresh() {
                    return Ok(());
                }
                let began = Instant::now();
                client.is_ready().await?;
                client.user().await?;
                client.made_up_key_is_refused(capabilities).await?;
                *self.good_since.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(began);
                Ok(())
            })
            .await
    }

    fn is_fresh(&self) -> bool {
        let good_since = *self.good_since.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        good_since.is_some_and(|since| since.elapsed() < GOOD_FOR)
    }
}

impl N8nClient {
    /// What [`model::Issuer::check`] looks at, but for the session.
    pub async fn check_from_outside(&self, capabilities: &Capabilities) -> Result<(), IssuerError> {
        self.is_ready().await?;
        self.made_up_key_is_refused(capabilities).await
    }

    /// That the instance says it is ready, or is too old to say.
    async fn is_ready(&self) -> Result<(), IssuerError> {
        let call = Call::get("/healthz/readiness", "see whether all is ready");
        let answer = self.http.ask(&call).await?;
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE => Err(self
                .http
                .error(Kind::Failed, &call)
                .because(format!("{}: it says that it is not ready", call.name()))
                .mend("see n8n's own log; its database may be away")),
            // Proxies often hide it; the calls that follow tell more.
            _ => Ok(()),
        }
    }
}
