//! The four kinds of lines in a segment, and what their hashes and signatures cover.
//!
//! A signed line is its body with `,"signature":"…"}` in the place of the last brace. The signature covers the
//! body's bytes as they are; a body is parsed only after its signature was checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{StoreError, Timestamp};
use sha2::{Digest as _, Sha256};

use super::key::{LogPublicKey, LogSigningKey};
use crate::error::bug;

/// No line is longer, its end not counted.
pub const LINE_MAX_BYTES: usize = 64 * 1024;
/// A batch has no more events.
pub(crate) const BATCH_MAX_EVENTS: u32 = 1024;
/// An event is no longer, as JSON.
pub(crate) const EVENT_MAX_BYTES: usize = 60 * 1024;
/// The version of the format.
pub(crate) const FORMAT: u32 = 1;

const EVENT_START: &[u8] = b"{\"event\":";
const SIGNATURE_START: &[u8] = b",\"signature\":\"";
const SIGNATURE_CHARS: usize = 86;
const SIGNATURE_END: &[u8] = b"\"}";

/// A line that is signed and chained to the one signed before it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Signed {
    /// The first line of a segment.
    Segment(SegmentLine),
    /// Closes the event lines above it.
    Batch(BatchLine),
    /// The last line of a segment that is full.
    Checkpoint(CheckpointLine),
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentLine {
    pub(crate) format: u32,
    pub(crate) node: String,
    pub(crate) number: u64,
    /// Batches and events in all segments before this one.
    pub(crate) batches: u64,
    pub(crate) events: u64,
    pub(crate) previous: LineHash,
    pub(crate) key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchLine {
    pub(crate) number: u64,
    /// When the newest of its events happened.
    pub(crate) at: Timestamp,
    pub(crate) count: u64,
    /// Events of the chain up to here.
    pub(crate) events: u64,
    pub(crate) previous: LineHash,
    /// Of all event lines, each with its length.
    pub(crate) lines: LineHash,
    /// Eight bytes of each event line's hash, to name the line that was changed.
    pub(crate) marks: String,
    pub(crate) key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckpointLine {
    pub(crate) segment: u64,
    pub(crate) at: Timestamp,
    /// Batches and events of the chain up to here.
    pub(crate) batches: u64,
    pub(crate) events: u64,
    pub(crate) previous: LineHash,
    pub(crate) key: String,
}

/// SHA-256 of a line or of a batch's lines, as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LineHash(pub(crate) [u8; 32]);

impl LineHash {
    /// What stands in front of the first line.
    pub(crate) const NONE: Self = Self([0; 32]);

    pub(crate) fn of_line(line: &[u8]) -> Self {
        Self(Sha256::new().chain_update(b"keywright/log/line/v1\0").chain_update(line).finalize().into())
    }
}

impl std::fmt::Display for LineHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for LineHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LineHash({self})")
    }
}

impl From<LineHash> for String {
    fn from(hash: LineHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for LineHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WHY: &str = "a hash is 64 hex digits";
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(WHY);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_not_utf8| WHY)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_not_hex| WHY)?;
        }
        Ok(Self(bytes))
    }
}

/// Eight bytes of a line's hash.
pub(crate) type Mark = [u8; 8];

/// The event lines above a batch line, as they are hashed.
pub(crate) struct LinesHash {
    hash: Sha256,
    pub(crate) marks: Vec<Mark>,
}

impl LinesHash {
    pub(crate) fn new() -> Self {
        Self { hash: Sha256::new().chain_update(b"keywright/log/lines/v1\0"), marks: Vec::new() }
    }

    pub(crate) fn add(&mut self, line: &[u8]) {
        self.hash.update((line.len() as u64).to_be_bytes());
        self.hash.update(line);
        let LineHash(bytes) = LineHash::of_line(line);
        let mut mark = [0; 8];
        mark.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        self.marks.push(mark);
    }

    pub(crate) fn finish(self) -> (LineHash, Vec<Mark>) {
        (LineHash(self.hash.finalize().into()), self.marks)
    }
}

/// Marks one after the other, in base64.
pub(crate) fn marks_to_text(marks: &[Mark]) -> String {
    URL_SAFE_NO_PAD.encode(marks.as_flattened())
}

pub(crate) fn marks_from_text(text: &str) -> Option<Vec<Mark>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (marks, rest) = bytes.as_chunks::<8>();
    rest.is_empty().then(|| marks.to_vec())
}

/// The line of an event, given as JSON.
pub(crate) fn event_line(json: &str) -> Vec<u8> {
    [EVENT_START, json.as_bytes(), b"}"].concat()
}

/// The event's JSON in its line; `None` if this is another kind of line.
pub(crate) fn event_json(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(EVENT_START)?.strip_suffix(b"}")
}

/// Signs a line.
pub(crate) fn sign(key: &LogSigningKey, signed: &Signed) -> Result<Vec<u8>, StoreError> {
    let body =
        serde_json::to_vec(signed).map_err(|error| bug(format!("cannot write a log line: {error}")))?;
    let signature = URL_SAFE_NO_PAD.encode(key.sign(&body));
    let open = body.strip_suffix(b"}").ok_or_else(|| bug("a log line has no end"))?;
    Ok([open, SIGNATURE_START, signature.as_bytes(), SIGNATURE_END].concat())
}

/// Why a line is not a signed line of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotSigned {
    /// It has not the form of one.
    Form,
    /// It says that another key signed it.
    Foreign(String),
    /// Its signature is not over its bytes.
    Changed,
}

/// Checks a line's signature, then reads it.
pub(crate) fn open_signed(key: &LogPublicKey, line: &[u8]) -> Result<Signed, NotSigned> {
    let rest = line.strip_suffix(SIGNATURE_END).ok_or(NotSigned::Form)?;
    let (rest, text) = rest.split_last_chunk::<SIGNATURE_CHARS>().ok_or(NotSigned::Form)?;
    let open = rest.strip_suffix(SIGNATURE_START).ok_or(NotSigned::Form)?;
    let body = [open, b"}"].concat();
    let signature = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    if !signature.is_some_and(|signature| key.verifies(&body, &signature)) {
        return Err(match parse(&body) {
            Some(signed) if signed.key() != key.id().to_string() => {
                NotSigned::Foreign(signed.key().to_owned())
            }
            _ => NotSigned::Changed,
        });
    }
    parse(&body).ok_or(NotSigned::Form)
}

fn parse(body: &[u8]) -> Option<Signed> {
    serde_json::from_slice(body).ok()
}

impl Signed {
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Segment(line) => &line.key,
            Self::Batch(line) => &line.key,
            Self::Checkpoint(line) => &line.key,
        }
    }

    pub(crate) fn previous(&self) -> LineHash {
        match self {
            Self::Segment(line) => line.previous,
            Self::Batch(line) => line.previous,
            Self::Checkpoint(line) => line.previous,
        }
    }
}
