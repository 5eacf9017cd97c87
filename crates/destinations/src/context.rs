//! For whom a destination is opened.

use std::sync::Arc;

use model::{InstanceName, IntegrationName, RotationId};

use crate::Services;

/// For whom a destination is opened. A `command` destination gives it to its program; it holds no secret.
#[derive(Clone, Debug)]
pub struct Context {
    /// Whose key it is.
    pub integration: IntegrationName,
    /// The instance whose key it is.
    pub instance: InstanceName,
    /// The rotation that delivers; `None` outside of one.
    pub rotation: Option<RotationId>,
    /// Names of environment variables that hold Keywright's own secrets (every `env:NAME` of its
    /// configuration). Programs don't inherit them, nor anything that starts with `KEYWRIGHT_`.
    pub hidden_variables: Vec<String>,
    /// The services that addresses may name.
    pub services: Arc<Services>,
}
