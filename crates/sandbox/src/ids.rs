//! Ids that look as n8n's do and come from a seed, so that a failing run can be run again.

/// A stream of pseudo-random ids (splitmix64).
pub(crate) struct Ids(u64);

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Sixteen letters and digits: n8n's ids of keys, workflows and projects.
    pub(crate) fn short(&mut self) -> String {
        (0..16)
            .filter_map(|_| {
                let at = usize::try_from(self.next() % 62).unwrap_or_default();
                ALPHANUMERIC.get(at).copied().map(char::from)
            })
            .collect()
    }

    /// A UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            ((low >> 48) & 0x3fff) | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    /// Eighty hex digits: the tail of a key of 1.60.
    pub(crate) fn hex80(&mut self) -> String {
        (0..80)
            .filter_map(|_| char::from_digit(u32::try_from(self.next() % 16).unwrap_or_default(), 16))
            .collect()
    }

    /// Thirty-two Base32 digits: the seed of a second factor.
    pub(crate) fn base32(&mut self) -> String {
        const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        (0..32)
            .filter_map(|_| {
                let at = usize::try_from(self.next() % 32).unwrap_or_default();
                DIGITS.get(at).copied().map(char::from)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_repeatability() {
        let mut ids = Ids::new(7);
        let (short, uuid, hex) = (ids.short(), ids.uuid(), ids.hex80());
        assert_eq!((short.len(), uuid.len(), hex.len()), (16, 36, 80));
        assert_eq!(uuid.as_bytes()[14], b'4');
        let mut again = Ids::new(7);
        assert_eq!((again.short(), again.uuid()), (short, uuid));
        assert_ne!(Ids::new(8).short(), Ids::new(7).short());
    }
}
