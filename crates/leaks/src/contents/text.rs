//! Plain bytes, searched: whole, or in pieces that overlap.

use std::io::{self, Read};

use detector::{ALLOW_MARK, Anchored, Embedded, Found, Hit, Layer, MARGIN};
use memchr::memmem;

use super::Sighting;
use super::peek::fill;
use super::walk::Walk;
use crate::{Why, Wrapping};

/// Whether places in some bytes have lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Counted,
    None,
}

/// The part of some bytes whose hits count: the rest counts with the piece before or after.
struct Scope<'b> {
    bytes: &'b [u8],
    from: usize,
    to: usize,
    lines: Lines,
    start: Position,
}

impl Scope<'_> {
    fn has(&self, at: usize) -> bool {
        (self.from..self.to).contains(&at)
    }
}

impl Walk<'_> {
    /// Searches text that is in memory.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.whole(bytes, Lines::Counted, Anchored::ALL);
    }

    /// The same, where no other anchors than these can be; which of them there are.
    pub(super) fn text_with(&mut self, bytes: &[u8], anchored: Anchored) -> Anchored {
        self.whole(bytes, Lines::Counted, anchored)
    }

    /// Searches what has no lines: a name, a record of a database.
    pub(super) fn fragment(&mut self, bytes: &[u8]) {
        self.whole(bytes, Lines::None, Anchored::ALL);
    }

    fn whole(&mut self, bytes: &[u8], lines: Lines, anchored: Anchored) -> Anchored {
        self.count_bytes(bytes.len());
        let found = self.contents.detector.search_for(bytes, anchored);
        let anchored = found.anchored;
        let scope = Scope { bytes, from: 0, to: bytes.len(), lines, start: Position::start() };
        self.take(found, &scope);
        anchored
    }

    /// Searches text that is read in pieces; `filled` of the buffer is read already.
    pub(super) fn pieces(
        &mut self,
        buffer: &mut Vec<u8>,
        mut filled: usize,
        reader: &mut dyn Read,
    ) -> io::Result<()> {
        let mut start = Position::start();
        let mut from = 0;
        let mut counted = 0;
        let piece_bytes = buffer.len();
        loop {
            let end = fill(buffer, &mut filled, reader);
            let bytes = buffer.get(..filled).unwrap_or_default();
            let is_last = !matches!(end, Ok(false));
            let to = if is_last { filled } else { filled.saturating_sub(MARGIN) };
            let mut found = self.contents.detector.search(bytes);
            if !is_last && found.embedded.iter().any(|one| one.at >= from && may_go_on(one, filled)) {
                let room = self.contents.limits.max_buffer_bytes;
                if buffer.len() < room {
                    buffer.resize((buffer.len() * 2).min(room), 0);
                    continue;
                }
                for one in &mut found.embedded {
                    one.is_cut |= may_go_on(one, filled);
                }
            }
            self.count_bytes(filled.saturating_sub(counted));
            self.take(found, &Scope { bytes, from, to, lines: Lines::Counted, start });
            if is_last {
                buffer.truncate(piece_bytes);
                return end.map(drop);
            }
            // So that each place has a margin before and behind it in one of the pieces.
            let keep_from = to.saturating_sub(MARGIN);
            start.advance(bytes.get(..keep_from).unwrap_or_default());
            buffer.copy_within(keep_from..filled, 0);
            filled -= keep_from;
            counted = filled;
            from = to - keep_from;
            buffer.truncate(piece_bytes);
        }
    }

    /// Notes what was found in scope.
    fn take(&mut self, found: Found, scope: &Scope<'_>) {
        if found.is_exhausted {
            self.tell_once("encodings");
        }
        let mut place = scope.start;
        let mut hits = found.hits;
        hits.retain(|hit| scope.has(hit.at));
        hits.sort_by_key(|hit| hit.at);
        for hit in hits {
            place.advance_to(scope.start, scope.bytes, hit.at);
            self.sight(hit, scope, place);
        }
        if !self.is_aside {
            for one in found.embedded {
                if scope.has(one.at) {
                    self.embedded(&one);
                }
            }
        }
    }

    fn sight(&mut self, hit: Hit, scope: &Scope<'_>, place: Position) {
        if self.seen.sightings.len() >= self.contents.limits.max_findings {
            self.seen.more_sightings += 1;
            return;
        }
        let has_lines = scope.lines == Lines::Counted;
        let is_allowed_inline = has_lines && has_mark(scope.bytes, hit.at);
        let mut wrapping = self.wrapping.clone();
        wrapping.extend(hit.layers.into_iter().map(Wrapping::Layer));
        self.seen.sightings.push(Sighting {
            token: hit.token,
            wrapping,
            line: has_lines.then_some(place.line),
            column: has_lines.then_some(place.column()),
            is_allowed_inline,
        });
    }

    /// What was encoded, and begins as an archive does.
    fn embedded(&mut self, one: &Embedded) {
        let depth = self.wrapping.len();
        self.wrapping.extend(one.layers.iter().copied().map(Wrapping::Layer));
        if one.is_cut {
            self.tell(Why::Limit("max_buffer_bytes"));
        }
        self.bytes(&one.bytes);
        self.wrapping.truncate(depth);
    }

    fn count_bytes(&mut self, bytes: usize) {
        if !self.is_aside {
            self.seen.tally.bytes += bytes as u64;
        }
    }
}

/// Whether an encoded archive may reach beyond the end of what is in memory.
fn may_go_on(one: &Embedded, end: usize) -> bool {
    let mut bytes = one.bytes.len();
    for layer in &one.layers {
        // The most that a byte takes, with a break of line every 76.
        let factor = match layer {
            Layer::Base64 | Layer::Utf16 => 2,
            Layer::Split => 1,
            Layer::Percent => 3,
            Layer::Utf32 | Layer::Octal => 4,
            Layer::Decimal => 5,
            Layer::Hex | Layer::Html | Layer::Unicode => 6,
        };
        bytes = bytes.saturating_mul(factor);
    }
    one.at.saturating_add(bytes).saturating_add(MARGIN) >= end
}

/// Whether the line at a place is marked as allowed.
fn has_mark(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(at.saturating_sub(MARGIN)..at).unwrap_or_default();
    let behind = bytes.get(at..at.saturating_add(MARGIN).min(bytes.len())).unwrap_or_default();
    let begin = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', behind).unwrap_or(behind.len());
    let line = [before.get(begin..).unwrap_or_default(), behind.get(..end).unwrap_or_default()].concat();
    if memmem::find(&line, ALLOW_MARK.as_bytes()).is_some() {
        return true;
    }
    // Two bytes a character.
    line.contains(&0) && {
        let narrow: Vec<u8> = line.into_iter().filter(|&byte| byte != 0).collect();
        memmem::find(&narrow, ALLOW_MARK.as_bytes()).is_some()
    }
}

/// A place in a text.
#[derive(Clone, Copy)]
struct Position {
    at: u64,
    line: u64,
    line_starts_at: u64,
}

impl Position {
    fn start() -> Self {
        Self { at: 0, line: 1, line_starts_at: 0 }
    }

    /// Goes over the bytes that follow.
    fn advance(&mut self, bytes: &[u8]) {
        if let Some(last) = memchr::memrchr(b'\n', bytes) {
            self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
            self.line_starts_at = self.at + last as u64 + 1;
        }
        self.at += bytes.len() as u64;
    }

    /// Goes on to a place in bytes that begin at `start`.
    fn advance_to(&mut self, start: Self, bytes: &[u8], to: usize) {
        let done = usize::try_from(self.at - start.at).unwrap_or(usize::MAX);
        self.advance(bytes.get(done..to).unwrap_or_default());
    }

    fn column(self) -> u64 {
        self.at - self.line_starts_at + 1
    }
}
