//! The audit log: segment files of JSON lines, grouped into batches that are signed and chained.
//!
//! Events come from an outbox that the store fills in the same transaction as the change they tell of; a relay
//! brings them here, each exactly once. [`verify()`] needs only the segments and the public key. What segments
//! alone cannot show is that whole batches are missing at their end: give it the head that the store knows.

mod append;
mod chain;
mod key;
mod line;
mod read;
mod recover;
mod relay;
mod segment;
mod verify;

use std::path::PathBuf;

pub use chain::FaultKind;
pub use key::{LogPublicKey, LogPublicKeyError};
pub use line::{LINE_MAX_BYTES, LineHash};
pub use read::{LoggedEvent, Reader};
pub use verify::{Fault, VerifyError, VerifyErrorKind, VerifyReport, verify};

pub(crate) use append::Appender;
pub(crate) use key::LogSigningKey;
pub(crate) use line::EVENT_MAX_BYTES;
pub(crate) use relay::{BATCH_MAX_BYTES, BATCH_MAX_ROWS, Outbox, OutboxRow, Relay, RelayLine, Waker};
pub(crate) use segment::Folder;

/// Where the log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The folder of the segments; made if it is not there. It holds one chain.
    pub folder: PathBuf,
    /// A segment that has grown to this size is closed and another begun.
    pub segment_max_bytes: u64,
}

impl LogConfig {
    /// Segments of 8 MiB in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), segment_max_bytes: 8 * 1024 * 1024 }
    }
}

/// The newest batch that the store knows to be in the log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogHead {
    /// The chain.
    pub node: String,
    /// The batch's number.
    pub batch: u64,
    /// The hash of its last line.
    pub hash: LineHash,
    /// Events of the chain up to there.
    pub events: u64,
    /// The segment that it is in.
    pub segment: u64,
    /// Where it ends in its segment, in bytes.
    pub end: u64,
}
