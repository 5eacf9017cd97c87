//! Time that passes only when something happens, and randomness from a seed.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use model::{Clock, Ids, SignedDuration, Timestamp};

/// Some time in 2027, not on a full millisecond.
const START_US: i64 = 1_800_000_000_123_457;
/// What one call takes.
const CALL_US: i64 = 311;

pub(crate) struct FakeClock(AtomicI64);

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(START_US))
    }

    /// Something happened.
    pub(crate) fn pass(&self) {
        self.0.fetch_add(CALL_US, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn jump_to(&self, at: Timestamp) {
        self.0.fetch_max(at.as_microsecond(), Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    async fn wait_until(&self, until: Timestamp) {
        self.jump_to(until);
    }
}

/// Splitmix64: small, even, and the same everywhere.
pub(crate) struct Rng(AtomicU64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        let mut z =
            self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `below`, which is left out.
    pub(crate) fn below(&self, below: u64) -> u64 {
        self.next() % below
    }

    pub(crate) fn chance(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub(crate) fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

pub(crate) struct FakeIds(Rng);

impl FakeIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng::new(seed))
    }
}

impl Ids for FakeIds {
    fn random(&self) -> u128 {
        u128::from(self.0.next()) << 64 | u128::from(self.0.next())
    }
}
