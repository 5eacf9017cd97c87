//! How much may be decoded in all.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Why;

/// What a pack may still be decoded to: a bound for deltas that are short and make much.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
}

/// As if a pack were so much larger: a small one may hold much.
const EXTRA_BYTES: u64 = 8 << 20;

impl Budget {
    pub(super) fn of_pack(pack_bytes: u64, max_expansion: u64) -> Self {
        Self { left: AtomicU64::new(pack_bytes.saturating_add(EXTRA_BYTES).saturating_mul(max_expansion)) }
    }

    pub(super) fn spend(&self, bytes: u64) -> Result<(), Why> {
        // What does not fit takes the rest with it: nothing is decoded after that.
        let take = |left: u64| Some(left.saturating_sub(bytes));
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(left) if left >= bytes => Ok(()),
            _ => Err(Why::Limit("max_expansion")),
        }
    }
}
