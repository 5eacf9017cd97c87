//! `keywright exec`.

use std::ffi::OsString;

use clap::Args;
use model::IntegrationName;

use crate::config::VariableName;

#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The integration whose key it is
    pub(crate) integration: IntegrationName,
    /// The variable that holds the key
    #[arg(long, value_name = "NAME", default_value = "N8N_API_KEY")]
    pub(crate) env: VariableName,
    /// A variable that holds the instance's base URL, such as `N8N_BASE_URL`
    #[arg(long, value_name = "NAME")]
    pub(crate) url_env: Option<VariableName>,
    /// Replace the key by `[masked]` in what the program prints, also where it is encoded
    #[arg(long)]
    pub(crate) mask: bool,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
