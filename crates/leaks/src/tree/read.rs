//! Takes what the walk meets, and lets it be searched.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::io::Errno;

use super::walk::{Met, Visitor};
use super::{Excluded, Reads, Repository};
use crate::{Contents, Limits, Report, Seen, Source, Unread, Why};

/// Files up to this are read in one go, into memory that is used again; larger ones in pieces.
const IN_ONE_GO: usize = 1 << 20;
/// The shortest token is longer than any name below this.
const LONG_NAME: usize = 32;

pub(super) struct Reader<'a> {
    reads: Reads,
    excluded: &'a Excluded,
    contents: &'a Contents,
    limits: &'a Limits,
    report: Report,
    repositories: Vec<Repository>,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        reads: Reads,
        excluded: &'a Excluded,
        contents: &'a Contents,
        limits: &'a Limits,
    ) -> Self {
        let report = Report::default();
        // One byte more tells a file that grows.
        let buffer = if reads == Reads::Files { vec![0; IN_ONE_GO + 1] } else { Vec::new() };
        Self { reads, excluded, contents, limits, report, repositories: Vec::new(), buffer }
    }

    pub(super) fn finish(self) -> (Report, Vec<Repository>) {
        (self.report, self.repositories)
    }

    fn file(&mut self, path: &Path, file: File, size: u64) {
        let mut seen = Seen::default();
        let read = match usize::try_from(size) {
            Ok(size) if size <= IN_ONE_GO => self.small(file, size, &mut seen),
            _ => self.contents.file(file, &mut seen),
        };
        self.report.tally.files += 1;
        if let Err(error) = read {
            self.unread(path, Why::System(error.to_string()));
        }
        self.note(path, seen);
    }

    fn small(&mut self, file: File, size: usize, seen: &mut Seen) -> std::io::Result<()> {
        let mut read = 0;
        while let Some(free) = self.buffer.get_mut(read..).filter(|free| !free.is_empty()) {
            match rustix::io::read(&file, free) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            // All that it said it holds; what is empty by its own word is asked once more, as it may be no plain file.
            if read == size {
                break;
            }
        }
        if read > IN_ONE_GO {
            return self.contents.file(file_from_start(file)?, seen);
        }
        self.contents.bytes(self.buffer.get(..read).unwrap_or_default(), seen);
        Ok(())
    }

    /// A token may be a name, or where a link leads to.
    fn text(&mut self, path: &Path, text: &[u8]) {
        if self.reads == Reads::Files && text.len() >= LONG_NAME {
            let mut seen = Seen::default();
            self.contents.bytes(text, &mut seen);
            for sighting in &mut seen.sightings {
                (sighting.line, sighting.column) = (None, None);
            }
            self.note(path, seen);
        }
    }

    fn note(&mut self, path: &Path, seen: Seen) {
        if seen.sightings.is_empty() && seen.unread.is_empty() {
            self.report.tally += seen.tally;
        } else {
            let source = Source::File(path.to_owned());
            self.report.note_all(&source, path.as_os_str().as_bytes(), seen, self.limits);
        }
    }

    fn unread(&mut self, path: &Path, why: Why) {
        self.report.pass_by(Unread { what: path.as_os_str().as_bytes().to_owned(), why }, self.limits);
    }
}

fn file_from_start(mut file: File) -> std::io::Result<File> {
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}

impl Visitor for Reader<'_> {
    fn enters(&mut self, path: &Path) -> bool {
        let is_excluded = self.excluded.has(path);
        self.report.tally.excluded += u64::from(is_excluded);
        !is_excluded
    }

    fn wants_files(&self) -> bool {
        self.reads == Reads::Files
    }

    fn meets(&mut self, path: &Path, what: Met<'_>) {
        if let Some(name) = path.file_name().map(OsStr::as_bytes) {
            self.text(path, name);
        }
        match what {
            Met::Folder(_) => {}
            Met::Repository(git) => self.repositories.push(Repository { path: path.to_owned(), git }),
            // Whether there is a repository in it, nobody knows.
            Met::Unread(why) => self.unread(path, why),
            _ if self.reads == Reads::RepositoriesOnly => {}
            Met::File(file, size) => self.file(path, file, size),
            Met::Link(to) => {
                self.report.tally.links += 1;
                self.text(path, &to);
            }
            Met::Special => self.report.tally.special += 1,
        }
    }
}
