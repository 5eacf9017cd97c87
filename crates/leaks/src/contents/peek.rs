//! Readers over what was read already and what comes after.

use std::io::{self, BufRead, Read};

/// Fills a buffer; true when the reader ended before it was full. `filled` is right after an error too.
pub(super) fn fill(buffer: &mut [u8], filled: &mut usize, reader: &mut dyn Read) -> io::Result<bool> {
    while let Some(room) = buffer.get_mut(*filled..).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(0) => return Ok(true),
            Ok(read) => *filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// The head that was read to tell the form, then the rest.
pub(super) struct Peek<'a> {
    head: &'a [u8],
    rest: io::BufReader<&'a mut dyn Read>,
}

const REST_BYTES: usize = 64 << 10;

impl<'a> Peek<'a> {
    pub(super) fn new(head: &'a [u8], filled: usize, rest: &'a mut dyn Read) -> Self {
        Self {
            head: head.get(..filled).unwrap_or(head),
            rest: io::BufReader::with_capacity(REST_BYTES, rest),
        }
    }
}

impl Read for Peek<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.head.is_empty() { self.rest.read(into) } else { self.head.read(into) }
    }
}

impl BufRead for Peek<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.head.is_empty() { self.rest.fill_buf() } else { Ok(self.head) }
    }

    fn consume(&mut self, amount: usize) {
        if self.head.is_empty() {
            self.rest.consume(amount);
        } else {
            self.head = self.head.get(amount..).unwrap_or_default();
        }
    }
}
