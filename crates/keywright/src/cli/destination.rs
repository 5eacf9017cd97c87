//! `keywright destination …`, `deliver`, `discover`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::{Address, IntegrationName};

use crate::config::SecretSource;

#[derive(Debug, Subcommand)]
pub(crate) enum DestinationCommand {
    /// What is delivered where, and when that was; kinds of destinations with --kinds
    List {
        /// Of these integrations; of all otherwise
        integrations: Vec<IntegrationName>,
        /// The kinds of destinations, services and hooks that there are
        #[arg(long, conflicts_with = "integrations")]
        kinds: bool,
    },
    /// Whether each can be reached and written, its hook too; changes nothing. Exit code 3 if one cannot
    Check {
        /// Of these integrations; of all otherwise
        integrations: Vec<IntegrationName>,
    },
    /// Whether each still holds the current key. Exit code 3 if one does not
    Drift {
        /// Of these integrations; of all otherwise
        integrations: Vec<IntegrationName>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Deliver {
    /// The integration
    pub(crate) integration: IntegrationName,
    /// Only there; to all of its destinations otherwise. May be given several times
    #[arg(long = "to", value_name = "ADDRESS")]
    pub(crate) only: Vec<Address>,
    /// Say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// Look for the keys of this integration; for a key from standard input otherwise
    pub(crate) integration: Option<IntegrationName>,
    /// Where the key is that is looked for: `env:NAME`, `file:PATH`, `-` for standard input
    #[arg(long, value_name = "SOURCE", conflicts_with = "integration")]
    pub(crate) key_from: Option<SecretSource>,
    /// Look through this service; through all that are declared otherwise. May be given several times
    #[arg(long = "in", value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Look through the files of this folder. May be given several times
    #[arg(long = "folder", value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,
    /// How many calls are made and files read, at most
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) max_reads: u64,
}
