//! What can be read here and there.

use std::io::{self, Read, Seek, SeekFrom};

/// A file, or what is in memory.
pub(super) trait Random: Read + Seek {}

impl<T: Read + Seek> Random for T {}

/// Its size.
pub(super) fn size_of(source: &mut dyn Random) -> io::Result<u64> {
    source.seek(SeekFrom::End(0))
}

/// Reads what fits at a place; less at the end.
pub(super) fn read_at(source: &mut dyn Random, at: u64, into: &mut [u8]) -> io::Result<usize> {
    source.seek(SeekFrom::Start(at))?;
    let mut filled = 0;
    super::peek::fill(into, &mut filled, source)?;
    Ok(filled)
}
