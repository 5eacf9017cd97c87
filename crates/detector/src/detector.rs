//! The search: from an anchor through its encodings to a token and its proof.

use zeroize::Zeroizing;

use crate::anchors::{Anchor, Anchored, Anchors, Start};
use crate::recognise::{Recognised, encryption_field, encryption_name, gateway, jwt, legacy, webhook};
use crate::{Embedded, Found, Hit, Layer, decode};

/// How far a token reaches from its anchor, in all encodings that are undone, and how far before it something matters.
/// Pieces of a longer text overlap by so much.
pub const MARGIN: usize = 8 * 1024;

/// No anchor is longer.
pub const MAX_ANCHOR_BYTES: usize = 24;

/// A line that has it is left out on purpose.
pub const ALLOW_MARK: &str = "keywright:allow";

/// Of one token, decoded; and of each encoding around it. Real ones have fewer than 500 characters.
const MAX_WINDOW_BYTES: usize = 1024;
/// Anchors of one token lie within so much, in all encodings.
const ONE_PLACE_BYTES: usize = 72;
/// Encodings within encodings.
const MAX_LAYERS: usize = 5;
/// Of what is encoded and compressed.
const MAX_EMBEDDED_BYTES: usize = 16 << 20;
/// More of them are told, and not kept.
const MAX_EMBEDDED: usize = 1_000;
/// Work that is always done, in bytes decoded.
const FREE_WORK_BYTES: usize = 1 << 20;
/// And for each byte that is searched.
const WORK_PER_BYTE: usize = 24;

/// Finds tokens in bytes. Compiled once, shared between threads.
#[derive(Debug)]
pub struct Detector {
    anchors: Anchors,
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// Compiles it, which takes some milliseconds.
    #[expect(clippy::expect_used, reason = "a fixed list of short texts, compiled in every test")]
    pub fn new() -> Self {
        Self { anchors: Anchors::compile().expect("the anchors fit into memory") }
    }

    /// Whether anything in `bytes` might be a token or an encoded archive; where it says no, [`search`](Self::search)
    /// finds nothing. Some gigabytes a second.
    pub fn has_anchor(&self, bytes: &[u8]) -> bool {
        self.anchors.is_in(bytes)
    }

    /// Which anchors are anywhere in `bytes`, for [`search_for`](Self::search_for).
    pub fn anchored(&self, bytes: &[u8]) -> Anchored {
        self.anchors.in_groups(bytes)
    }

    /// Every token in `bytes`, also in encodings within encodings, and what is to be unpacked.
    pub fn search(&self, bytes: &[u8]) -> Found {
        self.search_for(bytes, Anchored::ALL)
    }

    /// The same, where no other anchors than these can be in `bytes`.
    pub fn search_for(&self, bytes: &[u8], anchored: Anchored) -> Found {
        let mut search = Search {
            anchors: &self.anchors,
            work_bytes: bytes.len().saturating_mul(WORK_PER_BYTE).saturating_add(FREE_WORK_BYTES),
            found: Found::default(),
        };
        search.run(bytes, anchored);
        search.found
    }
}

struct Search<'a> {
    anchors: &'a Anchors,
    /// What may still be decoded.
    work_bytes: usize,
    found: Found,
}

/// What is at the bottom of an anchor's encodings.
enum Bottom {
    Token(Recognised),
    Archive { bytes: Zeroizing<Vec<u8>>, to: usize, is_cut: bool },
}

impl Search<'_> {
    fn run(&mut self, bytes: &[u8], anchored: Anchored) {
        let mut archive_end = 0;
        for Anchor { at, start, group } in self.anchors.of(bytes, anchored) {
            self.found.anchored = self.found.anchored.or(group);
            // Within an archive that was decoded, another cannot begin.
            if matches!(start, Start::Archive) && at < archive_end {
                continue;
            }
            if self.work_bytes == 0 {
                self.found.is_exhausted = true;
                self.found.anchored = anchored;
                return;
            }
            let mut layers = Vec::new();
            match self.follow(bytes, at, start, &mut layers) {
                Some(Bottom::Token(recognised)) => {
                    // Within an encoding, places are not those of these bytes.
                    let at = if layers.is_empty() { recognised.from } else { at };
                    layers.extend(recognised.layers);
                    self.keep(Hit { token: recognised.token, layers, at });
                }
                Some(Bottom::Archive { bytes, to, is_cut }) => {
                    archive_end = archive_end.max(at + to);
                    if self.found.embedded.len() == MAX_EMBEDDED {
                        self.found.is_exhausted = true;
                    } else {
                        self.found.embedded.push(Embedded { bytes: bytes.to_vec(), layers, at, is_cut });
                    }
                }
                None => {}
            }
        }
    }

    /// The same token by two anchors of one place is one.
    fn keep(&mut self, hit: Hit) {
        let is_known = self.found.hits.iter().rev().take(4).any(|known| {
            known.token.secret == hit.token.secret && hit.at.saturating_sub(known.at) < ONE_PLACE_BYTES
        });
        if !is_known {
            self.found.hits.push(hit);
        }
    }

    /// What begins at `at`, with its encodings undone one by one.
    fn follow(&mut self, bytes: &[u8], at: usize, start: &Start, layers: &mut Vec<Layer>) -> Option<Bottom> {
        let text = bytes.get(at..)?;
        match start {
            Start::Jwt => jwt(bytes, at).map(Bottom::Token),
            Start::Legacy => legacy(bytes, at).map(Bottom::Token),
            Start::Gateway => gateway(bytes, at).map(Bottom::Token),
            Start::Webhook => webhook(bytes, at).map(Bottom::Token),
            Start::EncryptionName => encryption_name(bytes, at).map(Bottom::Token),
            Start::EncryptionField => encryption_field(bytes, at).map(Bottom::Token),
            Start::Archive => {
                let max = MAX_EMBEDDED_BYTES.min(self.work_bytes);
                let (bytes, to) = decode::base64(text, decode::Phase::default(), max);
                self.work(bytes.len());
                let is_cut = bytes.len() == max;
                layers.push(Layer::Base64);
                is_compressed(&bytes).then_some(Bottom::Archive { bytes, to, is_cut })
            }
            Start::Base64 { phase, lost } => {
                let (rest, _) = decode::base64(text, *phase, MAX_WINDOW_BYTES);
                let mut window = Zeroizing::new(Vec::with_capacity(lost.len() + rest.len()));
                window.extend_from_slice(lost);
                window.extend_from_slice(&rest);
                self.within(&window, Layer::Base64, layers, Some((text, *phase, lost)))
            }
            Start::Encoded(layer) => {
                let window = match layer {
                    Layer::Utf16 => decode::utf16(text, MAX_WINDOW_BYTES),
                    Layer::Utf32 => decode::utf32(text, MAX_WINDOW_BYTES),
                    Layer::Hex => decode::hex(text, MAX_WINDOW_BYTES),
                    Layer::Octal => decode::octal(text, MAX_WINDOW_BYTES),
                    Layer::Decimal => decode::decimal(text, MAX_WINDOW_BYTES),
                    Layer::Percent => decode::percent(text, MAX_WINDOW_BYTES),
                    Layer::Html => decode::html(text, MAX_WINDOW_BYTES),
                    Layer::Unicode => decode::unicode(text, MAX_WINDOW_BYTES),
                    Layer::Base64 | Layer::Split => return None,
                };
                self.within(&window, *layer, layers, None)
            }
        }
    }

    /// What begins at the start of a window that was decoded.
    fn within(
        &mut self,
        window: &[u8],
        layer: Layer,
        layers: &mut Vec<Layer>,
        base64: Option<(&[u8], decode::Phase, &[u8])>,
    ) -> Option<Bottom> {
        self.work(window.len());
        if layers.len() == MAX_LAYERS || self.work_bytes == 0 {
            self.found.is_exhausted = true;
            return None;
        }
        layers.push(layer);
        let anchors = self.anchors;
        let depth = layers.len();
        for start in anchors.at_start(window) {
            // An archive is longer than a window: all of the outer text is decoded for it.
            let whole = base64.filter(|_| matches!(start, Start::Archive));
            let bottom = match whole {
                Some((text, phase, lost)) => self.archive_twice(text, phase, lost, layers),
                None => self.follow(window, 0, start, layers),
            };
            if bottom.is_some() {
                return bottom;
            }
            layers.truncate(depth);
        }
        layers.pop();
        None
    }

    /// A compressed file that is twice in base64.
    fn archive_twice(
        &mut self,
        text: &[u8],
        phase: decode::Phase,
        lost: &[u8],
        layers: &mut Vec<Layer>,
    ) -> Option<Bottom> {
        let (rest, to) = decode::base64(text, phase, (MAX_EMBEDDED_BYTES * 4 / 3).min(self.work_bytes));
        self.work(rest.len());
        let once = Zeroizing::new([lost, &rest].concat());
        match self.follow(&once, 0, &Start::Archive, layers)? {
            Bottom::Archive { bytes, is_cut, .. } => Some(Bottom::Archive { bytes, to, is_cut }),
            token @ Bottom::Token(_) => Some(token),
        }
    }

    fn work(&mut self, bytes: usize) {
        self.work_bytes = self.work_bytes.saturating_sub(bytes.max(64));
    }
}

/// Whether bytes begin as a compressed file or an archive does.
fn is_compressed(bytes: &[u8]) -> bool {
    match bytes {
        [0x1F, 0x8B, 0x08, flags, ..] => *flags < 0x20,
        [b'P', b'K', 3, 4, ..] | [0xFD, b'7', b'z', b'X', b'Z', 0, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..] => true,
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] => rest.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]),
        _ => false,
    }
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
