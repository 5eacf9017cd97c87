//! What services need of the process they run in; only the binary has it.

use std::sync::Arc;

use model::{Blame, Clock, Report, Retry, Secret, SecretRef, SignedDuration, Timestamp};

/// Secrets, the environment and the time.
#[async_trait::async_trait]
pub trait Outside: Send + Sync {
    /// A secret by its reference.
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report>;

    /// A variable of the environment, if it is set and not empty. It may hold a secret.
    fn variable(&self, name: &str) -> Option<Secret>;

    /// The time.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Names of variables that hold Keywright's own secrets: programs that a service runs to log in don't inherit them.
    fn hidden_variables(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Nothing outside: no variable is set and no secret is found. For addresses that are only looked at.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

#[async_trait::async_trait]
impl Outside for Nowhere {
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report> {
        Err(Report::new(Blame::Bug, Retry::Never, format!("cannot read `{reference}` here")))
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Clock for Nowhere {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn wait_until(&self, _: Timestamp) {}
}

/// When something is over that lives `seconds` from `now`.
pub(crate) fn over_at(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
