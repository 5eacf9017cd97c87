//! How much may be decoded in all, and until when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::{Limits, Why};

/// What a pack may still be decoded to: a bound for deltas that are short and make much.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
    deadline: Deadline,
}

/// As if a pack were so much larger: a small one may hold much.
const EXTRA_BYTES: u64 = 8 << 20;

impl Budget {
    pub(super) fn of_pack(pack_bytes: u64, limits: &Limits, deadline: Deadline) -> Self {
        let bytes = pack_bytes.saturating_add(EXTRA_BYTES).saturating_mul(limits.max_expansion);
        Self { left: AtomicU64::new(bytes), deadline }
    }

    pub(super) fn spend(&self, bytes: u64) -> Result<(), Why> {
        self.deadline.check()?;
        // What does not fit takes the rest with it: nothing is decoded after that.
        let take = |left: u64| Some(left.saturating_sub(bytes));
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(left) if left >= bytes => Ok(()),
            _ => Err(Why::Limit("max_expansion")),
        }
    }
}

/// When reading ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now.
    pub(super) fn of(limits: &Limits) -> Self {
        Self(limits.max_time.and_then(|time| Instant::now().checked_add(time)))
    }

    /// An error once it is over.
    pub(super) fn check(self) -> Result<(), Why> {
        if self.0.is_some_and(|end| Instant::now() >= end) { Err(Why::Limit("max_time")) } else { Ok(()) }
    }
}
