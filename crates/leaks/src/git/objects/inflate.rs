//! Inflates what lies at a place of a file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use flate2::{Decompress, FlushDecompress, Status};

use super::fault::{broken, system};
use super::file::{Span, Window};
use crate::Why;

/// Inflates, with buffers that are kept; one for each thread.
#[derive(Debug)]
pub(super) struct Inflater {
    zlib: Decompress,
    window: Window,
}

const PIECE_BYTES: usize = 128 << 10;
/// Room for the decoder's fast path, which looks and writes ahead.
const SLACK_BYTES: usize = 320;
/// Deflate makes at most so many bytes of one.
const MAX_RATIO: u64 = 1_032;

impl<'a> Span<'a> {
    /// Inflates it as it is read, for what is too large for a buffer.
    pub(super) fn stream(self) -> impl Read + 'a {
        let region = Region { file: self.file, at: self.start, end: self.end };
        flate2::bufread::ZlibDecoder::new(BufReader::with_capacity(PIECE_BYTES, region))
    }
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { zlib: Decompress::new(true), window: Window::default() }
    }

    /// The bytes from the start of a span, as [`Window::at`].
    pub(super) fn peek(&mut self, span: Span<'_>, want: usize, ahead: usize) -> Result<&[u8], Why> {
        self.window.at(span, want, ahead).map_err(|error| system(&error))
    }

    /// Inflates exactly `size_bytes`, and returns how long that was before. The caller has checked the size.
    pub(super) fn inflate(&mut self, span: Span<'_>, size_bytes: u64, out: &mut Vec<u8>) -> Result<u64, Why> {
        let length = span.end.saturating_sub(span.start);
        if size_bytes > length.saturating_mul(MAX_RATIO).saturating_add(64) {
            return Err(broken("it says to be longer than it can be"));
        }
        let size =
            usize::try_from(size_bytes).map_err(|_cause| broken("it says to be longer than it can be"))?;
        out.clear();
        out.reserve_exact(size + SLACK_BYTES);
        self.zlib.reset(true);
        loop {
            let left = length.saturating_sub(self.zlib.total_in());
            // Where it ends may not be known: it is hardly longer than what it makes.
            let likely = size_bytes.saturating_add(size_bytes / 64 + 64).min(PIECE_BYTES as u64);
            let want = usize::try_from(left.min(likely)).unwrap_or(PIECE_BYTES);
            let rest = Span { start: span.start + self.zlib.total_in(), ..span };
            let input = self.window.at(rest, want, want).map_err(|error| system(&error))?;
            let is_all = input.len() as u64 >= left;
            let flush = if is_all { FlushDecompress::Finish } else { FlushDecompress::None };
            let before = (self.zlib.total_in(), out.len());
            let status = self
                .zlib
                .decompress_vec(input, out, flush)
                .map_err(|_cause| broken("it cannot be inflated"))?;
            match status {
                Status::StreamEnd if out.len() == size => return Ok(self.zlib.total_in()),
                Status::StreamEnd => return Err(broken("it is longer or shorter than it says")),
                _ if out.len() > size => return Err(broken("it is longer than it says")),
                _ if before == (self.zlib.total_in(), out.len()) || is_all => {
                    return Err(broken("it ends before it is whole"));
                }
                _ => {}
            }
        }
    }
}

/// What is too large for a buffer, held to the size that it says; remembers what went wrong.
pub(super) struct Stream<R> {
    content: R,
    left: u64,
    fault: Option<Why>,
}

impl<R: Read> Stream<R> {
    /// Of content that is inflated as it is read.
    pub(super) fn new(content: R, size_bytes: u64) -> Self {
        Self { content, left: size_bytes, fault: None }
    }

    /// What went wrong, if something did.
    pub(super) fn into_fault(self) -> Option<Why> {
        self.fault
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() || self.fault.is_some() {
            return Ok(0);
        }
        let count = match self.content.read(room) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.fault = Some(broken("it cannot be inflated"));
                return Err(error);
            }
        };
        let more = count as u64;
        if more > self.left || (more == 0 && self.left > 0) {
            self.fault = Some(broken("it is longer or shorter than it says"));
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        self.left -= more;
        Ok(count)
    }
}

/// A part of a file, from its front to its end.
struct Region<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Region<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = room.len().min(left);
        let count = self.file.read_at(room.get_mut(..length).unwrap_or_default(), self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
