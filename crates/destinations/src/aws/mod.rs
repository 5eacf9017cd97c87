//! AWS: `aws-secrets-manager:` and `aws-ssm:`. What both have in common is here: who signs, how, and where.
//!
//! No SDK: two services with a dozen calls do not earn its weight. Credentials are found as the AWS CLI finds them.

mod api;
mod keys;
mod login;
mod metadata;
mod parameter;
mod place;
mod profile;
mod refusal;
mod secrets_manager;
mod settings;
mod sign;
mod sts;

use std::sync::Arc;

use model::{DestinationError, DestinationErrorKind as Kind};
use tokio::sync::OnceCell;

use crate::{
    error::error,
    http::Remote,
    service::{Cached, Outside, ServiceConfig},
};

use keys::Keys;
pub(crate) use parameter::KIND as PARAMETER;
pub(crate) use secrets_manager::KIND as SECRETS_MANAGER;

/// What one of its services is called by whom.
struct Wire {
    /// In host names, signatures and permissions.
    service: &'static str,
    /// Before an action in `X-Amz-Target`.
    target: &'static str,
    /// The variable that says where it is.
    endpoint: &'static str,
}

/// One of its services, in one account.
struct Aws {
    config: ServiceConfig,
    wire: &'static Wire,
    remote: Remote,
    /// For what gives credentials beside the machine.
    local: Remote,
    keys: Cached<Keys>,
    region: OnceCell<String>,
    endpoint: OnceCell<Option<String>>,
}

impl Aws {
    fn open(
        config: &ServiceConfig,
        outside: &Arc<dyn Outside>,
        wire: &'static Wire,
    ) -> Result<Self, DestinationError> {
        let settings = config.settings();
        for (setting, with) in [
            ("session_token", "access_key_id"),
            ("external_id", "role_arn"),
            ("role_session_name", "role_arn"),
            ("web_identity_token_file", "role_arn"),
        ] {
            if settings.text(setting).is_some() && settings.text(with).is_none() {
                return Err(error(
                    Kind::BadAddress,
                    format!("cannot use {}", config.label()),
                    format!("`{setting}` stands without `{with}`"),
                    format!("give `{with}` in [service.{}], or leave `{setting}` out", config.name()),
                ));
            }
        }
        if settings.text("region").is_some_and(|region| !place::is_region(region)) {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use {}", config.label()),
                "its `region` is none",
                "such as \"eu-central-1\"",
            ));
        }
        Ok(Self {
            config: config.clone(),
            wire,
            remote: Remote::new(config, outside),
            local: Remote::local(config, outside),
            keys: Cached::default(),
            region: OnceCell::new(),
            endpoint: OnceCell::new(),
        })
    }

    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String> {
        Some(self.remote.outside.variable(name)?.expose().to_owned())
    }
}
