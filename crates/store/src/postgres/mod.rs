//! The store in a `PostgreSQL` database: the port's methods, and the connections behind them.

mod address;
mod changes;
mod connect;
mod end;
mod error;
mod leadership;
mod lease;
pub(crate) mod meta;
mod outbox;
mod pool;
mod port;
mod records;
mod rekey;
mod rotations;
mod runtime;
pub(crate) mod schema;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Event, Secret, StoreError};
use tokio::sync::RwLock;

use crate::MasterKey;
use crate::error::exists;
use crate::files::ensure_folder;
use crate::identity;
use crate::log::{Appender, Folder, LogConfig, LogHead, LogPublicKey, Relay, RelayLine, Waker};
use crate::rows::{PreparedEvent, prepare};
use crate::seal::Sealer;
use address::Address;
pub(crate) use connect::{Conn, get};
use outbox::PostgresOutbox;
pub(crate) use pool::{Among, Pool, Running};
use runtime::Background;

/// The store in a database, in a schema named `keywright`, with the log of this host in a folder.
///
/// Any number of processes on any number of hosts may have it open. Each log folder holds a chain of its own, and
/// gets the events of the processes that have it. Dropping one brings its events into the log, and blocks until
/// that is done or the database is out of reach.
pub struct PostgresStore {
    // In the order in which they have to end: the relay still uses connections.
    relay: Relay,
    waker: Waker,
    pool: Pool,
    /// Locked for writing while the master key is changed.
    sealer: RwLock<Arc<Sealer>>,
    node: Arc<str>,
    log_folder: PathBuf,
    log_public_key: LogPublicKey,
}

impl PostgresStore {
    /// Makes a store where there is none, and opens it. The password is never part of the URL.
    pub async fn create(
        url: &str,
        password: Option<&Secret>,
        key: &MasterKey,
        log: &LogConfig,
    ) -> Result<Self, StoreError> {
        let folder = ensure_folder(&log.folder)?;
        if !Folder::open(&folder)?.segments()?.is_empty() {
            return Err(exists(format!("`{}` holds a log already", folder.display())));
        }
        let pool = pool(url, password)?;
        let rows = identity::make(key)?;
        let shown = pool.address().shown.clone();
        pool.write(Among::Others, move |conn| {
            Box::pin(async move {
                schema::make(conn, &shown).await?;
                meta::write(conn, &rows).await
            })
        })
        .await?;
        Self::open_in(pool, key, log).await
    }

    /// Opens a store that is there; brings its schema up to date, and events that a crash left behind into the
    /// log.
    pub async fn open(
        url: &str,
        password: Option<&Secret>,
        key: &MasterKey,
        log: &LogConfig,
    ) -> Result<Self, StoreError> {
        Self::open_in(pool(url, password)?, key, log).await
    }

    async fn open_in(pool: Pool, key: &MasterKey, log: &LogConfig) -> Result<Self, StoreError> {
        let shown = pool.address().shown.clone();
        let meta = pool.write(Among::Others, move |conn| {
            Box::pin(async move {
                schema::bring_up_to_date(conn, &shown).await?;
                meta::read(conn).await
            })
        });
        let identity = identity::read(&meta.await?, key)?;
        let log_folder = ensure_folder(&log.folder)?;
        let folder = Folder::open(&log_folder)?;
        let node: Arc<str> = crate::node::name(&folder, None)?.into();
        register(&pool, &node).await?;
        let log_public_key = identity.signing_key.public();
        let appender = Appender::new(folder, node.to_string(), identity.signing_key, log.segment_max_bytes);
        let outbox = PostgresOutbox { pool: pool.clone(), node: Arc::clone(&node), taken: Vec::new() };
        let line = RelayLine::new();
        let waker = line.waker();
        let relay = Relay::start(line, appender, Box::new(outbox))?;
        waker.wake();
        let sealer = RwLock::new(Arc::new(identity.sealer));
        Ok(Self { relay, waker, pool, sealer, node, log_folder, log_public_key })
    }

    /// Where it is, without secrets.
    pub fn place_shown(&self) -> String {
        self.pool.address().shown.clone()
    }

    /// The folder of this host's segments.
    pub fn log_folder(&self) -> &Path {
        &self.log_folder
    }

    /// The name of this folder's chain, with which its segments' names begin.
    pub fn log_node(&self) -> &str {
        &self.node
    }

    /// The key that checks the logs of all hosts that use this store.
    pub fn log_public_key(&self) -> LogPublicKey {
        self.log_public_key
    }

    /// The newest batch that the store knows to be in this folder's log; `None` before the first.
    pub async fn log_head(&self) -> Result<Option<LogHead>, StoreError> {
        let rows = self.pool.read(outbox::HEAD, vec![Box::new(self.node.to_string())]).await?;
        rows.first().map(|row| outbox::read_head(row, &self.node)).transpose()
    }

    /// Events of this folder's chain that are not in the log yet.
    pub async fn log_waiting(&self) -> Result<u64, StoreError> {
        let rows = self.pool.read(outbox::COUNT, vec![Box::new(self.node.to_string())]).await?;
        rows.first().map_or(Ok(0), outbox::read_count)
    }

    /// Seals everything under a new master key, all or nothing and the events with it; this store goes on with it.
    /// Others that have it open are told to start again when they next write or open a value.
    pub async fn rotate_master_key(&self, new: &MasterKey, events: Vec<Event>) -> Result<(), StoreError> {
        let events = prepare(events)?;
        let mut sealer = self.sealer.write().await;
        let (old, key, node) = (Arc::clone(&sealer), new.clone(), Arc::clone(&self.node));
        let rekeyed = self.pool.write(Among::Alone, move |conn| {
            Box::pin(async move {
                rekey::rekey(conn, &old, &key).await?;
                outbox::insert(conn, &node, &events).await
            })
        });
        let rekeyed = rekeyed.await;
        self.waker.wake();
        rekeyed?;
        *sealer = Arc::new(sealer.under(new));
        Ok(())
    }

    /// Writes, and puts the events into the outbox, in one transaction.
    async fn write<T: Send + 'static>(
        &self,
        sealer: &Sealer,
        events: Vec<Event>,
        run: impl for<'a> FnOnce(&'a Conn) -> Running<'a, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let events = prepare(events)?;
        self.write_if(sealer, events, |_always| true, run).await
    }

    /// As [`Self::write`], with events only if what was done is so.
    async fn write_if<T: Send + 'static>(
        &self,
        sealer: &Sealer,
        events: Vec<PreparedEvent>,
        told: impl Fn(&T) -> bool + Send + 'static,
        run: impl for<'a> FnOnce(&'a Conn) -> Running<'a, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (mark, node, some) = (sealer.mark(), Arc::clone(&self.node), !events.is_empty());
        let written = self.pool.write(Among::Others, move |conn| {
            Box::pin(async move {
                meta::check(conn, mark).await?;
                let done = run(conn).await?;
                if told(&done) {
                    outbox::insert(conn, &node, &events).await?;
                }
                Ok(done)
            })
        });
        let done = written.await;
        if some {
            // Even if the answer was lost: what is in the outbox is brought.
            self.waker.wake();
        }
        done
    }
}

/// Connections to a database.
pub(crate) fn pool(url: &str, password: Option<&Secret>) -> Result<Pool, StoreError> {
    let address = Address::parse(url, password)?;
    Ok(Pool::new(Arc::new(address), Arc::new(Background::start()?)))
}

/// Makes a log folder's chain known to all.
async fn register(pool: &Pool, node: &Arc<str>) -> Result<(), StoreError> {
    let node = node.to_string();
    let sql = "INSERT INTO log_node (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
    pool.write(Among::Others, move |conn| {
        Box::pin(
            async move { conn.execute(crate::error::Constraint::NONE, sql, &[&node]).await.map(|_rows| ()) },
        )
    })
    .await
}
