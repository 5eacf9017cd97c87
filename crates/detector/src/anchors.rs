//! Short texts of which every token has one, in each encoding that is undone. What has none has no token: this is the only
//! pass over most bytes.

use aho_corasick::{AhoCorasick, MatchKind};

use crate::Layer;
use crate::decode::Phase;

/// The vector search that is behind this is at its best with so many, alike ones together.
const GROUP: usize = 56;

/// The groups of anchors of which one stands in some bytes. What is in none of them need not be searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anchored(u8);

impl Anchored {
    /// All groups.
    pub const ALL: Self = Self(u8::MAX);

    /// Whether there is nothing to search for.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// What is in the one or in the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What begins where an anchor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Jwt,
    Legacy,
    Gateway,
    Webhook,
    EncryptionName,
    EncryptionField,
    /// Base64; these bytes of the content are told by the characters that the anchor leaves out.
    Base64 {
        phase: Phase,
        lost: Vec<u8>,
    },
    /// Base64 of what begins as a compressed file does.
    Archive,
    Encoded(Layer),
}

impl Start {
    fn is_encoded(&self) -> bool {
        matches!(self, Self::Base64 { .. } | Self::Archive | Self::Encoded(_))
    }
}

/// An anchor's place.
#[derive(Clone, Debug)]
pub(crate) struct Anchor<'a> {
    pub(crate) at: usize,
    pub(crate) start: &'a Start,
    /// The group that it is of.
    pub(crate) group: Anchored,
}

/// All anchors, compiled.
#[derive(Debug)]
pub(crate) struct Anchors {
    searchers: Vec<(AhoCorasick, Vec<Start>)>,
}

impl Anchors {
    /// Compiled once for a process; `None` only if the list below were too long for the machine's memory.
    pub(crate) fn compile() -> Option<Self> {
        let (mut encoded, mut plain): (Vec<_>, Vec<_>) =
            list().into_iter().partition(|(_, start)| start.is_encoded());
        plain.sort_by(|(one, _), (other, _)| one.cmp(other));
        encoded.sort_by(|(one, _), (other, _)| one.cmp(other));
        // Most that is found is plain: by itself it is a small group, which is searched several times as fast.
        let groups = std::iter::once(plain.as_slice()).chain(encoded.chunks(GROUP));
        let searchers = groups.map(|group| {
            let patterns = group.iter().map(|(pattern, _)| pattern.as_slice());
            let searcher =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(patterns).ok()?;
            Some((searcher, group.iter().map(|(_, start)| start.clone()).collect()))
        });
        Some(Self { searchers: searchers.collect::<Option<_>>()? })
    }

    /// Whether there is any in `bytes`.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.searchers.iter().any(|(searcher, _)| searcher.is_match(bytes))
    }

    /// The groups of which there is one in `bytes`.
    pub(crate) fn in_groups(&self, bytes: &[u8]) -> Anchored {
        let groups = self.searchers.iter().enumerate();
        Anchored(groups.fold(
            0,
            |found, (number, (searcher, _))| {
                if searcher.is_match(bytes) { found | 1 << number } else { found }
            },
        ))
    }

    /// All of these groups in `bytes`, in the order of their places. Of those that overlap in one group, the first.
    pub(crate) fn of<'a>(&'a self, bytes: &'a [u8], wanted: Anchored) -> impl Iterator<Item = Anchor<'a>> {
        let mut groups: Vec<_> = self
            .searchers
            .iter()
            .enumerate()
            .filter(|(number, _)| wanted.0 & (1 << number) != 0)
            .map(|(number, (searcher, starts))| {
                let found = searcher.find_iter(bytes);
                let group = Anchored(1 << number);
                let anchors = found.filter_map(move |found| {
                    Some(Anchor { at: found.start(), start: starts.get(found.pattern().as_usize())?, group })
                });
                anchors.peekable()
            })
            .collect();
        std::iter::from_fn(move || {
            let at = |group: &mut std::iter::Peekable<_>| group.peek().map(|anchor: &Anchor<'_>| anchor.at);
            let (_, first) =
                groups.iter_mut().filter_map(|group| Some((at(group)?, group))).min_by_key(|(at, _)| *at)?;
            first.next()
        })
    }

    /// Those that stand at the very start of `bytes`.
    pub(crate) fn at_start<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a Start> {
        let head = bytes.get(..crate::MAX_ANCHOR_BYTES.min(bytes.len())).unwrap_or_default();
        self.searchers.iter().filter_map(move |(searcher, starts)| {
            let input = aho_corasick::Input::new(head).anchored(aho_corasick::Anchored::No);
            let found = searcher.find(input).filter(|found| found.start() == 0)?;
            starts.get(found.pattern().as_usize())
        })
    }
}

/// The first characters of tokens, each escaped.
const ESCAPED: [(Layer, &[&str]); 15] = [
    (Layer::Hex, &["65794a", "65794A", "6e386e5f", "6E386E5F", "6b65797772", "6B65797772"]),
    (Layer::Hex, &[r"\x65\x79\x4", r"\x6e\x38\x6", r"\x6E\x38\x6", r"\x6b\x65\x79\x77", r"\x6B\x65\x79\x77"]),
    (Layer::Hex, &["65 79 4", "6e 38 6", "6E 38 6", "6b 65 79 77", "6B 65 79 77"]),
    (Layer::Hex, &["65:79:4", "6e:38:6", "6E:38:6", "6b:65:79:77", "6B:65:79:77"]),
    (
        Layer::Hex,
        &["0x65, 0x79, 0x4", "0x6e, 0x38, 0x6", "0x6E, 0x38, 0x6", "0x6b, 0x65, 0x79", "0x6B, 0x65, 0x79"],
    ),
    (Layer::Hex, &["0x65,0x79,0x4", "0x6e,0x38,0x6", "0x6E,0x38,0x6", "0x6b,0x65,0x79", "0x6B,0x65,0x79"]),
    (Layer::Octal, &[r"\145\171\112", r"\156\070\156", r"\156\70\156", r"\153\145\171\167"]),
    (Layer::Decimal, &["101,121,74", "110,56,110,95", "107,101,121,119"]),
    (Layer::Decimal, &["101, 121, 74", "110, 56, 110, 95", "107, 101, 121, 119"]),
    (Layer::Percent, &["%65%79%4", "%6e%38%6", "%6E%38%6", "%6b%65%79%77", "%6B%65%79%77"]),
    (Layer::Html, &["&#101;&#121;&#74", "&#110;&#56;&#110", "&#107;&#101;&#121;&#119"]),
    (Layer::Html, &["&#x65;&#x79;&#x4", "&#x6e;&#x38;&#x6", "&#x6E;&#x38;&#x6"]),
    (Layer::Html, &["&#x6b;&#x65;&#x79;&#x77", "&#x6B;&#x65;&#x79;&#x77"]),
    (Layer::Unicode, &[r"\u0065\u0079\u004", r"\u006e\u0038\u006", r"\u006E\u0038\u006"]),
    (Layer::Unicode, &[r"\u006b\u0065\u0079\u00", r"\u006B\u0065\u0079\u00"]),
];

/// Every anchor and what begins there.
fn list() -> Vec<(Vec<u8>, Start)> {
    let mut list: Vec<(Vec<u8>, Start)> = Vec::new();
    let mut add = |pattern: &[u8], start: Start| list.push((pattern.to_vec(), start));
    for (pattern, start) in [
        // `{"alg`, `{"typ`, `{"kid`; three characters fewer stand in every file with much base64.
        ("eyJhbG", Start::Jwt),
        ("eyJ0eX", Start::Jwt),
        ("eyJraW", Start::Jwt),
        ("n8n_api_", Start::Legacy),
        // Its first mark escaped, in whatever way.
        (r"n8n\", Start::Legacy),
        ("n8n%", Start::Legacy),
        ("n8n&", Start::Legacy),
        ("keywright_", Start::Gateway),
        (r"keywright\", Start::Gateway),
        ("keywright%", Start::Gateway),
        ("keywright&", Start::Gateway),
        ("webhook-test/", Start::Webhook),
        ("N8N_ENCRYPTION_KEY", Start::EncryptionName),
        ("\"encryptionKey\"", Start::EncryptionField),
    ] {
        add(pattern.as_bytes(), start);
    }
    for (layer, patterns) in ESCAPED {
        for pattern in patterns {
            add(pattern.as_bytes(), Start::Encoded(layer));
        }
    }
    let wide = ["eyJ", "n8n_", "keyw"].map(|core| widened(core.as_bytes(), 2));
    for (core, wider) in wide.iter().zip(["eyJ", "n8n_", "keyw"].map(|core| widened(core.as_bytes(), 4))) {
        add(core, Start::Encoded(Layer::Utf16));
        add(&wider, Start::Encoded(Layer::Utf32));
    }
    for magic in ["H4sI", "UEsDB", "/Td6WFo", "KLUv/", "QlpoO"] {
        add(magic.as_bytes(), Start::Archive);
    }
    // In base64, which may be wrapped within an anchor: so there are several, with what is known to stand before each.
    // n8n's own header says the algorithm first, and nothing else but the type.
    for (before, core) in [
        ("", "eyJhbG"),
        ("eyJhbGciOi", "JIUzI1"),
        ("eyJhbGciOiJIUzI1NiIs", "InR5cC"),
        ("", "n8n_"),
        ("n8n_", "api_"),
        ("", "keywr"),
        ("keywr", "ight_"),
    ] {
        for shift in 0..3 {
            let once = in_base64(core.as_bytes(), shift);
            for again in 0..3 {
                let twice = in_base64(&once.pattern, again);
                // What the outer characters leave out of the inner ones; these then are an anchor of their own.
                add(&twice.pattern, Start::Base64 { phase: twice.phase, lost: twice.lost });
            }
            let lost = [before.as_bytes(), &once.lost].concat();
            add(&once.pattern, Start::Base64 { phase: once.phase, lost });
        }
    }
    for core in wide.iter().map(Vec::as_slice).chain([b"H4sI".as_slice()]) {
        for shift in 0..3 {
            let once = in_base64(core, shift);
            add(&once.pattern, Start::Base64 { phase: once.phase, lost: once.lost });
        }
    }
    list
}

/// Each character in so many bytes, up to the last that is not zero.
fn widened(text: &[u8], width: usize) -> Vec<u8> {
    let mut wide: Vec<u8> = text
        .iter()
        .flat_map(|byte| std::iter::once(*byte).chain(std::iter::repeat_n(0, width - 1)))
        .collect();
    wide.truncate(wide.len() - (width - 1));
    wide
}

struct InBase64 {
    pattern: Vec<u8>,
    phase: Phase,
    lost: Vec<u8>,
}

/// The characters that do not depend on what stands around `core`, when `before` bytes stand before it in its group.
fn in_base64(core: &[u8], before: usize) -> InBase64 {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (first_bit, end_bit) = (before * 8, (before + core.len()) * 8);
    let bit = |at: usize| {
        let at = at - first_bit;
        core.get(at / 8).map_or(0, |byte| usize::from((byte >> (7 - at % 8)) & 1))
    };
    let first_char = first_bit.div_ceil(6);
    let chars = first_char..end_bit / 6;
    let pattern = chars.filter_map(|char| {
        ALPHABET.get((char * 6..char * 6 + 6).fold(0, |value, at| value * 2 + bit(at))).copied()
    });
    let pattern = pattern.collect();
    // Bytes of the core that begin before the first character are not in the decoded stream.
    let whole_from = (first_char * 6).div_ceil(8);
    let skip_bits = u8::try_from(whole_from * 8 - first_char * 6).unwrap_or_default();
    let lost = core.get(..whole_from - before).unwrap_or_default().to_vec();
    InBase64 { pattern, phase: Phase { skip_bits }, lost }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_in_base64_stands_at_each_alignment() {
        use base64::Engine as _;
        for before in 0..3 {
            let anchor = in_base64(b"eyJhbG", before);
            let text = [&b"xyz"[..before], b"eyJhbGciOi"].concat();
            let encoded = base64::engine::general_purpose::STANDARD.encode(&text);
            let at = encoded.find(std::str::from_utf8(&anchor.pattern).unwrap()).unwrap();
            let (rest, _) = crate::decode::base64(&encoded.as_bytes()[at..], anchor.phase, 100);
            assert_eq!([anchor.lost.as_slice(), &rest].concat(), b"eyJhbGciOi", "{before} before");
        }
    }

    #[test]
    fn the_list_is_short_enough_to_be_quick() {
        let list = list();
        let plain = list.iter().filter(|(_, start)| !start.is_encoded()).count();
        assert!(plain <= 16 && list.len() - plain <= 3 * GROUP, "{plain} of {}", list.len());
        assert!(list.iter().all(|(pattern, _)| (4..=crate::MAX_ANCHOR_BYTES).contains(&pattern.len())));
    }
}
