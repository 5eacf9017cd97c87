//! Reads the characters of a token: escaped or not, in one piece or in several.

use zeroize::Zeroizing;

use crate::Layer;
use crate::joint::{self, Alphabet};

/// Reads on from a place, and remembers how the characters were written.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    layers: Vec<Layer>,
    /// A line was merely wrapped within the part that is read.
    is_bare_wrapped: bool,
}

/// How a part ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a dot, which is taken.
    Dot,
    /// With the number of characters that was asked for.
    Full,
    /// With something else.
    Other,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, layers: Vec::new(), is_bare_wrapped: false }
    }

    /// How the characters were written, as far as it matters.
    pub(super) fn into_layers(self) -> Vec<Layer> {
        self.layers
    }

    /// Takes characters of a token up to a dot or `max` of them.
    pub(super) fn part(&mut self, alphabet: Alphabet, max: usize) -> (Zeroizing<String>, End) {
        let mut text = Zeroizing::new(String::with_capacity(max.min(512)));
        self.is_bare_wrapped = false;
        while text.len() < max {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            if let Some((char, taken, layer)) = char(rest) {
                self.at += taken;
                self.note(layer);
                match char {
                    b'.' => return (text, End::Dot),
                    char => text.push(char::from(char)),
                }
            } else if let Some(joint) = joint::after(rest, alphabet) {
                self.at += joint.bytes;
                self.is_bare_wrapped |= joint.is_bare_wrap;
                self.note(Some(Layer::Split));
            } else {
                return (text, End::Other);
            }
        }
        (text, End::Full)
    }

    /// Takes exactly this text, a character at a time.
    pub(super) fn exactly(&mut self, expected: &str) -> bool {
        let (text, _) = self.part(Alphabet::Token, expected.len());
        text.as_str() == expected
    }

    /// Whether a token may end here: where a line was merely wrapped, what follows must not be more of it, and what was
    /// taken must not be the name of a value.
    pub(super) fn is_at_end(&self) -> bool {
        let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || b"=:(".contains(&byte);
        !self.is_bare_wrapped || !self.next().is_some_and(goes_on)
    }

    /// The byte that follows.
    pub(super) fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn note(&mut self, layer: Option<Layer>) {
        if let Some(layer) = layer.filter(|layer| !self.layers.contains(layer)) {
            self.layers.push(layer);
        }
    }
}

/// The character that `text` begins with, how many bytes wrote it, and how.
fn char(text: &[u8]) -> Option<(u8, usize, Option<Layer>)> {
    match text {
        [byte @ (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.'), ..] => Some((*byte, 1, None)),
        // Escaped twice.
        [b'%', b'2', b'5', rest @ ..] => {
            let code = rest.get(..2)?.to_ascii_lowercase();
            let char =
                [(b"2e", b'.'), (b"2d", b'-'), (b"5f", b'_')].into_iter().find(|(digits, _)| code == *digits);
            char.map(|(_, char)| (char, 5, Some(Layer::Percent)))
        }
        [b'%', b'2', b'e' | b'E', ..] => Some((b'.', 3, Some(Layer::Percent))),
        [b'%', b'2', b'd' | b'D', ..] => Some((b'-', 3, Some(Layer::Percent))),
        [b'%', b'5', b'f' | b'F', ..] => Some((b'_', 3, Some(Layer::Percent))),
        [b'&', ..] => {
            let entities: [(&[u8], u8); 11] = [
                (b"&#46;", b'.'),
                (b"&#x2e;", b'.'),
                (b"&#x2E;", b'.'),
                (b"&period;", b'.'),
                (b"&#45;", b'-'),
                (b"&#x2d;", b'-'),
                (b"&#x2D;", b'-'),
                (b"&#95;", b'_'),
                (b"&#x5f;", b'_'),
                (b"&#x5F;", b'_'),
                (b"&lowbar;", b'_'),
            ];
            let (entity, char) = entities.into_iter().find(|(entity, _)| text.starts_with(entity))?;
            Some((char, entity.len(), Some(Layer::Html)))
        }
        [b'\\', b'u', b'0', b'0', b'2', b'e' | b'E', ..] => Some((b'.', 6, Some(Layer::Unicode))),
        [b'\\', b'u', b'0', b'0', b'2', b'd' | b'D', ..] => Some((b'-', 6, Some(Layer::Unicode))),
        [b'\\', b'u', b'0', b'0', b'5', b'f' | b'F', ..] => Some((b'_', 6, Some(Layer::Unicode))),
        [b'\\', b'x', b'2', b'e' | b'E', ..] => Some((b'.', 4, Some(Layer::Hex))),
        [b'\\', byte @ (b'.' | b'-' | b'_'), ..] => Some((*byte, 2, None)),
        // Defanged; and quoted-printable.
        [b'[', b'.', b']', ..] | [b'=', b'2', b'E', ..] => Some((b'.', 3, None)),
        [b'=', b'5', b'F', ..] => Some((b'_', 3, None)),
        _ => None,
    }
}
