//! What goes wrong while a bed is made.
use std::fmt;

/// What could not be done, and why.
#[derive(Debug)]
pub struct Trouble {
    what: String,
    because: String,
}

/// The result of a step of the making.
pub type Result<T> = std::result::Result<T, Trouble>;

impl Trouble {
    /// `what` could not be done, for a reason that is known here.
    pub fn new(what: impl Into<String>, because: impl fmt::Display) -> Self {
        Self { what: what.into(), because: because.to_string() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.what, self.because)
    }
}

impl std::error::Error for Trouble {}

/// Says what was being done when something outside refused.
pub(crate) trait Doing<T> {
    /// The same, with `what` as what could not be done.
    fn doing(self, what: &str) -> Result<T>;
}

impl<T, E: fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|error| Trouble::new(what, error))
    }
}
