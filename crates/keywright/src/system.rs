//! The system's clock and randomness.

use std::time::Duration;

use model::{Clock, Ids, Timestamp};
use tokio::time::Instant;

/// The clock is looked at again after this: it may have been set, or the machine may have slept. A little longer than
/// what wakes the scheduler anyway.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(75);

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the system's time comes in")]
    fn now(&self) -> Timestamp {
        // To the microsecond: what is written is what is read.
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    async fn wait_until(&self, until: Timestamp) {
        wait(until, || self.now()).await;
    }
}

async fn wait(until: Timestamp, now: impl Fn() -> Timestamp) {
    let left = || Duration::try_from(until.duration_since(now())).unwrap_or_default();
    let end = Instant::now().checked_add(left());
    loop {
        let passes = end.map_or(LOOK_AGAIN, |end| end.saturating_duration_since(Instant::now()));
        let left = left().min(passes);
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK_AGAIN)).await;
    }
}

/// The system's randomness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::expect_used, reason = "without the kernel's randomness there is nothing that may go on")]
    fn random(&self) -> u128 {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the kernel gives randomness");
        u128::from_ne_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const DAY_S: u64 = 86_400;

    /// Waits a day by a clock that is set by `step_s` after an hour; gives what passed until it was over, in seconds.
    async fn waited(step_s: i64) -> u64 {
        let (began, stepped) = (Instant::now(), AtomicI64::new(0));
        let now = || {
            let passed = i64::try_from(began.elapsed().as_millis()).unwrap();
            Timestamp::from_millisecond(passed + stepped.load(Ordering::SeqCst)).unwrap()
        };
        let day = Timestamp::from_second(i64::try_from(DAY_S).unwrap()).unwrap();
        let set = async {
            tokio::time::sleep(Duration::from_hours(1)).await;
            stepped.store(step_s * 1_000, Ordering::SeqCst);
        };
        tokio::join!(wait(day, now), set);
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_is_noticed_and_one_set_back_keeps_nobody_waiting() {
        assert_eq!(waited(0).await, DAY_S);
        assert_eq!(waited(-365 * 86_400).await, DAY_S);
        let noticed = waited(2 * 86_400).await;
        assert!((3_600..=3_600 + LOOK_AGAIN.as_secs()).contains(&noticed), "{noticed}");
    }
}
