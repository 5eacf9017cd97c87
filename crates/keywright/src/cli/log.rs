//! `keywright log …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::{EventId, InstanceName, IntegrationName, Period};

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Events, oldest first
    Show(LogFilter),
    /// Check every line against the chain and the signatures; exit code 3 if one was tampered with
    Verify {
        /// The folder of segments, instead of the configured one; needs no store
        #[arg(long, value_name = "DIR", requires = "public_key")]
        folder: Option<PathBuf>,
        /// The public key, or a file that holds it, instead of the store's
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
    /// All events as JSON lines; with --public-key, the key that verifies them
    Export {
        /// Print the public key only
        #[arg(long, conflicts_with_all = ["integration", "instance", "rotation", "kind", "since", "after"])]
        public_key: bool,
        #[command(flatten)]
        filter: LogFilter,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LogFilter {
    /// Events of this integration
    #[arg(long)]
    pub(crate) integration: Option<IntegrationName>,
    /// Events of this instance
    #[arg(long)]
    pub(crate) instance: Option<InstanceName>,
    /// Events of this rotation
    #[arg(long)]
    pub(crate) rotation: Option<model::RotationId>,
    /// Events of this kind, such as `key_retired`
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Events of the last while, such as `24h`
    #[arg(long, value_name = "PERIOD")]
    pub(crate) since: Option<Period>,
    /// Events after this one
    #[arg(long, value_name = "EVENT")]
    pub(crate) after: Option<EventId>,
}
