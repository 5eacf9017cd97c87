//! All chance in what is generated: one seed, one stream.

/// Chance that repeats itself.
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// From 0 up to but not `end`; 0 where there is nothing below it.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.usize(..end) }
    }

    /// Like `below`, but the lower the likelier.
    pub(crate) fn low_below(&mut self, end: usize) -> usize {
        let (first, second) = (self.below(end), self.below(end));
        first * second / end.max(1)
    }

    pub(crate) fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One or more; half of the time it stops at each.
    pub(crate) fn few(&mut self, most: usize) -> usize {
        (1..most).find(|_| self.once_in(2)).unwrap_or(most)
    }

    /// One of them; the word's default where there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    /// A log-normal length: half are below `median`, with a tail of large ones.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "lengths lie far below the edges of both types"
    )]
    pub(crate) fn length(&mut self, median: usize, sigma: f64, most: usize) -> usize {
        // Twelve uniform numbers sum up to a normal one.
        let normal: f64 = (0..12).map(|_| self.0.f64()).sum::<f64>() - 6.0;
        ((median as f64 * (normal * sigma).exp()) as usize).clamp(1, most)
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    /// Appends that many letters of an alphabet.
    pub(crate) fn letters(&mut self, alphabet: &[u8], count: usize, out: &mut Vec<u8>) {
        for _ in 0..count {
            out.push(self.pick(alphabet));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn lengths_lie_around_the_median_with_a_tail() {
        let mut dice = Dice::new(1);
        let mut lengths: Vec<usize> = (0..9999).map(|_| dice.length(1000, 1.0, 1_000_000)).collect();
        lengths.sort_unstable();
        let (median, top) = (lengths[5000], lengths[9900]);
        assert!((900..1100).contains(&median) && (7000..15000).contains(&top), "{median} {top}");
    }
}
