//! A token that is fetched once and used until it ends.

use model::{Clock, DestinationError, Secret, SignedDuration, Timestamp};
use tokio::sync::Mutex;

/// How long before its end a token is not used any more.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// A token, and until when it is good; `None` is for ever.
pub(crate) type Token<T = Secret> = (T, Option<Timestamp>);

/// Callers that come together share one fetch.
pub(crate) struct Cached<T = Secret>(Mutex<Option<Token<T>>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone + PartialEq + Send> Cached<T> {
    /// The token that is held, or a fresh one.
    pub(crate) async fn get(
        &self,
        clock: &dyn Clock,
        fetch: impl Future<Output = Result<Token<T>, DestinationError>> + Send,
    ) -> Result<T, DestinationError> {
        let mut held = self.0.lock().await;
        let good = |until: &Option<Timestamp>| {
            until.is_none_or(|until| clock.now().checked_add(MARGIN).is_ok_and(|soon| soon < until))
        };
        if let Some((secret, until)) = &*held
            && good(until)
        {
            return Ok(secret.clone());
        }
        let (secret, until) = fetch.await?;
        *held = Some((secret.clone(), until));
        Ok(secret)
    }

    /// Forgets a token that was refused, unless another was fetched meanwhile.
    pub(crate) async fn forget(&self, refused: &T) {
        let mut held = self.0.lock().await;
        if held.as_ref().is_some_and(|(secret, _)| secret == refused) {
            *held = None;
        }
    }
}
