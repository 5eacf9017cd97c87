//! What could not be read, collected from all threads.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::{Unread, Why};

/// Collects what was not read, as many lines as the bound allows.
#[derive(Debug)]
pub(super) struct Faults {
    max: usize,
    kept: Mutex<(Vec<Unread>, u64)>,
}

impl Faults {
    pub(super) fn new(max: usize) -> Self {
        Self { max, kept: Mutex::default() }
    }

    /// Adds a line; what is said is only put together if there is room for it.
    pub(super) fn tell(&self, what: impl FnOnce() -> String, why: Why) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.len() < self.max {
            kept.0.push(Unread { what: what().into_bytes(), why });
        } else {
            kept.1 += 1;
        }
    }

    /// The lines, and how many there were more.
    pub(super) fn into_parts(self) -> (Vec<Unread>, u64) {
        self.kept.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn broken(why: &str) -> Why {
    Why::Broken(why.to_owned())
}

pub(super) fn system(error: &io::Error) -> Why {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return broken("the file ends before it does");
    }
    Why::System(error.to_string())
}

pub(super) const TOO_LARGE: Why = Why::Limit("max_object_bytes");
