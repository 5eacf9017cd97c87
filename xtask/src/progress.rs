//! Progress goes to stderr, so that stdout carries data only.
use std::io::Write as _;

/// Tells the person at the terminal one line.
pub fn tell(line: &str) {
    // Nobody listening is no reason to stop.
    writeln!(std::io::stderr().lock(), "{line}").ok();
}
