//! Chance that is the same for the same seed, on every machine and in every version.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

pub(crate) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A stream of numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    /// A stream of its own for `name`: what others draw does not move it.
    pub(crate) fn of(seed: u64, name: &str) -> Self {
        let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
        let state = hash.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Self { state }
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `end`; 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % end).unwrap_or_default()
    }

    /// Whether it happens, given that it does `percent` times of a hundred.
    pub(crate) fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them; the default if there is none.
    pub(crate) fn one_of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number().to_le_bytes()[0]).collect()
    }

    pub(crate) fn text(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(self.one_of(alphabet))).collect()
    }

    pub(crate) fn base62(&mut self, count: usize) -> String {
        self.text(BASE62, count)
    }

    pub(crate) fn hex(&mut self, count: usize) -> String {
        self.text(HEX, count)
    }

    /// So many random bytes in standard base64.
    pub(crate) fn base64(&mut self, count_bytes: usize) -> String {
        STANDARD.encode(self.bytes(count_bytes))
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let variant = self.text(b"89ab", 1);
        let [first, second, third, fourth, last] = [8, 4, 3, 3, 12].map(|count| self.hex(count));
        format!("{first}-{second}-4{third}-{variant}{fourth}-{last}")
    }

    /// Prose of about so many bytes, in lines of up to 90.
    pub(crate) fn prose(&mut self, count_bytes: usize) -> String {
        const WORDS: [&str; 32] = [
            "the", "worker", "queue", "runs", "after", "each", "deploy", "of", "service", "with", "retries",
            "webhook", "payload", "is", "stored", "until", "node", "confirms", "batch", "and", "import",
            "customer", "orders", "from", "ledger", "to", "archive", "every", "night", "unless", "paused",
            "by",
        ];
        let mut prose = String::with_capacity(count_bytes + 16);
        let mut width = 0;
        while prose.len() < count_bytes {
            let word = self.one_of(&WORDS);
            prose.push_str(word);
            width += word.len() + 1;
            prose.push(if width > 78 { '\n' } else { ' ' });
            width = if width > 78 { 0 } else { width };
        }
        prose.push('\n');
        prose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_name_draw_the_same() {
        let draw = |seed, name| Chance::of(seed, name).base62(20);
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }

    #[test]
    fn uuids_are_of_version_four() {
        let uuid = Chance::of(1, "uuid").uuid();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
        assert!(uuid.split('-').nth(2).unwrap().starts_with('4'), "{uuid}");
    }
}
