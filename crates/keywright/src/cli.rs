//! What can be said on the command line.

mod destination;
mod exec;
mod key;
mod leaks;
mod log;
mod rotate;
mod secret;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use model::{ChannelName, InstanceName, SecretRef};

use crate::config::SecretSource;

pub(crate) use destination::{Deliver, DestinationCommand, Discover};
pub(crate) use exec::Exec;
pub(crate) use key::{KeyAdopt, KeyCommand, KeyCreate};
pub(crate) use leaks::{
    HookName, LeaksCommand, LeaksFormat, LeaksHook, LeaksHookInstall, LeaksScan, LeaksWatch, Searching,
};
pub(crate) use log::{LogCommand, LogFilter};
pub(crate) use rotate::Rotate;
pub(crate) use secret::{SecretCommand, SecretDelete, SecretSet};

/// Takes charge of the API keys of n8n: one narrow key per integration, turned with one command.
#[derive(Debug, Parser)]
#[command(
    name = "keywright",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Taken by every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The configuration file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KEYWRIGHT_CONFIG",
        default_value = "keywright.toml"
    )]
    pub(crate) config: PathBuf,
    /// Print results as JSON, in the shapes of docs/reference/json.md
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a configuration, a master key and an empty store here
    Init,
    /// Take charge of an n8n instance, or renew its login
    Connect(Connect),
    /// What differs from the configuration file; exit code 3 if something does
    Plan,
    /// Make instances and integrations as the configuration file says
    Apply(Apply),
    /// Keys of integrations
    #[command(subcommand)]
    Key(KeyCommand),
    /// Turn keys: make a new one, deliver it, prove the old one dead
    Rotate(Rotate),
    /// Run a program with an integration's key in its environment, and nowhere else
    Exec(Exec),
    /// Secrets that the configuration refers to as `sealed:NAME`
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Where keys are put: what is delivered where, whether it can be, whether it still is
    #[command(subcommand)]
    Destination(DestinationCommand),
    /// Put an integration's current key again where it is used
    Deliver(Deliver),
    /// Find where a key lies, and what would deliver there. Exit code 3 if it lies where nothing is declared
    Discover(Discover),
    /// Find keys that leaked: in files, archives, and whole histories of git
    #[command(subcommand)]
    Leaks(LeaksCommand),
    /// Every key: age, expiry, due, last used, where delivered; rotations that wait or stalled
    Status(Status),
    /// Turn keys when they are due, try again what stalled, watch and warn; health and metrics over HTTP
    Serve(Serve),
    /// Look at everything that Keywright stands on; a mend for each fault. Exit code 3 if there is one
    Doctor(Doctor),
    /// The tamper-evident log
    #[command(subcommand)]
    Log(LogCommand),
    /// The master key
    #[command(subcommand)]
    Seal(SealCommand),
    /// Where everything is kept
    #[command(subcommand)]
    Store(StoreCommand),
    /// Channels of notices
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// The configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// A completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Manual pages: one on standard output, or all into a folder
    Man {
        /// The folder
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// See all of it work against an n8n inside this program; nothing to install
    Demo(Demo),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Connect {
    /// Its name here, such as `prod`
    pub(crate) name: InstanceName,
    /// Its address, such as `https://n8n.example.com`
    pub(crate) url: String,
    /// Login id of the n8n user whose session makes and kills keys; best one of its own, an admin
    #[arg(long, required_unless_present = "assisted")]
    pub(crate) email: Option<String>,
    /// No admin session can be had, as behind single sign-on: you make and delete keys by hand, told click by click
    #[arg(long, conflicts_with_all = ["email", "password_from", "totp_from", "recovery_code_from", "no_keep"])]
    pub(crate) assisted: bool,
    /// Where the password is: `env:NAME`, `file:PATH`, `-` for standard input; asked for otherwise
    #[arg(long, value_name = "SOURCE")]
    pub(crate) password_from: Option<SecretSource>,
    /// Where the TOTP seed is, if the account has a second factor
    #[arg(long, value_name = "SOURCE", conflicts_with = "recovery_code_from")]
    pub(crate) totp_from: Option<SecretSource>,
    /// Where a recovery code is, to be used once
    #[arg(long, value_name = "SOURCE", conflicts_with = "dry_run")]
    pub(crate) recovery_code_from: Option<SecretSource>,
    /// Keep the session only: ask for the password again when it ends
    #[arg(long)]
    pub(crate) no_keep: bool,
    /// Accept plain HTTP to another host, where the password can be read on its way
    #[arg(long)]
    pub(crate) dangerous_plain_http: bool,
    #[command(flatten)]
    pub(crate) transport: Transport,
    /// Log in and learn, but keep nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How an instance is reached, where it is not the system's own way.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The way there")]
pub(crate) struct Transport {
    /// Certificate authorities in PEM, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Our certificate and its chain in PEM, where the instance wants one
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_certificate: Option<PathBuf>,
    /// Where its private key is: `env:NAME` or `file:PATH`, in PEM
    #[arg(long, value_name = "SOURCE", requires = "client_certificate")]
    pub(crate) client_key: Option<SecretRef>,
    /// An HTTP or HTTPS proxy
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Who we are to the proxy
    #[arg(long, value_name = "NAME", requires_all = ["proxy", "proxy_password"])]
    pub(crate) proxy_user: Option<String>,
    /// Where the proxy's password is: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "SOURCE", requires = "proxy_user")]
    pub(crate) proxy_password: Option<SecretRef>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SealCommand {
    /// Make a new master key, and seal everything under it
    Rotate {
        /// Where the new key is written, if it is not the file that the configuration names
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// Say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy everything to another place, and use this one no more
    Migrate(Migrate),
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// A file, or `postgresql://user@host/database`
    #[arg(long, value_name = "PLACE")]
    pub(crate) to: String,
    /// Where the database's password is: `env:NAME`, `file:PATH`, `-`
    #[arg(long, value_name = "SOURCE")]
    pub(crate) password_from: Option<SecretSource>,
    /// Say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Say what would be done, as `plan` does
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many keys are made or turned at the same time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) at_once: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where health and metrics are served, instead of what the configuration says
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Do not ask instances and destinations
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NotifyCommand {
    /// Send a notice, to see whether it arrives
    Test {
        /// The channels; all that are configured otherwise
        channels: Vec<ChannelName>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the file: every fault with its line
    Check,
    /// Its JSON schema, with which editors complete and check it
    Schema,
}

/// Shells that completions are made for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Do not ask the instances when keys were last used
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A real n8n instead of the one inside; its owner's login
    #[arg(long, value_name = "URL", requires = "email")]
    pub(crate) instance: Option<String>,
    /// Login id at --instance
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Where the password for --instance is: `env:NAME`, `file:PATH`, `-`; asked for otherwise
    #[arg(long, value_name = "SOURCE")]
    pub(crate) password_from: Option<SecretSource>,
    /// Keep the demo's folder, to look into
    #[arg(long)]
    pub(crate) keep: bool,
}
