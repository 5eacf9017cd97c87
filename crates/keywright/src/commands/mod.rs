//! The commands, one file each.

mod config;
mod connect;
mod doctor;
mod init;
mod key;
mod key_adopt;
mod key_create;
mod log;
mod outcome;
mod plan;
mod rotate;
mod select;
mod serve;
mod shell;
mod status;

pub(crate) use outcome::Teller;

use crate::app::App;
use crate::cli::{Cli, Command, ConfigCommand, KeyCommand, NotifyCommand};
use crate::error::CommandError;
use crate::ui::Ui;
use crate::{Exit, Hooks, demo};

/// The list of commands.
pub(crate) async fn dispatch(cli: Cli, ui: Ui, hooks: &Hooks) -> Result<Exit, CommandError> {
    let path = cli.global.config;
    let open = || App::open(&path, ui, hooks);
    match cli.command {
        Command::Init => init::run(&path, ui).await,
        Command::Connect(options) => connect::run(&open()?, options).await,
        Command::Completions { shell } => Ok(shell::completions(ui, shell)),
        Command::Man { folder } => shell::man(ui, folder.as_deref()),
        Command::Plan => plan::plan(&open()?).await,
        Command::Apply(options) => plan::apply(&open()?, &options).await,
        Command::Key(KeyCommand::Create(options)) => key_create::run(&open()?, options).await,
        Command::Key(KeyCommand::Adopt(options)) => key_adopt::run(&open()?, options).await,
        Command::Key(KeyCommand::List { all }) => key::list(&open()?, all).await,
        Command::Key(KeyCommand::Show { integration }) => key::show(&open()?, &integration).await,
        Command::Key(KeyCommand::Revoke { integration, yes, dry_run }) => {
            key::revoke(&open()?, integration, yes, dry_run).await
        }
        Command::Rotate(options) => rotate::run(&open()?, options).await,
        Command::Status(options) => status::run(&open()?, &options).await,
        Command::Serve(options) => serve::run(open()?, &options).await,
        Command::Notify(NotifyCommand::Test { channels }) => config::notify(&open()?, &channels).await,
        Command::Config(ConfigCommand::Check) => config::check(&path, ui),
        Command::Config(ConfigCommand::Schema) => Ok(config::schema(ui)),
        Command::Doctor(options) => doctor::run(&path, ui, hooks, &options).await,
        Command::Log(command) => log::run(command, ui, &open).await,
        Command::Demo(options) => demo::run(ui, options).await,
    }
}
