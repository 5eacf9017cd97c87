//! `vault:MOUNT/PATH#FIELD`, `openbao:MOUNT/PATH#FIELD`: one field of a secret in a KV engine, version 1 or 2.
//!
//! The lock of version 2 is `cas`, the version that was read. Version 1 has none: what was written is read once more.

mod address;
mod call;
mod find;
mod login;
mod mount;
mod read;
mod secret;
mod settings;
mod versions;
mod write;

use std::sync::Arc;

use model::{Address, DestinationError};
use tokio::sync::OnceCell;

use self::{login::Way, secret::Field};
use crate::{
    Context,
    http::Remote,
    kinds::Opened,
    search::Search,
    service::{Cached, Locks, Outside, Service, ServiceConfig},
    slot::Slotted,
};

pub(crate) use settings::{OPENBAO, VAULT};

/// One server or cluster, in one namespace.
struct Vault {
    remote: Remote,
    config: ServiceConfig,
    way: Way,
    logged_in: Cached,
    /// By the path of a secret.
    locks: Locks,
}

fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    let way = Way::of(config)?;
    let stands_in = |config: ServiceConfig, setting: &&str| config.or_environment(&**outside, setting);
    let config = ["url", "namespace", "ca"].iter().fold(config.clone(), stands_in);
    let remote = Remote::new(&config, outside);
    Ok(Arc::new(Vault { remote, config, way, logged_in: Cached::default(), locks: Locks::default() }))
}

#[async_trait::async_trait]
impl Service for Vault {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let (path, name) = address::parse(address)?;
        Ok(Arc::new(Slotted(Field {
            service: self,
            address: address.clone(),
            path,
            name,
            mount: OnceCell::new(),
        })))
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.look_through(search).await
    }
}
