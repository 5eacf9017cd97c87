//! `keywright key …`.

use clap::{Args, Subcommand};
use model::{Address, InstanceName, IntegrationName, Period, Scope};

use crate::config::SecretSource;

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Give an integration a key of its own
    Create(KeyCreate),
    /// Take charge of a key that exists at n8n; nothing is made or killed
    Adopt(KeyAdopt),
    /// All keys that live; with --all, those that are retired too
    List {
        /// Retired keys too
        #[arg(long)]
        all: bool,
    },
    /// One integration, its keys and rotations
    Show {
        /// The integration
        integration: IntegrationName,
    },
    /// Kill an integration's key, prove it dead, make no new one
    Revoke {
        /// The integration
        integration: IntegrationName,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KeyCreate {
    /// The integration's name, such as `backups`
    pub(crate) integration: IntegrationName,
    /// The instance, if there are several
    #[arg(long)]
    pub(crate) instance: Option<InstanceName>,
    /// What the key may do, such as `workflow:read,workflow:list`
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Vec<Scope>,
    /// Who answers for it
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// After how long it is due, such as `90d`; nothing turns it by itself, `keywright rotate` does
    #[arg(long, value_name = "PERIOD")]
    pub(crate) rotate_every: Option<Period>,
    /// How long an old key works after the new one is confirmed everywhere
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    pub(crate) grace: Period,
    /// When n8n itself ends the key: a period, or `never` [default: its rotation's period, grace and 14 days]
    #[arg(long, value_name = "PERIOD")]
    pub(crate) expires: Option<String>,
    /// Where the key is put, such as `dotenv:/srv/backup/.env#N8N_API_KEY`; may be given several times
    #[arg(long = "to", value_name = "DESTINATION")]
    pub(crate) destinations: Vec<Address>,
    /// Print the key, though it has destinations
    #[arg(long)]
    pub(crate) show: bool,
    /// Check everything and say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyAdopt {
    /// The integration's name, such as `backups`; if it is declared already, its own settings count
    pub(crate) integration: IntegrationName,
    /// The instance, if there are several
    #[arg(long)]
    pub(crate) instance: Option<InstanceName>,
    /// Where the key is: `env:NAME`, `file:PATH`, `-` for standard input
    #[arg(long, value_name = "SOURCE", default_value = "-")]
    pub(crate) key_from: SecretSource,
    /// Its label or id at n8n, where its text does not tell which of several it is
    #[arg(long, value_name = "LABEL")]
    pub(crate) named: Option<String>,
    /// What its follower may do, such as `workflow:read,workflow:list`
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Vec<Scope>,
    /// Who answers for it
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// After how long it is due, such as `90d`
    #[arg(long, value_name = "PERIOD")]
    pub(crate) rotate_every: Option<Period>,
    /// How long an old key works after the new one is confirmed everywhere
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    pub(crate) grace: Period,
    /// Where the key is held, such as `dotenv:/srv/backup/.env#N8N_API_KEY`; may be given several times
    #[arg(long = "to", value_name = "DESTINATION")]
    pub(crate) destinations: Vec<Address>,
    /// Check everything and say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}
