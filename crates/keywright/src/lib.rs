//! The command line of Keywright: commands, output, exit codes, configuration, demo. It joins the rest.
//!
//! A library too, so that tests can watch a rotation in a process of its own; nothing else depends on it.

mod app;
mod assisted;
mod channels;
mod charge;
mod cli;
mod commands;
mod config;
mod demo;
mod drifted;
mod error;
mod fleet;
mod keeper;
mod leaked;
mod mask;
mod masked;
mod outside;
mod process;
mod progress;
mod prompt;
mod pushes;
#[cfg(test)]
mod reference_tests;
mod system;
mod tally;
mod transport;
mod ui;
mod view;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use model::{Blame, Report, Retry};
use rotation::Observer;

use crate::error::CommandError;
use crate::ui::Ui;

/// What a test adds to a run.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Watches rotations beside the progress lines.
    pub observer: Option<Arc<dyn Observer>>,
    /// Is told how far a change of the master key has come.
    pub sealing: Option<Arc<dyn Fn(Sealing) + Send + Sync>>,
}

/// How far a change of the master key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// The new one is on disk.
    Written,
    /// The store has taken it.
    Sealed,
    /// It is where the configuration says, and the former one is kept.
    Placed,
}

/// How a command ended, as an exit code. Documented in `docs/reference/exit-codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0
    Done,
    /// 3: something was found, or differs.
    Findings,
    /// 1: something is left to be done, and the reports have been printed.
    Failed,
    /// As a program ended that was run.
    Of(u8),
}

impl Exit {
    /// The graver of two.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Of(code), _) | (_, Self::Of(code)) => Self::Of(code),
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Findings, _) | (_, Self::Findings) => Self::Findings,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

/// Runs one command line and gives its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>, hooks: &Hooks) -> ExitCode {
    process::harden();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match cli::Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(mut refusal) => {
            let sets_a_secret = arguments.windows(2).any(|two| two == ["secret", "set"]);
            conceal(&mut refusal, sets_a_secret);
            // Help and version are answers, not errors; clap knows which stream and code each takes.
            let code = u8::try_from(refusal.exit_code()).unwrap_or(2);
            drop(refusal.print());
            return ExitCode::from(code);
        }
    };
    let ui = Ui::new(cli.global.json, cli.global.quiet);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    // They end by themselves when told to: what is in hand may end first; what ends a program is the program's. A search
    // has begun nothing.
    let ends_by_itself =
        matches!(cli.command, cli::Command::Serve(_) | cli::Command::Exec(_) | cli::Command::Leaks(_));
    let work = commands::dispatch(cli, ui, hooks);
    let result = match runtime {
        Ok(runtime) if ends_by_itself => runtime.block_on(work),
        Ok(runtime) => runtime.block_on(until_interrupted(work)),
        Err(error) => Err(error::operator("cannot start threads").caused_by(&error).into()),
    };
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(1),
        Ok(Exit::Findings) => ExitCode::from(3),
        Ok(Exit::Of(code)) => ExitCode::from(code),
        Err(error) => {
            ui.report(&error.report);
            ExitCode::from(error.code)
        }
    }
}

/// A secret that was given where its place belongs is not repeated on the terminal.
fn conceal(refusal: &mut clap::Error, sets_a_secret: bool) {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let Some(ContextValue::String(of)) = refusal.get(ContextKind::InvalidArg) else { return };
    let concealed = || ContextValue::String("…".to_owned());
    if refusal.kind() == ErrorKind::UnknownArgument && sets_a_secret {
        refusal.insert(ContextKind::InvalidArg, concealed());
        refusal.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![
            "a secret is never an argument: it is asked for, read from standard input, or said where it is with `--from`"
                .into(),
        ]));
    } else if sets_a_secret || of.contains("-from ") {
        refusal.insert(ContextKind::InvalidValue, concealed());
    }
}

/// Returns on Ctrl-C or SIGTERM.
async fn told_to_stop() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let terminated = async {
        match terminate {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

/// Ctrl-C and SIGTERM end a command between two steps as well as in one: the journal knows how far it came.
async fn until_interrupted<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    tokio::select! {
        result = work => result,
        () = told_to_stop() => {
            let report = Report::new(Blame::Operator, Retry::Later(None), "interrupted")
                .because("what was begun is journaled, and nothing is lost")
                .mend("keywright rotate --resume");
            Err(report.into())
        }
    }
}
