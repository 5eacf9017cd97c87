//! Time that passes only when something happens, and randomness from a seed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use model::{Clock, Ids, SignedDuration, Timestamp};
use tokio::time::Instant;

/// Some time in 2027, not on a full millisecond.
const START_US: i64 = 1_800_000_000_123_457;
/// What one call takes.
const CALL_US: i64 = 311;

pub(crate) struct FakeClock {
    us: AtomicI64,
    /// From then on time passes as the runtime's does, which a test can pause.
    tied: OnceLock<Instant>,
}

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self { us: AtomicI64::new(START_US), tied: OnceLock::new() }
    }

    /// Something happened.
    pub(crate) fn pass(&self) {
        self.us.fetch_add(CALL_US, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.us.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn tie(&self) {
        self.tied.get_or_init(Instant::now);
    }

    /// Somebody sets it.
    pub(crate) fn step(&self, by: SignedDuration) {
        self.advance(by);
    }

    pub(crate) fn jump_to(&self, at: Timestamp) {
        let left = at.duration_since(self.now());
        if left > SignedDuration::ZERO {
            self.advance(left);
        }
    }
}

#[async_trait::async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let passed = self.tied.get().map_or(0, |since| i64::try_from(since.elapsed().as_micros()).unwrap());
        Timestamp::from_microsecond(self.us.load(Ordering::SeqCst) + passed).unwrap()
    }

    async fn wait_until(&self, until: Timestamp) {
        if self.tied.get().is_none() {
            return self.jump_to(until);
        }
        while let Ok(left) = std::time::Duration::try_from(until.duration_since(self.now()))
            && !left.is_zero()
        {
            tokio::time::sleep(left).await;
        }
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
