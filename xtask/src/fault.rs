//! What a chore says when it cannot go on: what, why, and what mends it.
use std::fmt;

/// The result of a chore.
pub type Result<T> = std::result::Result<T, Fault>;

/// What went wrong, why, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    what: String,
    because: Vec<String>,
    mend: String,
    code: u8,
}

impl Fault {
    /// A fault that ends with exit code 1.
    pub fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), because: Vec::new(), mend: mend.into(), code: 1 }
    }

    /// A command line that was not understood: exit code 2.
    pub fn usage(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(what, mend) }
    }

    /// Adds a cause, outermost first.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.because.push(cause.to_string());
        self
    }

    /// The exit code to end with.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "error: {}", self.what)?;
        for cause in &self.because {
            writeln!(out, "because: {cause}")?;
        }
        writeln!(out, "try: {}", self.mend)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_why_and_mend() {
        let fault = Fault::new("`a` is gone", "make `a`").because("first").because("second");
        assert_eq!(fault.to_string(), "error: `a` is gone\nbecause: first\nbecause: second\ntry: make `a`\n");
        assert_eq!(fault.code(), 1);
        assert_eq!(Fault::usage("x", "y").code(), 2);
    }
}
