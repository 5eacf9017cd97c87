//! Who may drive a rotation: a lease, and the judgement that its holder is dead.

use std::future::Future;
use std::time::Duration;

use model::{
    Clock, Fence, LeaseHolder, Period, RotationId, RotationStatus, SignedDuration, Store, StoreErrorKind,
};

use crate::error::{self, RotationError};

/// How long a lease lasts unless prolonged.
pub(crate) const LEASE: Period = Period::seconds(30);
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// How long the work has to say what it came to, when its rotation is over.
const LAST_WORD: Duration = Duration::from_secs(1);
/// By then, a driver that lost its lease has noticed, and has ended what it was at.
pub(crate) const NOTICED_AFTER: SignedDuration = SignedDuration::from_secs(3);

/// Tells whether the process behind a lease is surely dead. When in doubt it is not; then its lease has to
/// expire.
pub trait Liveness: Send + Sync {
    /// Whether no process that this holder names can still run.
    fn is_dead(&self, holder: &LeaseHolder) -> bool;
}

/// Takes the lease; at once if its holder is dead.
pub(crate) async fn take(
    store: &dyn Store,
    clock: &dyn Clock,
    liveness: &dyn Liveness,
    holder: &LeaseHolder,
    rotation: RotationId,
) -> Result<Fence, RotationError> {
    match store.take_lease(rotation, holder, clock.now(), LEASE, None).await {
        Ok(fence) => Ok(fence),
        Err(failure) => match &failure.kind {
            StoreErrorKind::LeaseHeld(lease) if liveness.is_dead(&lease.holder) => {
                let over = Some(lease.fence);
                store.take_lease(rotation, holder, clock.now(), LEASE, over).await.map_err(error::store)
            }
            _ => Err(error::store(failure)),
        },
    }
}

/// Runs `work`, prolonging the lease meanwhile; stops at once when it is lost.
pub(crate) async fn while_held<T>(
    store: &dyn Store,
    clock: &dyn Clock,
    fence: &Fence,
    work: impl Future<Output = Result<T, RotationError>>,
) -> Result<T, RotationError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            () = tokio::time::sleep(RENEW_EVERY) => {}
        }
        let renewed = store.renew_lease(fence, clock.now(), LEASE);
        let failure = tokio::select! {
            biased;
            result = &mut work => return result,
            renewed = renewed => match renewed {
                Ok(()) => continue,
                Err(failure) => failure,
            },
        };
        // What ended it may be the work itself, which has not heard yet that its last write was taken.
        if just_ended(store, clock, fence).await
            && let Ok(result) = tokio::time::timeout(LAST_WORD, &mut work).await
        {
            return result;
        }
        return Err(error::store(failure));
    }
}

/// Whether the rotation came to its end since the lease was last prolonged.
async fn just_ended(store: &dyn Store, clock: &dyn Clock, fence: &Fence) -> bool {
    let Ok(Some(rotation)) = store.rotation(fence.rotation).await else { return false };
    let ended = matches!(rotation.status, RotationStatus::Done | RotationStatus::Aborted);
    let since = SignedDuration::try_from(RENEW_EVERY * 2).unwrap_or(SignedDuration::ZERO);
    ended && rotation.finished_at.is_some_and(|at| clock.now().duration_since(at) <= since)
}
