//! The words of a generated code base: some everywhere, most of them seldom.

use super::dice::Dice;

const COMMON: &[&str] = &[
    "value",
    "data",
    "name",
    "item",
    "node",
    "user",
    "type",
    "key",
    "index",
    "result",
    "options",
    "error",
    "list",
    "input",
    "output",
    "state",
    "event",
    "path",
    "message",
    "config",
    "request",
    "response",
    "context",
    "id",
    "time",
    "count",
    "text",
    "file",
    "the",
    "and",
    "for",
    "with",
    "from",
    "to",
    "of",
    "in",
    "is",
    "that",
    "not",
    "when",
    "get",
    "set",
    "create",
    "update",
    "remove",
    "load",
    "save",
    "parse",
    "render",
    "workflow",
    "credential",
    "project",
    "field",
    "query",
    "table",
    "column",
    "row",
    "token",
];
const SYLLABLES: &[&str] = &[
    "ab", "ac", "al", "an", "ar", "ba", "be", "bo", "ca", "ce", "co", "cu", "da", "de", "di", "do", "el",
    "en", "er", "fa", "fi", "fo", "ga", "ge", "gra", "ha", "he", "ho", "im", "in", "ing", "ion", "is", "ja",
    "ka", "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne", "no", "or", "pa", "per", "pi", "po",
    "pre", "ra", "re", "ri", "ro", "sa", "se", "si", "so", "sta", "sub", "ta", "te", "ter", "ti", "to",
    "tra", "tu", "un", "up", "va", "ve", "vi", "wa", "we", "xi", "ze",
];
const WORDS: usize = 4_000;
/// How much more often the first word is drawn than the last.
const SLOPE: usize = 400;

pub(crate) struct Vocabulary {
    words: Vec<String>,
    /// Places in `words`, as often as they are drawn.
    draws: Vec<usize>,
}

impl Vocabulary {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut words: Vec<String> = COMMON.iter().map(ToString::to_string).collect();
        while words.len() < WORDS {
            let syllables = dice.between(2, 4);
            words.push((0..syllables).map(|_| dice.pick(SYLLABLES)).collect());
        }
        let draws = (0..WORDS).flat_map(|rank| std::iter::repeat_n(rank, SLOPE / (rank + 1) + 1)).collect();
        Self { words, draws }
    }

    pub(crate) fn word(&self, dice: &mut Dice) -> &str {
        self.words.get(dice.pick(&self.draws)).map_or("", String::as_str)
    }

    /// A name as programs have them: `updateTableRow`.
    pub(crate) fn name(&self, dice: &mut Dice) -> String {
        let mut name = self.word(dice).to_owned();
        for _ in 0..dice.below(3) {
            push_capital(&mut name, self.word(dice));
        }
        name
    }

    /// The same with a capital: `UpdateTableRow`.
    pub(crate) fn type_name(&self, dice: &mut Dice) -> String {
        let mut name = String::new();
        push_capital(&mut name, &self.name(dice));
        name
    }

    /// Words with spaces between them.
    pub(crate) fn sentence(&self, dice: &mut Dice, words: usize, out: &mut Vec<u8>) {
        for place in 0..words {
            if place > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(self.word(dice).as_bytes());
        }
    }
}

fn push_capital(name: &mut String, word: &str) {
    let mut letters = word.chars();
    name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    name.push_str(letters.as_str());
}
