//! Programs that use the instance all the while, and one that should not.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use model::{Clock as _, Issuer, IssuerErrorKind, Secret};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::system::SystemClock;

const PAUSE: Duration = Duration::from_millis(5);

/// What an instance said to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Works,
    Refused,
    None,
}

/// Uses a key once.
pub(crate) async fn ask(issuer: &dyn Issuer, key: &Secret) -> Answer {
    match issuer.prove_dead(key).await {
        Ok(_) => Answer::Refused,
        Err(failure) if failure.kind == IssuerErrorKind::StillAlive => Answer::Works,
        Err(_) => Answer::None,
    }
}

/// Where a client finds its key.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The value of `N8N_API_KEY` in a dotenv file.
    Dotenv(PathBuf),
    /// A whole file.
    File(PathBuf),
}

impl Place {
    /// The key that is there now.
    pub(crate) fn key(&self) -> Option<Secret> {
        match self {
            Self::File(path) => Some(Secret::new(std::fs::read_to_string(path).ok()?.trim().to_owned())),
            Self::Dotenv(path) => {
                let text = std::fs::read_to_string(path).ok()?;
                let value = text.lines().find_map(|line| line.strip_prefix("N8N_API_KEY="))?;
                Some(Secret::new(value.trim_matches('"').to_owned()))
            }
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    refused: AtomicU64,
    /// Calls in a row that were let in, since the last refusal.
    good_since: AtomicU64,
    stop: AtomicBool,
}

/// A program that reads its key and calls, again and again.
pub(crate) struct Client {
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

/// How many calls a client made, and how many were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) refused: u64,
}

impl Client {
    pub(crate) fn start(issuer: Arc<dyn Issuer>, place: Place) -> Self {
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let task = tokio::spawn(async move {
            while !shared.stop.load(Ordering::Relaxed) {
                let Some(key) = place.key() else { continue };
                let answer = ask(&*issuer, &key).await;
                match answer {
                    Answer::Works => shared.good_since.fetch_add(1, Ordering::Relaxed),
                    Answer::Refused | Answer::None => {
                        shared.good_since.store(0, Ordering::Relaxed);
                        shared.refused.fetch_add(1, Ordering::Relaxed)
                    }
                };
                shared.calls.fetch_add(1, Ordering::Relaxed);
                pause(PAUSE).await;
            }
        });
        Self { counts, task }
    }

    /// The counts so far.
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            calls: self.counts.calls.load(Ordering::Relaxed),
            refused: self.counts.refused.load(Ordering::Relaxed),
        }
    }

    /// Returns once the client was let in a few times more, or `false` if it was not within `patience`.
    pub(crate) async fn works_again(&self, patience: Duration) -> bool {
        self.counts.good_since.store(0, Ordering::Relaxed);
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if self.counts.good_since.load(Ordering::Relaxed) >= 3 {
                return true;
            }
            pause(PAUSE).await;
        }
        false
    }

    pub(crate) async fn stop(self) -> Tally {
        self.counts.stop.store(true, Ordering::Relaxed);
        drop(self.task.await);
        Tally {
            calls: self.counts.calls.load(Ordering::Relaxed),
            refused: self.counts.refused.load(Ordering::Relaxed),
        }
    }
}

/// Lets some time pass.
pub(crate) async fn pause(length: Duration) {
    let length = model::SignedDuration::try_from(length).unwrap_or_default();
    let until = SystemClock.now().checked_add(length).unwrap_or_else(|_late| SystemClock.now());
    SystemClock.wait_until(until).await;
}
