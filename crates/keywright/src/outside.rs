//! What services need of this process: secrets by reference, the environment, the time.

use std::sync::Arc;

use destinations::Outside;
use model::{Clock, Report, Secret, SecretRef, Store};

use crate::config;

/// The process as it is.
pub(crate) struct ProcessOutside {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Variables that programs which we run must not see.
    pub(crate) hidden_variables: Vec<String>,
}

#[async_trait::async_trait]
impl Outside for ProcessOutside {
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report> {
        config::resolved(&*self.store, reference).await
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        config::variable(name)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn hidden_variables(&self) -> Vec<String> {
        self.hidden_variables.clone()
    }
}
