//! How much may be decoded in all.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Why;

/// What a pack may still be decoded to: a bound for deltas that are short and make much.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
}

/// A small pack may be decoded to so much.
const MIN_BYTES: u64 = 4 << 30;

impl Budget {
    pub(super) fn of_pack(pack_bytes: u64, max_expansion: u64) -> Self {
        Self { left: AtomicU64::new(pack_bytes.saturating_mul(max_expansion).max(MIN_BYTES)) }
    }

    pub(super) fn spend(&self, bytes: u64) -> Result<(), Why> {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .map(drop)
            .map_err(|_cause| Why::Limit("max_expansion"))
    }
}
