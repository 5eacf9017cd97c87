//! Rows of bits: for each tree or commit, which of the wanted objects it holds.

/// So many rows of so many words.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    words: usize,
    bits: Vec<u64>,
}

impl Rows {
    /// Empty rows for so many bits each.
    pub(super) fn new(rows: usize, bits: usize) -> Self {
        let words = bits.div_ceil(64).max(1);
        Self { words, bits: vec![0; rows * words] }
    }

    /// One row; empty if there is none.
    pub(super) fn row(&self, row: usize) -> &[u64] {
        self.bits.get(row * self.words..(row + 1) * self.words).unwrap_or_default()
    }

    /// Adds an empty row, and says which it is.
    pub(super) fn push(&mut self) -> usize {
        self.bits.resize(self.bits.len() + self.words, 0);
        self.bits.len() / self.words - 1
    }

    /// Sets a bit.
    pub(super) fn set(&mut self, row: usize, bit: usize) {
        if let Some(word) = self.bits.get_mut(row * self.words + bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    /// Adds bits to a row; whether any is new.
    pub(super) fn add(&mut self, row: usize, bits: &[u64]) -> bool {
        let row = self.bits.get_mut(row * self.words..(row + 1) * self.words).unwrap_or_default();
        let mut is_new = false;
        for (word, more) in row.iter_mut().zip(bits) {
            is_new |= *more & !*word != 0;
            *word |= *more;
        }
        is_new
    }

    /// Adds one row to another.
    pub(super) fn add_row(&mut self, to: usize, from: usize) {
        for word in 0..self.words {
            let more = self.bits.get(from * self.words + word).copied().unwrap_or(0);
            if let Some(word) = self.bits.get_mut(to * self.words + word) {
                *word |= more;
            }
        }
    }
}

/// The bits that are set.
pub(super) fn set_bits(row: &[u64]) -> impl Iterator<Item = usize> + '_ {
    row.iter().enumerate().flat_map(|(index, word)| {
        let mut word = *word;
        std::iter::from_fn(move || {
            let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
            word &= word - 1;
            Some(index * 64 + bit)
        })
    })
}

/// Whether a bit is set.
pub(super) fn has_bit(row: &[u64], bit: usize) -> bool {
    row.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_adds() {
        let mut rows = Rows::new(2, 65);
        rows.set(0, 64);
        rows.set(1, 3);
        rows.add_row(1, 0);
        assert_eq!(set_bits(rows.row(1)).collect::<Vec<_>>(), [3, 64]);
        assert!(!rows.add(1, &[8, 0]) && rows.add(1, &[9, 0]));
        assert!(has_bit(rows.row(1), 0) && !has_bit(rows.row(0), 0) && !has_bit(rows.row(7), 0));
        assert_eq!(rows.push(), 2);
    }
}
