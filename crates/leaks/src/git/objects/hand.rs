//! What a thread works with: its visitor, and buffers that are kept from object to object.

use super::inflate::Inflater;
use super::visitor::Visitor;

/// A visitor and its buffers.
pub(super) struct Hand<V> {
    pub(super) visitor: V,
    pub(super) inflater: Inflater,
    /// The delta that is being read.
    pub(super) delta: Vec<u8>,
    /// What is new in it.
    pub(super) fresh: Vec<u8>,
    /// Objects that were shown.
    pub(super) objects: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
}

/// Buffers that are kept for later, all together.
const MAX_SPARE_BYTES: usize = 8 << 20;
const MAX_SPARE: usize = 32;

impl<V: Visitor> Hand<V> {
    pub(super) fn new(visitor: V) -> Self {
        let inflater = Inflater::new();
        let (delta, fresh, spare) = (Vec::new(), Vec::new(), Vec::new());
        Self { visitor, inflater, delta, fresh, objects: 0, bytes: 0, spare, spare_bytes: 0 }
    }

    /// A buffer, of any content.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        buffer
    }

    /// Keeps a buffer for later, or lets it go.
    pub(super) fn give(&mut self, buffer: Vec<u8>) {
        let size = buffer.capacity();
        if self.spare.len() < MAX_SPARE && self.spare_bytes.saturating_add(size) <= MAX_SPARE_BYTES {
            self.spare_bytes += size;
            self.spare.push(buffer);
        }
    }

    /// Lets go of what one large object made grow.
    pub(super) fn shrink(&mut self) {
        for buffer in [&mut self.delta, &mut self.fresh] {
            if buffer.capacity() > MAX_SPARE_BYTES {
                *buffer = Vec::new();
            }
        }
    }
}
