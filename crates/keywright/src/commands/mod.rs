//! The commands, one file each.

mod config;
mod connect;
#[cfg(test)]
mod decade;
mod deliver;
mod destination;
mod discover;
mod discovered;
mod doctor;
mod exec;
mod findings;
mod init;
mod key;
mod key_adopt;
mod key_create;
mod leaks;
mod log;
mod outcome;
mod plan;
mod proposal;
mod rotate;
mod secret;
mod select;
mod serve;
mod shell;
mod status;
mod store;

pub(crate) use outcome::{Teller, works_meanwhile};

use crate::app::App;
use crate::cli::{
    Cli, Command, ConfigCommand, DestinationCommand, KeyCommand, NotifyCommand, SealCommand, SecretCommand,
    StoreCommand,
};
use crate::error::CommandError;
use crate::ui::Ui;
use crate::{Exit, Hooks, demo};

/// The list of commands.
pub(crate) async fn dispatch(cli: Cli, ui: Ui, hooks: &Hooks) -> Result<Exit, CommandError> {
    let path = cli.global.config;
    let open = async || App::open(&path, ui, hooks).await;
    match cli.command {
        Command::Init => init::run(&path, ui).await,
        Command::Connect(options) => connect::run(&open().await?, options).await,
        Command::Completions { shell } => Ok(shell::completions(ui, shell)),
        Command::Man { folder } => shell::man(ui, folder.as_deref()),
        Command::Plan => plan::plan(&open().await?).await,
        Command::Apply(options) => plan::apply(&open().await?, &options).await,
        Command::Key(KeyCommand::Create(options)) => key_create::run(&open().await?, options).await,
        Command::Key(KeyCommand::Adopt(options)) => key_adopt::run(&open().await?, options).await,
        Command::Key(KeyCommand::List { all }) => key::list(&open().await?, all).await,
        Command::Key(KeyCommand::Show { integration }) => key::show(&open().await?, &integration).await,
        Command::Key(KeyCommand::Revoke { integration, yes, dry_run }) => {
            key::revoke(&open().await?, integration, yes, dry_run).await
        }
        Command::Rotate(options) => rotate::run(&open().await?, options).await,
        Command::Exec(options) => exec::run(open().await?, options).await,
        Command::Secret(SecretCommand::Set(options)) => secret::set(&open().await?, options).await,
        Command::Secret(SecretCommand::List) => secret::list(&open().await?).await,
        Command::Secret(SecretCommand::Delete(options)) => secret::delete(&open().await?, options).await,
        Command::Destination(DestinationCommand::List { kinds: true, .. }) => Ok(destination::kinds(ui)),
        Command::Destination(DestinationCommand::List { integrations, .. }) => {
            destination::list(&open().await?, &integrations).await
        }
        Command::Destination(DestinationCommand::Check { integrations }) => {
            destination::check(&open().await?, &integrations).await
        }
        Command::Destination(DestinationCommand::Drift { integrations }) => {
            destination::drift(&open().await?, &integrations).await
        }
        Command::Deliver(options) => deliver::run(&open().await?, options).await,
        Command::Discover(options) => discover::run(&open().await?, options).await,
        Command::Status(options) => status::run(&open().await?, &options).await,
        Command::Serve(options) => serve::run(open().await?, &options).await,
        Command::Notify(NotifyCommand::Test { channels }) => config::notify(&open().await?, &channels).await,
        Command::Config(ConfigCommand::Check) => config::check(&path, ui),
        Command::Config(ConfigCommand::Schema) => Ok(config::schema(ui)),
        Command::Doctor(options) => doctor::run(&path, ui, hooks, &options).await,
        Command::Seal(SealCommand::Rotate { to, dry_run }) => {
            store::run_seal(&open().await?, to.as_deref(), dry_run).await
        }
        Command::Store(StoreCommand::Migrate(options)) => {
            store::run_migrate(&path, ui, hooks, &options).await
        }
        Command::Leaks(command) => leaks::run(command, &path, ui, hooks).await,
        Command::Log(command) => log::run(command, &path, ui, hooks).await,
        Command::Demo(options) => demo::run(ui, options).await,
    }
}
