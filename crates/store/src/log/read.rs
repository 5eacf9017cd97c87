//! Reads events out of the log, oldest first. It does not check them; [`super::verify()`] does.

use std::path::Path;

use model::{Event, StoreError};
use rustix::fs::{FlockOperation, OFlags};

use super::line::event_json;
use super::segment::{Folder, Line, Lines, SegmentName};
use crate::error::unavailable;

/// An event, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Name of the segment's file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// The event.
    pub event: Event,
}

/// Gives the events that were in the log when it was opened, one by one, in bounded memory.
pub struct Reader {
    folder: Folder,
    /// Those not begun yet, the next one last.
    segments: Vec<(SegmentName, u64)>,
    current: Option<(SegmentName, Lines)>,
}

impl Reader {
    /// Looks at the folder.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let folder = Folder::open(folder)?;
        let lock = folder.lock(FlockOperation::LockShared)?;
        let mut segments = folder.segments()?;
        drop(lock);
        segments.reverse();
        Ok(Self { folder, segments, current: None })
    }

    fn read(&mut self) -> Result<Option<LoggedEvent>, StoreError> {
        loop {
            let Some((name, lines)) = &mut self.current else {
                let Some((name, len)) = self.segments.pop() else { return Ok(None) };
                if let Some(file) = self.folder.open_segment(&name, OFlags::RDONLY)? {
                    let lines = Lines::new(file, 0, len)
                        .map_err(|error| self.folder.failed("read", &name, &error))?;
                    self.current = Some((name, lines));
                }
                continue;
            };
            let next = lines.next().map_err(|error| self.folder.failed("read", name, &error))?;
            match next {
                Some(Line::Whole) => {
                    let Some(json) = event_json(&lines.line) else { continue };
                    let (file, line) = (name.to_string(), lines.number);
                    let event = serde_json::from_slice(json).map_err(|error| {
                        unavailable(format!("cannot read the audit log: `{file}` line {line}: {error}"))
                    })?;
                    return Ok(Some(LoggedEvent { file, line, event }));
                }
                // Half a line at the end is an event that is still in the outbox.
                None | Some(Line::Partial) => self.current = None,
                Some(Line::TooLong) => {
                    let (file, line) = (name.to_string(), lines.number);
                    return Err(unavailable(format!(
                        "cannot read the audit log: `{file}` line {line} is too long"
                    )));
                }
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<LoggedEvent, StoreError>;

    /// Ends after the first error.
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.read();
        if next.is_err() {
            self.segments.clear();
            self.current = None;
        }
        next.transpose()
    }
}
