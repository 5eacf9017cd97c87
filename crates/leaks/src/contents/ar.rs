//! `ar`, as Debian's packages and static libraries have it.

use std::io::{self, BufRead, Read};

use super::budget::Part;
use super::peek::fill;
use super::walk::Walk;
use crate::Why;

const HEADER_BYTES: usize = 60;
const MAGIC_BYTES: u64 = 8;
const FORMAT: &str = "ar";

/// Searches all members. An error is the source's own.
pub(super) fn read(walk: &mut Walk<'_>, source: &mut dyn BufRead) -> io::Result<()> {
    io::copy(&mut (&mut *source).take(MAGIC_BYTES), &mut io::sink())?;
    let mut header = [0; HEADER_BYTES];
    loop {
        let mut filled = 0;
        fill(&mut header, &mut filled, source)?;
        let Some((name, size)) = parse(&header).filter(|_| filled == HEADER_BYTES) else {
            if filled > 0 {
                walk.tell(Why::Broken(format!("{FORMAT}: no header where one has to be")));
            }
            let held = io::Cursor::new(header.get(..filled).unwrap_or_default());
            return walk.rest(&mut io::BufReader::new(held.chain(source)));
        };
        let mut part = Part::new(source, size);
        if size > 0 {
            walk.member(FORMAT, Some(name), |walk| walk.stream(&mut part))?;
        }
        io::copy(&mut part, &mut io::sink())?;
        if part.is_short {
            walk.tell(Why::Broken(format!("{FORMAT}: it ends within a member")));
            return Ok(());
        }
        io::copy(&mut (&mut *source).take(size % 2), &mut io::sink())?;
    }
}

/// The name and the size of a member.
fn parse(header: &[u8; HEADER_BYTES]) -> Option<(&[u8], u64)> {
    if !header.ends_with(b"`\n") {
        return None;
    }
    let name = header.get(..16)?.trim_ascii_end();
    let size = std::str::from_utf8(header.get(48..58)?.trim_ascii()).ok()?.parse().ok()?;
    Some((name.strip_suffix(b"/").unwrap_or(name), size))
}
