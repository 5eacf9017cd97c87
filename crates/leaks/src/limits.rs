//! How much is read.

use std::time::Duration;

/// Bounds of a scan. What lies beyond one is [`Unread`](crate::Unread).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one git object, decoded; a larger one is read in pieces if it is no delta, and passed by if it is.
    pub max_object_bytes: u64,
    /// How many times its size, and 8 MiB more, a pack may be decoded to: short deltas can make much.
    pub max_expansion: u64,
    /// How long the objects of one repository are read: what is left then is passed by. None for as long as it takes.
    pub max_time: Option<Duration>,
    /// Of what has to be in memory at once: a zip within an archive, a `SQLite` file, what base64 holds.
    pub max_buffer_bytes: usize,
    /// What the decompressors of one file may hold of what went before, all depths together; xz and zstd ask for much.
    pub max_window_bytes: u64,
    /// Archives within archives.
    pub max_depth: usize,
    /// What one file or object may unpack to, all its members together.
    pub max_unpacked_bytes: u64,
    /// Members of one file or object, all depths together.
    pub max_members: usize,
    /// Findings kept.
    pub max_findings: usize,
    /// Lines about what was not read; more are counted.
    pub max_unread: usize,
    /// Threads that read.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_object_bytes: 64 << 20,
            max_expansion: 500,
            max_time: None,
            max_buffer_bytes: 32 << 20,
            // Half of it goes to the outermost: enough for `xz -9`, which takes a little more than 64 MiB.
            max_window_bytes: 130 << 20,
            max_depth: 8,
            max_unpacked_bytes: 1 << 30,
            max_members: 100_000,
            max_findings: 10_000,
            max_unread: 1_000,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}
