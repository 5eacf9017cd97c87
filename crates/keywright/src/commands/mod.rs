//! The commands, one file each.

mod connect;
mod doctor;
mod init;
mod key;
mod key_create;
mod log;
mod outcome;
mod rotate;
mod select;
mod shell;
mod status;

use crate::app::App;
use crate::cli::{Cli, Command, KeyCommand};
use crate::error::CommandError;
use crate::ui::Ui;
use crate::{Exit, Hooks, demo};

/// The list of commands.
pub(crate) async fn dispatch(cli: Cli, ui: Ui, hooks: &Hooks) -> Result<Exit, CommandError> {
    let config = cli.global.config;
    let open = || App::open(&config, ui, hooks);
    match cli.command {
        Command::Init => init::run(&config, ui).await,
        Command::Connect(options) => connect::run(&open()?, options).await,
        Command::Completions { shell } => Ok(shell::completions(ui, shell)),
        Command::Man { folder } => shell::man(ui, folder.as_deref()),
        Command::Key(KeyCommand::Create(options)) => key_create::run(&open()?, options).await,
        Command::Key(KeyCommand::List { all }) => key::list(&open()?, all).await,
        Command::Key(KeyCommand::Show { integration }) => key::show(&open()?, &integration).await,
        Command::Key(KeyCommand::Revoke { integration, yes, dry_run }) => {
            key::revoke(&open()?, integration, yes, dry_run).await
        }
        Command::Rotate(options) => rotate::run(&open()?, options).await,
        Command::Status(options) => status::run(&open()?, &options).await,
        Command::Doctor(options) => doctor::run(&config, ui, hooks, &options).await,
        Command::Log(command) => log::run(command, ui, &open).await,
        Command::Demo(options) => demo::run(ui, options).await,
    }
}
