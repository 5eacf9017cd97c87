//! `keywright leaks …`. Needs no configuration and no store; both are asked where they are there and something was found.
//!
//! What is scanned is hostile: nothing of it is run, and a configuration that lies in it is not believed.

mod cursor;
mod history;
mod hook;
mod print;
mod scan;
mod search;
mod watch;
mod whose;

use std::path::Path;

use crate::cli::LeaksCommand;
use crate::error::CommandError;
use crate::ui::Ui;
use crate::{Exit, Hooks};

pub(super) async fn run(
    command: LeaksCommand,
    config: &Path,
    ui: Ui,
    hooks: &Hooks,
) -> Result<Exit, CommandError> {
    match command {
        LeaksCommand::Scan(options) => scan::run(*options, config, ui, hooks).await,
        LeaksCommand::Hook(command) => hook::run(command, ui),
        LeaksCommand::Watch(options) => watch::run(options, ui).await,
    }
}
