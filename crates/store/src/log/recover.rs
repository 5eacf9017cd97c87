//! Finds the end of the log after a start, a crash, or another process's batch; cuts off half a batch.
//!
//! The store knows the head of the log (written after each batch). What lies before it must be there as it was;
//! what lies beyond it was written by a process that died before it could tell the store.

use std::io::Read as _;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};
use rustix::fs::OFlags;

use super::LogHead;
use super::append::{Appender, Tail};
use super::chain::{Chain, Fed, Position};
use super::line::{LINE_MAX_BYTES, LineHash, event_json, open_signed};
use super::relay::BATCH_MAX_BYTES;
use super::segment::{Line, Lines, SegmentName};

/// A batch and its closing line are never longer.
const TORN_MAX_BYTES: u64 = BATCH_MAX_BYTES as u64 + 2 * LINE_MAX_BYTES as u64;

/// The tail, and the ids of the events beyond `known`.
pub(crate) fn find_tail(
    appender: &Appender,
    known: Option<&LogHead>,
) -> Result<(Tail, Vec<String>), StoreError> {
    let chain = Chain::start(appender.public(), Some(appender.node.clone()));
    let mut scan = Scan { appender, chain, head: known.cloned(), ahead: Vec::new() };
    let (mut segment, mut offset) = (1, 0);
    if let Some(head) = known {
        scan.resume(head)?;
        (segment, offset) = (head.segment, head.end);
    }
    let mut open = None;
    loop {
        let name = appender.name(segment);
        let Some((_, len)) = appender.folder.identity(&name) else { break };
        let good = scan.read(&name, offset, len)?;
        if good == 0 {
            // Not even its first line was whole; it will be made anew.
            appender.folder.remove_segment(&name)?;
            break;
        }
        open = Some(appender.open_to_append(name, good)?);
        (segment, offset) = (segment + 1, 0);
    }
    Ok((Tail { chain: scan.chain, open, head: scan.head }, scan.ahead))
}

struct Scan<'a> {
    appender: &'a Appender,
    chain: Chain,
    head: Option<LogHead>,
    ahead: Vec<String>,
}

impl Scan<'_> {
    /// Goes to the head that the store knows, which must be there as it was.
    fn resume(&mut self, head: &LogHead) -> Result<(), StoreError> {
        let name = self.appender.name(head.segment);
        let missing = || broken(format!("segment `{name}` is missing or was cut short"));
        let file = self.appender.folder.open_segment(&name, OFlags::RDONLY)?.ok_or_else(missing)?;
        let len = file.metadata().map_err(|error| self.failed(&name, &error))?.len();
        if len < head.end {
            return Err(missing());
        }
        let from = head.end.saturating_sub(LINE_MAX_BYTES as u64 + 1);
        let mut lines = Lines::new(file, from, head.end).map_err(|error| self.failed(&name, &error))?;
        let mut last = None;
        while let Some(line) = lines.next().map_err(|error| self.failed(&name, &error))? {
            last = (line == Line::Whole).then(|| LineHash::of_line(&lines.line));
        }
        if last != Some(head.hash) {
            return Err(broken(format!("batch {} in segment `{name}` is not as it was written", head.batch)));
        }
        self.chain.position = Position::Open(head.segment);
        self.chain.last = head.hash;
        self.chain.batches = head.batch;
        self.chain.events = head.events;
        Ok(())
    }

    /// Reads on from `offset`; gives the end of the last good signed line, to which the file was cut.
    fn read(&mut self, name: &SegmentName, offset: u64, len: u64) -> Result<u64, StoreError> {
        let opened = self.appender.folder.open_segment(name, OFlags::RDONLY)?;
        let file = opened.ok_or_else(|| broken(format!("segment `{name}` vanished")))?;
        let mut lines = Lines::new(file, offset, len).map_err(|error| self.failed(name, &error))?;
        let (mut good, mut ids) = (offset, Vec::new());
        let why = loop {
            match lines.next().map_err(|error| self.failed(name, &error))? {
                None if self.chain.pending_from().is_none() => return Ok(good),
                None => break "it ends in half a batch".to_owned(),
                Some(Line::Whole) => {}
                Some(Line::Partial | Line::TooLong) => break "it ends in half a line".to_owned(),
            }
            match self.chain.feed(lines.number, &lines.line) {
                Ok(Fed::Event) => ids.extend(event_id(&lines.line)),
                Ok(fed) => {
                    good = lines.offset;
                    self.ahead.append(&mut ids);
                    if fed == Fed::Batch {
                        self.head = Some(self.head_at(name, good));
                    }
                }
                Err(wrong) => break wrong.why,
            }
        };
        self.chain.forget_pending();
        self.cut(name, good, len, &why)?;
        Ok(good)
    }

    /// Cuts off what follows `good`, if it can only be a batch that was not written whole.
    fn cut(&self, name: &SegmentName, good: u64, len: u64, why: &str) -> Result<(), StoreError> {
        let refused = |more: &str| Err(broken(format!("segment `{name}`: {why}; {more}")));
        if len - good > TORN_MAX_BYTES {
            return refused("what follows is more than one batch");
        }
        let next = self.appender.name(name.number + 1);
        if self.appender.folder.identity(&next).is_some() {
            return refused("another segment follows");
        }
        if self.signed_lines_follow(name, good, len)? {
            return refused("signed lines follow");
        }
        let flags = OFlags::WRONLY;
        let opened = self.appender.folder.open_segment(name, flags)?;
        let file = opened.ok_or_else(|| broken(format!("segment `{name}` vanished")))?;
        let cut = file.set_len(good).and_then(|()| file.sync_all());
        cut.map_err(|error| self.failed(name, &error))
    }

    /// Whether there are signed lines that no unfinished write could have: any but the next one, at the very
    /// end. (It may lack its line feed; after a power cut it may be there and the lines above it not.)
    fn signed_lines_follow(&self, name: &SegmentName, good: u64, len: u64) -> Result<bool, StoreError> {
        let opened = self.appender.folder.open_segment(name, OFlags::RDONLY)?;
        let file = opened.ok_or_else(|| broken(format!("segment `{name}` vanished")))?;
        let lines = Lines::new(file, good, len).map_err(|error| self.failed(name, &error))?;
        let mut rest = Vec::new();
        lines.into_rest().read_to_end(&mut rest).map_err(|error| self.failed(name, &error))?;
        let rest = rest.strip_suffix(b"\n").unwrap_or(&rest);
        let mut left = rest.split(|byte| *byte == b'\n').peekable();
        while let Some(line) = left.next() {
            if let Ok(signed) = open_signed(&self.appender.public(), line)
                && !(signed.previous() == self.chain.last && left.peek().is_none())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn head_at(&self, name: &SegmentName, end: u64) -> LogHead {
        LogHead {
            node: name.node.clone(),
            batch: self.chain.batches,
            hash: self.chain.last,
            events: self.chain.events,
            segment: name.number,
            end,
        }
    }

    fn failed(&self, name: &SegmentName, error: &std::io::Error) -> StoreError {
        self.appender.folder.failed("read", name, error)
    }
}

fn event_id(line: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_slice::<Id>(event_json(line)?).ok().map(|event| event.id)
}

/// The log was changed behind our back; nothing is appended to it.
fn broken(why: String) -> StoreError {
    let what = "the audit log does not go on from where the store left it";
    let report = Report::new(Blame::Hostile, Retry::AfterFix, what)
        .because(why)
        .mend("keywright log verify")
        .mend("put the log folder back as it was together with this store");
    StoreError::new(StoreErrorKind::Unavailable, report)
}
