//! What is left of the limits of one file, and the readers that spend it.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

use crate::Limits;

/// What one outermost file may still take.
pub(super) struct Budget {
    unpacked_bytes_left: Cell<u64>,
    members_left: Cell<usize>,
    buffer_bytes_left: Cell<usize>,
    window_bytes_left: Cell<u64>,
    is_spent: Cell<bool>,
    told: RefCell<Vec<&'static str>>,
    /// The outermost reader's own failure, which is not an archive's fault.
    source_failure: RefCell<Option<io::Error>>,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Rc<Self> {
        Rc::new(Self {
            unpacked_bytes_left: Cell::new(limits.max_unpacked_bytes),
            members_left: Cell::new(limits.max_members),
            buffer_bytes_left: Cell::new(limits.max_buffer_bytes),
            window_bytes_left: Cell::new(limits.max_window_bytes),
            is_spent: Cell::new(false),
            told: RefCell::default(),
            source_failure: RefCell::default(),
        })
    }

    /// Takes one member; none when there were too many.
    pub(super) fn take_member(&self) -> Option<()> {
        let left = self.members_left.get().checked_sub(1)?;
        self.members_left.set(left);
        Some(())
    }

    /// Takes bytes of what was unpacked.
    pub(super) fn take_unpacked(&self, bytes: u64) {
        self.unpacked_bytes_left.set(self.unpacked_bytes_left.get().saturating_sub(bytes));
    }

    /// Takes bytes, as a reader of what is unpacked does; true when there are not as many.
    pub(super) fn is_used_up(&self, bytes: u64) -> bool {
        let left = self.unpacked_bytes_left.get();
        self.take_unpacked(bytes);
        self.is_spent.set(self.is_spent.get() || bytes > left);
        bytes > left
    }

    /// Whether unpacking was stopped, since it was too much.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent.get()
    }

    /// What may still be buffered whole.
    pub(super) fn buffer_bytes_left(&self) -> usize {
        self.buffer_bytes_left.get()
    }

    /// Sets apart what is buffered whole, or gives it back.
    pub(super) fn set_buffer_bytes_left(&self, left: usize) {
        self.buffer_bytes_left.set(left);
    }

    /// Half of what decompressors may still hold: the rest is for those within.
    pub(super) fn take_window(&self) -> u64 {
        let half = self.window_bytes_left.get() / 2;
        self.window_bytes_left.set(half);
        half
    }

    /// Gives back what [`Self::take_window`] took.
    pub(super) fn give_window(&self, bytes: u64) {
        self.window_bytes_left.set(self.window_bytes_left.get().saturating_add(bytes));
    }

    /// Whether this is the first time that a limit is told.
    pub(super) fn is_first(&self, limit: &'static str) -> bool {
        let mut told = self.told.borrow_mut();
        let is_first = !told.contains(&limit);
        if is_first {
            told.push(limit);
        }
        is_first
    }

    /// The outermost reader's failure, once.
    pub(super) fn take_source_failure(&self) -> Option<io::Error> {
        self.source_failure.borrow_mut().take()
    }

    /// Whether the outermost reader failed.
    pub(super) fn has_source_failed(&self) -> bool {
        self.source_failure.borrow().is_some()
    }
}

/// The outermost reader: it keeps its failure apart.
pub(super) struct Source<'a> {
    pub(super) reader: &'a mut dyn Read,
    pub(super) budget: Rc<Budget>,
}

impl Read for Source<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.budget.has_source_failed() {
            return Err(io::Error::other("the source failed"));
        }
        loop {
            match self.reader.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let told = io::Error::from(error.kind());
                    *self.budget.source_failure.borrow_mut() = Some(error);
                    return Err(told);
                }
                read => return read,
            }
        }
    }
}

/// What a decompressor gives, counted; it stops at the limit, and stays failed once it failed.
pub(super) struct Bounded<R> {
    pub(super) inner: R,
    pub(super) budget: Rc<Budget>,
    failed: Option<io::ErrorKind>,
}

impl<R: Read> Bounded<R> {
    pub(super) fn new(inner: R, budget: &Rc<Budget>) -> Self {
        Self { inner, budget: Rc::clone(budget), failed: None }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(kind) = self.failed {
            return Err(kind.into());
        }
        let left = usize::try_from(self.budget.unpacked_bytes_left.get()).unwrap_or(usize::MAX);
        let room = into.len().min(left.max(1));
        let read = match self.inner.read(into.get_mut(..room).unwrap_or_default()) {
            Ok(read) if read > left => {
                self.budget.is_spent.set(true);
                Err(io::ErrorKind::QuotaExceeded.into())
            }
            Ok(read) => {
                self.budget.take_unpacked(read as u64);
                Ok(read)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = &read {
            self.failed = Some(error.kind());
        }
        read
    }
}

/// The next so many bytes of a reader.
pub(super) struct Part<'a> {
    pub(super) reader: &'a mut dyn Read,
    pub(super) left: u64,
    /// The reader ended before.
    pub(super) is_short: bool,
}

impl<'a> Part<'a> {
    pub(super) fn new(reader: &'a mut dyn Read, left: u64) -> Self {
        Self { reader, left, is_short: false }
    }
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        let read = self.reader.read(into.get_mut(..room).unwrap_or_default())?;
        self.is_short |= read == 0;
        self.left -= (read as u64).min(self.left);
        Ok(read)
    }
}
