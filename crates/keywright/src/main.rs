//! The `keywright` binary: parses, runs, exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    keywright::run(std::env::args_os(), &keywright::Hooks::default())
}
