//! Benchmarks of the `keywright` binary beside a peer in the same run; started by `cargo xtask bench`.
//!
//! A crate of its own, so that neither the binary nor xtask carries what only a measurement needs.

mod bare;
mod home;
mod leaks;
mod measure;
mod rotation;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: bench rotation KEYWRIGHT [RECORD-OF-A-REAL-INSTANCE] \
                     | leaks KEYWRIGHT CACHE [PEER=PATH]… [real=REPOSITORY]… | make-leaks CACHE | bare-walk REPOSITORY";

/// Whatever goes wrong in a benchmark ends it.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["rotation", binary, real @ ..] => rotation::run(binary, real.first().copied()).await,
        ["leaks", binary, cache, further @ ..] => leaks::run(binary, Path::new(cache), further),
        ["make-leaks", cache] => leaks::make(Path::new(cache)),
        ["bare-walk", repository] => leaks::bare_walk(Path::new(repository)),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(&format!("error: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints a line at once.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(writeln!(stdout, "{line}").and_then(|()| stdout.flush()));
}
