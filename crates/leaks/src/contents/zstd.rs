//! All frames of a zstd file, as one text.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// A last block that is empty, and room for a checksum.
const END_OF_FRAME: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

pub(super) struct ZstdReader<'a> {
    source: &'a mut dyn BufRead,
    decoder: FrameDecoder,
    /// What is told when all that could be decoded has been given.
    failure: Option<io::Error>,
}

impl<'a> ZstdReader<'a> {
    pub(super) fn new(source: &'a mut dyn BufRead, max_window_bytes: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(max_window_bytes);
        Self { source, decoder, failure: None }
    }

    /// Begins the next frame; false at the end of the source.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(
                    FrameDecoderError::WindowSizeTooBig { .. }
                    | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { .. }),
                ) => {
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                Err(FrameDecoderError::DictNotProvided { .. }) => {
                    return Err(io::ErrorKind::Unsupported.into());
                }
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Decodes a block; a frame that breaks is closed, so that what it has is given.
    fn decode(&mut self) {
        if self.decoder.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1)).is_ok() {
            return;
        }
        let is_at_end = self.source.fill_buf().map_or(true, <[u8]>::is_empty);
        let kind = if is_at_end { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
        self.failure = Some(kind.into());
        if !self.decoder.is_finished() {
            // An empty block has nothing to fail on; if it did, what is left would be lost, and the failure told all the same.
            drop(self.decoder.decode_blocks(&END_OF_FRAME[..], BlockDecodingStrategy::UptoBlocks(1)));
        }
    }
}

impl Read for ZstdReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(into);
            }
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if !self.decoder.is_finished() {
                self.decode();
            } else if !self.begin()? {
                return Ok(0);
            }
        }
    }
}
