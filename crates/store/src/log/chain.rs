//! The rules of the chain: which line may follow which. Pure; lines come in one after the other.

use super::key::LogPublicKey;
use super::line::{
    BATCH_MAX_EVENTS, BatchLine, CheckpointLine, FORMAT, LineHash, LinesHash, Mark, NotSigned, SegmentLine,
    Signed, event_json, marks_from_text, open_signed,
};

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A line is not as it was written.
    LineChanged,
    /// A line is not there any more.
    LineRemoved,
    /// Lines stand in another order.
    LinesReordered,
    /// A line was put in, or is there twice.
    LineInserted,
    /// A batch is not there any more.
    BatchRemoved,
    /// A segment, or its end, is not there any more.
    SegmentRemoved,
    /// Signed by another key, or of another chain.
    Foreign,
    /// The end of the last segment is half a batch, as a crash leaves it; the next write mends it.
    TornTail,
    /// The log ends before the head that the store knows, or has another history.
    TailCut,
}

/// The first bad line, within its segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) line: u64,
    pub(crate) kind: FaultKind,
    pub(crate) why: String,
}

/// What a good line was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    Event,
    Segment,
    Batch,
    Checkpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Start,
    Open(u64),
    Closed(u64),
}

/// How far a chain is known to be good, and what may come next.
pub(crate) struct Chain {
    key: LogPublicKey,
    /// `None` until the first segment line says it, if nobody said it before.
    pub(crate) node: Option<String>,
    pub(crate) position: Position,
    pub(crate) last: LineHash,
    pub(crate) batches: u64,
    pub(crate) events: u64,
    pending: LinesHash,
    pending_lines: Vec<u64>,
}

impl Chain {
    pub(crate) fn start(key: LogPublicKey, node: Option<String>) -> Self {
        Self {
            key,
            node,
            position: Position::Start,
            last: LineHash::NONE,
            batches: 0,
            events: 0,
            pending: LinesHash::new(),
            pending_lines: Vec::new(),
        }
    }

    /// The number of the segment that is open or was closed last; 0 before the first.
    pub(crate) fn segment(&self) -> u64 {
        match self.position {
            Position::Start => 0,
            Position::Open(number) | Position::Closed(number) => number,
        }
    }

    /// The first event line that no batch line has closed yet.
    pub(crate) fn pending_from(&self) -> Option<u64> {
        self.pending_lines.first().copied()
    }

    /// Forgets event lines that no batch line will close.
    pub(crate) fn forget_pending(&mut self) {
        self.pending = LinesHash::new();
        self.pending_lines.clear();
    }

    /// Takes the next line of the segment. After an error, only the event lines not yet closed are forgotten.
    pub(crate) fn feed(&mut self, number: u64, line: &[u8]) -> Result<Fed, Wrong> {
        if event_json(line).is_some() {
            return self.feed_event(number, line);
        }
        let signed = open_signed(&self.key, line).map_err(|why| self.not_signed(number, why))?;
        let fed = match &signed {
            Signed::Segment(segment) => self.feed_segment(number, segment)?,
            Signed::Batch(batch) => self.feed_batch(number, batch)?,
            Signed::Checkpoint(checkpoint) => self.feed_checkpoint(number, checkpoint)?,
        };
        self.last = LineHash::of_line(line);
        Ok(fed)
    }

    fn feed_event(&mut self, number: u64, line: &[u8]) -> Result<Fed, Wrong> {
        if !matches!(self.position, Position::Open(_)) {
            return Err(outside(number));
        }
        if self.pending_lines.len() > BATCH_MAX_EVENTS as usize {
            return Err(wrong(number, FaultKind::BatchRemoved, "more events than a batch may have"));
        }
        self.pending.add(line);
        self.pending_lines.push(number);
        Ok(Fed::Event)
    }

    fn feed_segment(&mut self, number: u64, line: &SegmentLine) -> Result<Fed, Wrong> {
        let expected = self.segment() + 1;
        let found = line.number;
        if line.format != FORMAT {
            let why = format!("format {} is not one that this program knows", line.format);
            return Err(wrong(number, FaultKind::Foreign, why));
        }
        if self.node.as_ref().is_some_and(|node| *node != line.node) {
            return Err(wrong(
                number,
                FaultKind::Foreign,
                format!("segment of another chain, `{}`", line.node),
            ));
        }
        if let Position::Open(open) = self.position {
            return Err(wrong(
                number,
                FaultKind::SegmentRemoved,
                format!("the end of segment {open} is missing"),
            ));
        }
        if found != expected {
            let why = format!("segment {expected} is missing, here is segment {found}");
            return Err(wrong(number, FaultKind::SegmentRemoved, why));
        }
        let totals = (line.batches, line.events) == (self.batches, self.events);
        if line.previous != self.last || !totals {
            let why = format!("segment {found} does not follow the one before it");
            return Err(wrong(number, FaultKind::Foreign, why));
        }
        self.node = Some(line.node.clone());
        self.position = Position::Open(found);
        Ok(Fed::Segment)
    }

    fn feed_batch(&mut self, number: u64, line: &BatchLine) -> Result<Fed, Wrong> {
        let pending = std::mem::replace(&mut self.pending, LinesHash::new());
        let numbers = std::mem::take(&mut self.pending_lines);
        let first = numbers.first().copied().unwrap_or(number);
        let expected = self.batches + 1;
        let found = line.number;
        if !matches!(self.position, Position::Open(_)) {
            return Err(outside(first));
        }
        if found > expected {
            let why = format!("batch {expected} is missing, the next is batch {found}");
            return Err(wrong(first, FaultKind::BatchRemoved, why));
        }
        if found < expected {
            let why = format!("batch {found} stands behind batch {}", self.batches);
            return Err(wrong(first, FaultKind::LineInserted, why));
        }
        if line.previous != self.last {
            let why = format!("batch {found} does not follow the line signed before it");
            return Err(wrong(first, FaultKind::Foreign, why));
        }
        let (lines, marks) = pending.finish();
        if lines != line.lines {
            let wanted = marks_from_text(&line.marks).unwrap_or_default();
            return Err(first_difference(&wanted, &marks, &numbers, number));
        }
        let count = numbers.len() as u64;
        if line.count != count || line.events != self.events + count {
            return Err(wrong(number, FaultKind::Foreign, format!("the counts of batch {found} are wrong")));
        }
        self.batches = found;
        self.events = line.events;
        Ok(Fed::Batch)
    }

    fn feed_checkpoint(&mut self, number: u64, line: &CheckpointLine) -> Result<Fed, Wrong> {
        if let Some(first) = self.pending_from() {
            return Err(wrong(first, FaultKind::LineRemoved, "the line that closes these events is missing"));
        }
        if self.position != Position::Open(line.segment) {
            let why = format!("a checkpoint of segment {} stands here", line.segment);
            return Err(wrong(number, FaultKind::LineInserted, why));
        }
        if line.batches > self.batches {
            let why = format!("batch {} is missing before the checkpoint", self.batches + 1);
            return Err(wrong(number, FaultKind::BatchRemoved, why));
        }
        let totals = (line.batches, line.events) == (self.batches, self.events);
        if line.previous != self.last || !totals {
            return Err(wrong(number, FaultKind::Foreign, "the checkpoint is of another history"));
        }
        self.position = Position::Closed(line.segment);
        Ok(Fed::Checkpoint)
    }

    fn not_signed(&self, number: u64, why: NotSigned) -> Wrong {
        match why {
            NotSigned::Form => wrong(number, FaultKind::LineChanged, "this is not a line of a log"),
            NotSigned::Changed => {
                wrong(number, FaultKind::LineChanged, "the signature of this line does not match it")
            }
            NotSigned::Foreign(key) => {
                let why = format!("signed by key `{key}`, not by `{}`", self.key.id());
                wrong(number, FaultKind::Foreign, why)
            }
        }
    }
}

fn wrong(line: u64, kind: FaultKind, why: impl Into<String>) -> Wrong {
    Wrong { line, kind, why: why.into() }
}

fn outside(line: u64) -> Wrong {
    if line == 1 {
        wrong(line, FaultKind::LineRemoved, "the first line of this segment is missing")
    } else {
        wrong(line, FaultKind::LineInserted, "this line stands behind the end of its segment")
    }
}

/// Names the first line that is not where its batch says. `numbers` are the line numbers of `found`; `end` is
/// that of the batch line.
fn first_difference(wanted: &[Mark], found: &[Mark], numbers: &[u64], end: u64) -> Wrong {
    let place = wanted.iter().zip(found).take_while(|(one, other)| one == other).count();
    let line = numbers.get(place).copied().unwrap_or(end);
    let (Some(want), Some(have)) = (wanted.get(place), found.get(place)) else {
        return if wanted.len() > found.len() {
            wrong(line, FaultKind::LineRemoved, "an event is missing before this line")
        } else {
            wrong(line, FaultKind::LineInserted, "this event is not one of its batch")
        };
    };
    let wanted_later = wanted.iter().skip(place).any(|mark| mark == have);
    let found_later = found.iter().skip(place).any(|mark| mark == want);
    match wanted.len().cmp(&found.len()) {
        std::cmp::Ordering::Greater if wanted_later => {
            wrong(line, FaultKind::LineRemoved, "an event is missing before this line")
        }
        std::cmp::Ordering::Less if found_later => {
            wrong(line, FaultKind::LineInserted, "this event is not one of its batch, or is there twice")
        }
        std::cmp::Ordering::Equal if wanted_later && found_later => {
            wrong(line, FaultKind::LinesReordered, "this event stood in another place of its batch")
        }
        _ => wrong(line, FaultKind::LineChanged, "this event is not as it was written"),
    }
}
