//! One way in, wherever the store is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Event, Secret, Store, StoreError};

use crate::log::{LogConfig, LogHead, LogPublicKey};
use crate::{MasterKey, PostgresStore, SqliteStore};

/// Where a store is.
#[derive(Clone, Debug)]
pub enum StorePlace {
    /// In one file.
    Sqlite(PathBuf),
    /// In a database.
    Postgres {
        /// `postgresql://user@host:5432/database`, without a password.
        url: String,
        /// The password, if the database wants one.
        password: Option<Secret>,
    },
}

/// A store that is open, and what belongs to it beside the port.
#[async_trait::async_trait]
pub trait OpenStore: Store {
    /// Where it is, without secrets.
    fn place_shown(&self) -> String;
    /// The folder of this host's segments.
    fn log_folder(&self) -> &Path;
    /// The name of this folder's chain, with which its segments' names begin.
    fn log_node(&self) -> &str;
    /// The key that checks the log.
    fn log_public_key(&self) -> LogPublicKey;
    /// The newest batch that the store knows to be in this folder's log; `None` before the first.
    async fn log_head(&self) -> Result<Option<LogHead>, StoreError>;
    /// Events of this folder's chain that are not in the log yet.
    async fn log_waiting(&self) -> Result<u64, StoreError>;
    /// Seals everything under a new master key, all or nothing and the events with it; this store goes on with it.
    /// Others that have it open are told to start again when they next write or open a value.
    async fn rotate_master_key(&self, new: &MasterKey, events: Vec<Event>) -> Result<(), StoreError>;
}

/// Makes a store where there is none, and opens it.
pub async fn create(
    place: &StorePlace,
    key: &MasterKey,
    log: &LogConfig,
) -> Result<Arc<dyn OpenStore>, StoreError> {
    Ok(match place {
        StorePlace::Sqlite(path) => Arc::new(SqliteStore::create(path, key, log)?),
        StorePlace::Postgres { url, password } => {
            Arc::new(PostgresStore::create(url, password.as_ref(), key, log).await?)
        }
    })
}

/// Opens a store that is there.
pub async fn open(
    place: &StorePlace,
    key: &MasterKey,
    log: &LogConfig,
) -> Result<Arc<dyn OpenStore>, StoreError> {
    Ok(match place {
        StorePlace::Sqlite(path) => Arc::new(SqliteStore::open(path, key, log)?),
        StorePlace::Postgres { url, password } => {
            Arc::new(PostgresStore::open(url, password.as_ref(), key, log).await?)
        }
    })
}

macro_rules! open_store {
    ($store:ident) => {
        #[async_trait::async_trait]
        impl OpenStore for $store {
            fn place_shown(&self) -> String {
                self.place_shown()
            }

            fn log_folder(&self) -> &Path {
                self.log_folder()
            }

            fn log_node(&self) -> &str {
                self.log_node()
            }

            fn log_public_key(&self) -> LogPublicKey {
                self.log_public_key()
            }

            async fn log_head(&self) -> Result<Option<LogHead>, StoreError> {
                self.log_head().await
            }

            async fn log_waiting(&self) -> Result<u64, StoreError> {
                self.log_waiting().await
            }

            async fn rotate_master_key(&self, new: &MasterKey, events: Vec<Event>) -> Result<(), StoreError> {
                self.rotate_master_key(new, events).await
            }
        }
    };
}

open_store!(SqliteStore);
open_store!(PostgresStore);
