//! A file of the code base: how it begins, and how it changes.

use super::dice::Dice;
use super::text::{Kind, Pen};
use super::vocabulary::Vocabulary;

/// How often each kind is made, of a hundred; with its ending, its median size, how far sizes spread, and the
/// largest.
const KINDS: [(usize, Kind, &str, usize, f64, usize); 14] = [
    (34, Kind::Code, "ts", 4_500, 1.1, 400_000),
    (16, Kind::Code, "test.ts", 5_600, 1.0, 300_000),
    (8, Kind::Code, "vue", 5_300, 1.0, 200_000),
    (6, Kind::Code, "js", 2_700, 1.1, 300_000),
    (3, Kind::Code, "py", 4_000, 1.1, 200_000),
    (11, Kind::Json, "json", 2_300, 1.6, 900_000),
    (3, Kind::Json, "snap", 8_000, 1.3, 600_000),
    (5, Kind::Prose, "md", 2_500, 1.1, 200_000),
    (3, Kind::Markup, "yml", 900, 0.8, 40_000),
    (3, Kind::Markup, "scss", 1_500, 1.0, 80_000),
    (4, Kind::Markup, "svg", 1_400, 1.0, 200_000),
    (3, Kind::Image, "png", 14_000, 1.3, 2_000_000),
    (1, Kind::Minified, "min.js", 90_000, 0.7, 900_000),
    (0, Kind::Lock, "json", 0, 0.0, 0),
];
const OWN_NAMES: usize = 28;

pub(crate) struct File {
    pub(crate) name: String,
    /// Its place among the folders.
    pub(crate) folder: usize,
    pub(crate) kind: Kind,
    pub(crate) content: Vec<u8>,
    /// What the stream calls its newest content.
    pub(crate) mark: u64,
    names: Vec<String>,
}

impl File {
    /// A new one; its size is `percent` of what is usual.
    pub(crate) fn new(folder: usize, percent: usize, dice: &mut Dice, vocabulary: &Vocabulary) -> Self {
        let mut left = dice.below(100);
        let chosen = KINDS.iter().find(|(share, ..)| {
            let is_it = left < *share;
            left = left.saturating_sub(*share);
            is_it
        });
        let (kind, ending, bytes) = match chosen {
            Some((_, kind, ending, median, sigma, most)) => {
                (*kind, *ending, dice.length(*median, *sigma, *most) * percent / 100)
            }
            None => (Kind::Code, "ts", 10 * percent),
        };
        let name = format!("{}.{ending}", vocabulary.name(dice));
        Self::of_kind(&name, folder, kind, bytes, dice, vocabulary)
    }

    pub(crate) fn of_kind(
        name: &str,
        folder: usize,
        kind: Kind,
        bytes: usize,
        dice: &mut Dice,
        vocabulary: &Vocabulary,
    ) -> Self {
        let capital = |dice: &mut Dice| match dice.below(3) {
            0 => vocabulary.type_name(dice),
            _ => vocabulary.name(dice),
        };
        let names: Vec<String> = (0..OWN_NAMES).map(|_| capital(dice)).collect();
        let mut content = Vec::with_capacity(bytes + 400);
        Pen { vocabulary, names: &names }.write(kind, bytes, dice, &mut content);
        Self { name: name.to_owned(), folder, kind, content, mark: 0, names }
    }

    /// A small change in a few places; an image is another one.
    pub(crate) fn edit(&mut self, dice: &mut Dice, vocabulary: &Vocabulary) {
        let pen = Pen { vocabulary, names: &self.names };
        if self.kind == Kind::Image {
            let bytes = self.content.len();
            self.content.clear();
            pen.write(Kind::Image, dice.between(bytes / 2 + 1, bytes + 100), dice, &mut self.content);
            return;
        }
        for _ in 0..dice.few(6) {
            let begin = self.line_from(dice.below(self.content.len()));
            let gone = if dice.once_in(3) { 0 } else { dice.few(8) };
            let end = (0..gone).fold(begin, |end, _| self.line_after(end));
            let mut fresh = Vec::new();
            if !dice.once_in(8) {
                pen.write(self.kind, dice.few(8) * 40, dice, &mut fresh);
            }
            self.content.splice(begin..end, fresh);
        }
    }

    /// Puts a line somewhere in between.
    pub(crate) fn insert(&mut self, line: &[u8], dice: &mut Dice) {
        let at = self.line_from(dice.below(self.content.len()));
        self.content.splice(at..at, line.iter().copied());
    }

    /// Takes a line out; false where it is not there any more.
    pub(crate) fn take_out(&mut self, line: &[u8]) -> Option<()> {
        let at = self.content.windows(line.len()).position(|window| window == line)?;
        self.content.drain(at..at + line.len());
        Some(())
    }

    /// Where a line, or a piece of a minified script, begins at or after `at`.
    fn line_from(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.line_after(at) }
    }

    fn line_after(&self, at: usize) -> usize {
        let ends: &[u8] = if self.kind == Kind::Minified { b",;}" } else { b"\n" };
        let rest = self.content.get(at..).unwrap_or_default();
        rest.iter().position(|byte| ends.contains(byte)).map_or(self.content.len(), |end| at + end + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_small_and_a_line_comes_and_goes() {
        let mut dice = Dice::new(5);
        let vocabulary = Vocabulary::new(&mut dice);
        let mut file = File::of_kind("a.ts", 0, Kind::Code, 20_000, &mut dice, &vocabulary);
        for _ in 0..50 {
            let before: Vec<Vec<u8>> = file.content.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            file.edit(&mut dice, &vocabulary);
            let known: std::collections::HashSet<_> = before.into_iter().collect();
            let lines = file.content.split(|b| *b == b'\n');
            let fresh = lines.filter(|line| !known.contains(*line)).count();
            assert!(fresh < 60, "{fresh}");
        }
        let whole = file.content.clone();
        file.insert(b"canary\n", &mut dice);
        assert_ne!(file.content, whole);
        assert_eq!(file.take_out(b"canary\n"), Some(()));
        assert_eq!(file.content, whole);
        assert_eq!(file.take_out(b"canary\n"), None);
    }
}
