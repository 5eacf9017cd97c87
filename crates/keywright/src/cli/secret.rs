//! `keywright secret …`.

use clap::{Args, Subcommand};

use crate::config::{SealedName, SecretSource};

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Seal a secret in the store, or replace it
    Set(SecretSet),
    /// Names, who set them and when, which settings refer to them; never what they hold
    List,
    /// Forget a secret
    Delete(SecretDelete),
}

#[derive(Debug, Args)]
pub(crate) struct SecretSet {
    /// Its name: `sealed:NAME` in the configuration
    pub(crate) name: SealedName,
    /// Where it is: `env:NAME`, `file:PATH`, `-` for standard input; without it, asked for at a terminal, else `-`
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Option<SecretSource>,
}

#[derive(Debug, Args)]
pub(crate) struct SecretDelete {
    /// Its name
    pub(crate) name: SealedName,
    /// Though a setting refers to it
    #[arg(long)]
    pub(crate) force: bool,
}
