//! Chores of the workspace: `cargo xtask`.
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match xtask::cli::run(&words) {
        Ok(done) => {
            // A closed stdout is the reader's choice, not a fault.
            std::io::stdout().lock().write_all(done.output.as_bytes()).ok();
            ExitCode::from(done.code)
        }
        Err(fault) => {
            write!(std::io::stderr().lock(), "{fault}").ok();
            ExitCode::from(fault.code())
        }
    }
}
