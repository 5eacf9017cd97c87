//! Files of one compressed content: gzip, xz, zstd, bzip2.

use std::io::{self, BufRead, Read};
use std::rc::Rc;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

use super::budget::Bounded;
use super::format::Format;
use super::walk::Walk;
use super::zstd::ZstdReader;

/// Unpacks and searches. An error is the source's own.
pub(super) fn read(walk: &mut Walk<'_>, format: Format, source: &mut dyn BufRead) -> io::Result<()> {
    let window = walk.budget.take_window();
    let outcome = walk.member(format.name(), None, |walk| {
        let decoder = decoder(format, window, source);
        let outcome = walk.stream(&mut Bounded::new(decoder, &Rc::clone(&walk.budget)));
        if let Err(error) = outcome {
            walk.tell_failure(format.name(), &error);
        }
        Ok(())
    });
    walk.budget.give_window(window);
    outcome?;
    // Behind its end, or behind where it is broken.
    walk.rest(source)
}

/// What unpacks a form; `window` bounds what it may hold.
pub(super) fn decoder<'a>(format: Format, window: u64, source: &'a mut dyn BufRead) -> Box<dyn Read + 'a> {
    match format {
        Format::Xz => {
            let kib = u32::try_from(window >> 10).unwrap_or(u32::MAX - 1);
            Box::new(XzReader::new_mem_limit(source, true, kib))
        }
        Format::Zstd => Box::new(ZstdReader::new(source, window)),
        Format::Bzip2 => Box::new(MultiBzDecoder::new(source)),
        _ => Box::new(GzipReader { state: State::Between(source) }),
    }
}

/// All members of a gzip file, as one text.
struct GzipReader<'a> {
    state: State<'a>,
}

enum State<'a> {
    Between(&'a mut dyn BufRead),
    Within(Box<GzDecoder<&'a mut dyn BufRead>>),
    Done,
}

impl Read for GzipReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(0),
                State::Between(source) => {
                    // Zeros behind the last member are padding; what else is there is searched as it lies.
                    if source.fill_buf()?.first() != Some(&0x1f) {
                        return Ok(0);
                    }
                    State::Within(Box::new(GzDecoder::new(source)))
                }
                State::Within(mut decoder) => {
                    let read = decoder.read(into)?;
                    if read > 0 || into.is_empty() {
                        self.state = State::Within(decoder);
                        return Ok(read);
                    }
                    State::Between(decoder.into_inner())
                }
            }
        }
    }
}
