//! Time and randomness, as parameters.

use crate::{EventId, KeyId, NoticeId, RotationId, Timestamp, Ulid};

/// Tells the time. The binary gives the system's; tests give one that they move.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
    /// Returns when [`Clock::now`] has reached `until`, or when as much time has passed as was left at first: a
    /// clock that steps back keeps nobody waiting. At once if there is nothing to wait for.
    async fn wait_until(&self, until: Timestamp);
}

/// Makes ids: sortable by time, unguessable. The binary gives the system's randomness.
pub trait Ids: Send + Sync {
    /// 128 random bits.
    fn random(&self) -> u128;

    /// A new id for something that happens at `at`.
    fn ulid(&self, at: Timestamp) -> Ulid {
        let ms = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Ulid::from_parts(ms, self.random())
    }
    /// A new key record's id.
    fn key(&self, at: Timestamp) -> KeyId {
        KeyId(self.ulid(at))
    }
    /// A new rotation's id.
    fn rotation(&self, at: Timestamp) -> RotationId {
        RotationId(self.ulid(at))
    }
    /// A new notice's id.
    fn notice(&self, at: Timestamp) -> NoticeId {
        NoticeId(self.ulid(at))
    }
    /// A new event's id.
    fn event(&self, at: Timestamp) -> EventId {
        EventId(self.ulid(at))
    }
}
