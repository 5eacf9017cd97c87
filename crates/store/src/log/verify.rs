//! Checks a log with nothing but its segments and the public key, in bounded memory.

use std::path::Path;

use model::{Blame, Failure, Report, Retry, StoreError};
use rustix::fs::{FlockOperation, OFlags};

use super::LogHead;
use super::chain::{Chain, FaultKind, Fed, Position, Wrong};
use super::key::LogPublicKey;
use super::line::LineHash;
use super::segment::{Folder, Line, Lines, SegmentName};

/// A log that is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VerifyReport {
    /// The chain; `None` if there are no segments.
    pub node: Option<String>,
    /// How many segments there are.
    pub segments: u64,
    /// How many batches.
    pub batches: u64,
    /// How many events.
    pub events: u64,
    /// Whether the end of the log was compared with the head that the store knows.
    pub head_compared: bool,
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Name of the segment's file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// What is wrong.
    pub kind: FaultKind,
    /// The same for a person.
    pub why: String,
}

/// What a caller may branch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyErrorKind {
    /// The log is not as it was written.
    Broken(Box<Fault>),
    /// It cannot be read.
    Unavailable,
}

/// Why a log does not verify.
pub type VerifyError = Failure<VerifyErrorKind>;

/// Checks all segments in `folder`: every line, every signature, every link, up to `expected` and beyond.
///
/// Without `expected` (the head that the store knows, [`crate::SqliteStore::log_head`]) it cannot be seen that
/// whole batches are missing at the end of the log: what is there is then still a good log, only a shorter one.
pub fn verify(
    folder: &Path,
    key: &LogPublicKey,
    expected: Option<&LogHead>,
) -> Result<VerifyReport, VerifyError> {
    let folder = Folder::open(folder).map_err(unavailable)?;
    // Others may append meanwhile; under the lock no batch is half written, so what is there now is checked.
    let lock = folder.lock(FlockOperation::LockShared).map_err(unavailable)?;
    let segments = folder.segments().map_err(unavailable)?;
    drop(lock);
    let mut walk = Walk {
        chain: Chain::start(*key, expected.map(|head| head.node.clone())),
        expected,
        last: (String::new(), 0),
        met: expected.is_none_or(|head| head.batch == 0),
    };
    let count = segments.len() as u64;
    for (index, (name, len)) in (1..).zip(&segments) {
        walk.segment(&folder, name, *len, index == count)?;
    }
    if let (false, Some(head)) = (walk.met, expected) {
        let why = format!(
            "the log ends with batch {}, but the store knows of batch {}",
            walk.chain.batches, head.batch
        );
        let (file, line) = walk.last;
        return Err(broken(file, Wrong { line, kind: FaultKind::TailCut, why }));
    }
    Ok(VerifyReport {
        node: walk.chain.node,
        segments: count,
        batches: walk.chain.batches,
        events: walk.chain.events,
        head_compared: expected.is_some(),
    })
}

struct Walk<'a> {
    chain: Chain,
    expected: Option<&'a LogHead>,
    /// Where the last line was.
    last: (String, u64),
    /// The expected head was there.
    met: bool,
}

impl Walk<'_> {
    fn segment(
        &mut self,
        folder: &Folder,
        name: &SegmentName,
        len: u64,
        last: bool,
    ) -> Result<(), VerifyError> {
        let failed = |error: std::io::Error| unavailable(folder.failed("read", name, &error));
        let wrong = |line: u64, kind, why: String| broken(name.to_string(), Wrong { line, kind, why });
        let opened = folder.open_segment(name, OFlags::RDONLY).map_err(unavailable)?;
        let Some(file) = opened else {
            return Err(wrong(1, FaultKind::SegmentRemoved, "the segment vanished".to_owned()));
        };
        let mut lines = Lines::new(file, 0, len).map_err(failed)?;
        while let Some(line) = lines.next().map_err(failed)? {
            match line {
                Line::Whole => {}
                Line::Partial if last => {
                    let why = "the last line is not whole".to_owned();
                    let from = self.chain.pending_from().unwrap_or(lines.number);
                    return Err(wrong(from, FaultKind::TornTail, why));
                }
                Line::Partial => {
                    return Err(wrong(
                        lines.number,
                        FaultKind::LineChanged,
                        "the line is not whole".to_owned(),
                    ));
                }
                Line::TooLong => {
                    let why = "the line is longer than any line of a log".to_owned();
                    return Err(wrong(lines.number, FaultKind::LineChanged, why));
                }
            }
            self.line(name, lines.number, &lines.line).map_err(|wrong| broken(name.to_string(), wrong))?;
        }
        self.last = (name.to_string(), lines.number.max(1));
        if lines.number == 0 {
            return Err(wrong(1, FaultKind::TornTail, "the segment is empty".to_owned()));
        }
        match (self.chain.pending_from(), last) {
            (None, _) => Ok(()),
            (Some(line), true) => {
                let why = "the line that closes this batch is missing".to_owned();
                Err(wrong(line, FaultKind::TornTail, why))
            }
            (Some(line), false) => {
                let why = "the end of this segment is missing".to_owned();
                Err(wrong(line, FaultKind::SegmentRemoved, why))
            }
        }
    }

    fn line(&mut self, name: &SegmentName, number: u64, line: &[u8]) -> Result<(), Wrong> {
        let first = number == 1;
        match self.chain.feed(number, line)? {
            Fed::Segment if !first => {
                let why = "a segment begins in the middle of a file".to_owned();
                Err(Wrong { line: number, kind: FaultKind::LineInserted, why })
            }
            Fed::Segment => self.named(name, number),
            Fed::Batch => self.compare(number, line),
            Fed::Event | Fed::Checkpoint => Ok(()),
        }
    }

    /// A segment's file is named for what its first line says.
    fn named(&self, name: &SegmentName, number: u64) -> Result<(), Wrong> {
        let said = (self.chain.node.as_deref(), self.chain.position);
        if said == (Some(&name.node), Position::Open(name.number)) {
            return Ok(());
        }
        let why = format!("the file is named otherwise than the segment in it, {}", self.chain.segment());
        Err(Wrong { line: number, kind: FaultKind::Foreign, why })
    }

    fn compare(&mut self, number: u64, line: &[u8]) -> Result<(), Wrong> {
        let Some(head) = self.expected.filter(|head| head.batch == self.chain.batches) else { return Ok(()) };
        self.met = true;
        if LineHash::of_line(line) == head.hash {
            return Ok(());
        }
        let why = format!("batch {} is not the one that the store knows", head.batch);
        Err(Wrong { line: number, kind: FaultKind::TailCut, why })
    }
}

fn broken(file: String, wrong: Wrong) -> VerifyError {
    let fault = Fault { file, line: wrong.line, kind: wrong.kind, why: wrong.why };
    let (blame, retry) = match fault.kind {
        FaultKind::TornTail => (Blame::Operator, Retry::Later(None)),
        _ => (Blame::Hostile, Retry::Never),
    };
    let what = if fault.file.is_empty() {
        "the audit log is not as it was written".to_owned()
    } else {
        format!("the audit log is not as it was written: `{}` line {}", fault.file, fault.line)
    };
    let report = Report::new(blame, retry, what).because(fault.why.clone());
    VerifyError::new(VerifyErrorKind::Broken(Box::new(fault)), report)
}

fn unavailable(error: StoreError) -> VerifyError {
    Failure { kind: VerifyErrorKind::Unavailable, report: error.report }
}
