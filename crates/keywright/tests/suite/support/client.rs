//! A program that uses its key all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::places::Places;

/// Between two calls.
const PAUSE: Duration = Duration::from_millis(2);
/// A call that Keywright does not make itself, so that no fault meant for it strikes a client.
pub(crate) const CALL: &str = "/api/v1/tags?limit=1";

/// The status of one call with a key; `None` without an answer.
pub(crate) async fn status(http: &reqwest::Client, url: &str, key: &str) -> Option<u16> {
    let sent = http.get(format!("{url}{CALL}")).header("x-n8n-api-key", key).send().await;
    sent.ok().map(|answer| answer.status().as_u16())
}

/// An HTTP client for tests.
pub(crate) fn http() -> reqwest::Client {
    // Another test of this process may have installed it already.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

#[derive(Debug, Default)]
struct Seen {
    calls: AtomicU64,
    stop: AtomicBool,
}

/// Calls with the key of each place in turn, until it is stopped.
pub(crate) struct Client {
    seen: Arc<Seen>,
    task: JoinHandle<Vec<String>>,
}

/// What it saw.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    /// Calls with the key that its place held before and after, and that were refused.
    pub(crate) refused: Vec<String>,
}

impl Client {
    pub(crate) fn start(url: String, places: Places) -> Self {
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move { call(&shared, &url, &places).await });
        Self { seen, task }
    }

    /// Waits until it has made a few calls more.
    pub(crate) async fn calls_on(&self) {
        let from = self.seen.calls.load(Ordering::SeqCst);
        while self.seen.calls.load(Ordering::SeqCst) < from + 3 {
            assert!(!self.task.is_finished(), "the client died");
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(crate) async fn stop(self) -> Tally {
        self.calls_on().await;
        self.seen.stop.store(true, Ordering::SeqCst);
        let refused = self.task.await.unwrap();
        Tally { calls: self.seen.calls.load(Ordering::SeqCst), refused }
    }
}

/// With a grace of nothing, a program that read the old key just before the new one took its place may call
/// after the old one's death. That is the operator's choice of grace, not a fault. So a refusal counts if the
/// place still holds the refused key; then no program could have done better. Every instant is looked at
/// exactly by the property tests of `rotation`.
async fn call(seen: &Seen, url: &str, places: &Places) -> Vec<String> {
    let http = http();
    let mut refused = Vec::new();
    while !seen.stop.load(Ordering::SeqCst) {
        for (place, held) in places.held().into_iter().enumerate() {
            let Some(key) = held else {
                refused.push(format!("place {place} holds no key"));
                continue;
            };
            match status(&http, url, &key).await {
                Some(200 | 403) => {}
                Some(401) if places.held()[place].as_ref() != Some(&key) => {}
                other => refused.push(format!("place {place}: {other:?}")),
            }
            seen.calls.fetch_add(1, Ordering::SeqCst);
        }
        tokio::time::sleep(PAUSE).await;
    }
    refused
}
