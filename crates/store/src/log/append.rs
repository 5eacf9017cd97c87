//! Appends batches to the newest segment. Everything here is done under the folder's lock.

use std::fs::File;
use std::io::Write as _;

use model::{StoreError, Timestamp};
use rustix::fs::{FlockOperation, OFlags};

use super::LogHead;
use super::chain::{Chain, Position};
use super::key::{LogPublicKey, LogSigningKey};
use super::line::{
    BatchLine, CheckpointLine, FORMAT, LineHash, LinesHash, SegmentLine, Signed, event_line, marks_to_text,
    sign,
};
use super::segment::{Folder, Lock, SegmentName};

/// Where the next line goes.
pub(crate) struct Tail {
    pub(crate) chain: Chain,
    /// The newest segment; `None` before the first.
    pub(crate) open: Option<OpenSegment>,
    /// The newest batch; `None` before the first.
    pub(crate) head: Option<LogHead>,
}

pub(crate) struct OpenSegment {
    pub(crate) name: SegmentName,
    pub(crate) file: File,
    pub(crate) inode: u64,
    pub(crate) end: u64,
}

/// Writes one chain.
pub(crate) struct Appender {
    pub(crate) folder: Folder,
    pub(crate) node: String,
    key: LogSigningKey,
    segment_max_bytes: u64,
    tail: Option<Tail>,
}

impl Appender {
    pub(crate) fn new(folder: Folder, node: String, key: LogSigningKey, segment_max_bytes: u64) -> Self {
        Self { folder, node, key, segment_max_bytes, tail: None }
    }

    pub(crate) fn lock(&self) -> Result<Lock, StoreError> {
        self.folder.lock(FlockOperation::LockExclusive)
    }

    pub(crate) fn public(&self) -> LogPublicKey {
        self.key.public()
    }

    pub(crate) fn name(&self, number: u64) -> SegmentName {
        SegmentName { node: self.node.clone(), number }
    }

    /// Makes sure that the next line can be written: the log goes on from `known`, the head that the store
    /// knows, and ends with a whole batch. Gives the ids of the events that are in the log beyond `known`, as
    /// a crash leaves them between the log and the store.
    pub(crate) fn prepare(&mut self, known: Option<&LogHead>) -> Result<Vec<String>, StoreError> {
        if let Some(tail) = &self.tail
            && self.is_current(tail, known)
        {
            return Ok(Vec::new());
        }
        self.tail = None;
        let (tail, ahead) = super::recover::find_tail(self, known)?;
        self.tail = Some(tail);
        Ok(ahead)
    }

    /// The head as the log itself has it, once prepared.
    pub(crate) fn head(&self) -> Option<LogHead> {
        self.tail.as_ref().and_then(|tail| tail.head.clone())
    }

    /// Appends the events, given as JSON, as one durable batch. [`Appender::prepare`] went well before, under
    /// the same lock.
    pub(crate) fn append(&mut self, at: Timestamp, events: &[String]) -> Result<LogHead, StoreError> {
        // Whatever fails, the next call looks at the files again.
        let tail = self.tail.take().ok_or_else(|| crate::error::bug("the log was not prepared"))?;
        let mut tail = self.room(tail, at)?;
        let mut lines = LinesHash::new();
        let mut bytes = Vec::with_capacity(events.iter().map(|event| event.len() + 16).sum());
        for event in events {
            let line = event_line(event);
            lines.add(&line);
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        let (hash, marks) = lines.finish();
        let batch = Signed::Batch(BatchLine {
            number: tail.chain.batches + 1,
            at,
            count: events.len() as u64,
            events: tail.chain.events + events.len() as u64,
            previous: tail.chain.last,
            lines: hash,
            marks: marks_to_text(&marks),
            key: self.public().id().to_string(),
        });
        tail.chain.batches += 1;
        tail.chain.events += events.len() as u64;
        self.write(&mut tail, bytes, &batch)?;
        let open = tail.open.as_ref().ok_or_else(|| crate::error::bug("no segment is open"))?;
        let head = LogHead {
            node: self.node.clone(),
            batch: tail.chain.batches,
            hash: tail.chain.last,
            events: tail.chain.events,
            segment: open.name.number,
            end: open.end,
        };
        tail.head = Some(head.clone());
        self.tail = Some(tail);
        Ok(head)
    }

    /// Nobody else has appended, and the store knows the head that we know.
    fn is_current(&self, tail: &Tail, known: Option<&LogHead>) -> bool {
        let files_are = match &tail.open {
            Some(open) => self.folder.identity(&open.name) == Some((open.inode, open.end)),
            None => self.folder.identity(&self.name(1)).is_none(),
        };
        files_are && tail.head.as_ref() == known
    }

    /// A tail with an open segment that has room.
    fn room(&self, mut tail: Tail, at: Timestamp) -> Result<Tail, StoreError> {
        let full = tail.open.as_ref().is_some_and(|open| open.end >= self.segment_max_bytes);
        if let (Position::Open(segment), true) = (tail.chain.position, full) {
            let checkpoint = Signed::Checkpoint(CheckpointLine {
                segment,
                at,
                batches: tail.chain.batches,
                events: tail.chain.events,
                previous: tail.chain.last,
                key: self.public().id().to_string(),
            });
            self.write(&mut tail, Vec::new(), &checkpoint)?;
            tail.chain.position = Position::Closed(segment);
        }
        if !matches!(tail.chain.position, Position::Open(_)) {
            self.begin_segment(&mut tail)?;
        }
        Ok(tail)
    }

    fn begin_segment(&self, tail: &mut Tail) -> Result<(), StoreError> {
        let number = tail.chain.segment() + 1;
        let name = self.name(number);
        let file = self.folder.create_segment(&name)?;
        let (inode, end) = self
            .folder
            .identity(&name)
            .ok_or_else(|| crate::error::bug("a segment vanished when it was made"))?;
        tail.open = Some(OpenSegment { name, file, inode, end });
        let line = Signed::Segment(SegmentLine {
            format: FORMAT,
            node: self.node.clone(),
            number,
            batches: tail.chain.batches,
            events: tail.chain.events,
            previous: tail.chain.last,
            key: self.public().id().to_string(),
        });
        self.write(tail, Vec::new(), &line)?;
        tail.chain.position = Position::Open(number);
        self.folder.sync()
    }

    /// Writes event lines and the signed line that closes them, durable when it returns.
    fn write(&self, tail: &mut Tail, mut bytes: Vec<u8>, signed: &Signed) -> Result<(), StoreError> {
        let line = sign(&self.key, signed)?;
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        let open = tail.open.as_mut().ok_or_else(|| crate::error::bug("no segment is open"))?;
        let written = open.file.write_all(&bytes).and_then(|()| open.file.sync_data());
        if let Err(error) = written {
            // What could not be written whole is cut off, here or when the log is next prepared.
            let cut = open.file.set_len(open.end);
            let mut failure = self.folder.failed("append to", &open.name, &error);
            failure.report.because.extend(cut.err().map(|error| format!("nor can it be cut: {error}")));
            return Err(failure);
        }
        open.end += bytes.len() as u64;
        tail.chain.last = LineHash::of_line(&line);
        Ok(())
    }

    /// Opens a segment to append to it.
    pub(crate) fn open_to_append(&self, name: SegmentName, end: u64) -> Result<OpenSegment, StoreError> {
        let flags = OFlags::WRONLY | OFlags::APPEND;
        let vanished =
            || self.folder.failed("open", &name, &std::io::Error::other("it is not there any more"));
        let file = self.folder.open_segment(&name, flags)?.ok_or_else(vanished)?;
        let (inode, _) = self.folder.identity(&name).ok_or_else(vanished)?;
        Ok(OpenSegment { name, file, inode, end })
    }
}
