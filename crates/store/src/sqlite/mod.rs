//! The store in one `SQLite` file: the port's methods, and the threads behind them.

mod changes;
pub(crate) mod connect;
pub(crate) mod leadership;
mod lease;
pub(crate) mod meta;
mod outbox;
mod port;
mod reader;
mod records;
mod rekey;
mod rotations;
pub(crate) mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Event, StoreError};
use rusqlite::Connection;
use tokio::sync::RwLock;

use crate::MasterKey;
use crate::error::exists;
use crate::files::ensure_folder;
use crate::identity;
use crate::log::{Appender, Folder, LogConfig, LogHead, LogPublicKey, Outbox, Relay, RelayLine};
use crate::rows::prepare;
use crate::seal::Sealer;
use outbox::SqliteOutbox;
use reader::{Readers, on_snapshot};
use writer::{Events, Writer, ended};

const READERS: usize = 2;

/// The store in one file, with its log in a folder.
///
/// Any number of processes may have it open, and any number of these in one process. Dropping one brings its
/// events into the log, and blocks until that is done.
pub struct SqliteStore {
    // In the order in which they have to end. The relay still writes; and the last connection has to be alone
    // when it closes, or nobody brings the write-ahead file into the database and removes it.
    readers: Readers,
    relay: Relay,
    writer: Writer,
    /// Locked for writing while the master key is changed.
    sealer: RwLock<Arc<Sealer>>,
    path: PathBuf,
    node: String,
    log_folder: PathBuf,
    log_public_key: LogPublicKey,
}

impl SqliteStore {
    /// Makes a store where there is none, and opens it. Its folders are made too, for the owner alone.
    pub fn create(path: &Path, key: &MasterKey, log: &LogConfig) -> Result<Self, StoreError> {
        let folder = ensure_folder(&log.folder)?;
        if !Folder::open(&folder)?.segments()?.is_empty() {
            let what = format!("`{}` holds a log already", folder.display());
            return Err(exists(what));
        }
        connect::create(path, |conn| {
            schema::make(conn)?;
            meta::write(conn, &identity::make(key)?)
        })?;
        Self::open(path, key, log)
    }

    /// Opens a store that is there; brings its schema up to date, and events that a crash left behind into
    /// the log.
    pub fn open(path: &Path, key: &MasterKey, log: &LogConfig) -> Result<Self, StoreError> {
        Self::open_with(path, key, log, |outbox| Box::new(outbox))
    }

    fn open_with(
        path: &Path,
        key: &MasterKey,
        log: &LogConfig,
        outbox: impl FnOnce(SqliteOutbox) -> Box<dyn Outbox>,
    ) -> Result<Self, StoreError> {
        let path = connect::checked_path(path)?;
        let mut conn = connect::connect(&path)?;
        schema::bring_up_to_date(&mut conn, &path)?;
        let meta = on_snapshot(&mut conn, meta::read)?;
        let identity = identity::read(&meta, key)?;
        let log_folder = ensure_folder(&log.folder)?;
        let folder = Folder::open(&log_folder)?;
        let log_public_key = identity.signing_key.public();
        let node = identity::node_of(&meta)?;
        let appender = Appender::new(folder, node.clone(), identity.signing_key, log.segment_max_bytes);

        let readers = (0..READERS).map(|_| connect::connect(&path)).collect::<Result<_, _>>()?;
        let readers = Readers::start(readers)?;
        let line = RelayLine::new();
        let waker = line.waker();
        let writer = Writer::start(conn, waker.clone())?;
        let relayed = connect::connect(&path)?;
        let handle = writer.handle()?.clone();
        let outbox = outbox(SqliteOutbox { conn: relayed, writer: handle, node: node.clone() });
        let relay = Relay::start(line, appender, outbox)?;
        waker.wake();
        let sealer = RwLock::new(Arc::new(identity.sealer));
        Ok(Self { readers, relay, writer, sealer, path, node, log_folder, log_public_key })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is.
    pub fn place_shown(&self) -> String {
        self.path.display().to_string()
    }

    /// The folder of the log's segments.
    pub fn log_folder(&self) -> &Path {
        &self.log_folder
    }

    /// The name of this store's chain, with which its segments' names begin.
    pub fn log_node(&self) -> &str {
        &self.node
    }

    /// The key that checks this store's log.
    pub fn log_public_key(&self) -> LogPublicKey {
        self.log_public_key
    }

    /// The newest batch that the store knows to be in the log; `None` before the first.
    pub async fn log_head(&self) -> Result<Option<LogHead>, StoreError> {
        let node = self.node.clone();
        self.readers.read(move |conn| outbox::read_head(conn, &node)).await
    }

    /// Events that are not in the log yet.
    pub async fn log_waiting(&self) -> Result<u64, StoreError> {
        self.readers.read(outbox::count).await
    }

    /// Seals everything under a new master key, all or nothing and the events with it; this store goes on with it.
    /// Others that have it open are told to start again when they next write or open a value.
    pub async fn rotate_master_key(&self, new: &MasterKey, events: Vec<Event>) -> Result<(), StoreError> {
        let events = prepare(events)?;
        let mut sealer = self.sealer.write().await;
        let (old, key) = (Arc::clone(&sealer), new.clone());
        let rekeyed = self.writer.handle()?.write(Events::Some, move |conn| {
            rekey::rekey(conn, &old, &key)?;
            outbox::insert(conn, &events)
        })?;
        rekeyed.await.map_err(|_dropped| ended())??;
        *sealer = Arc::new(sealer.under(new));
        Ok(())
    }

    /// Writes, and puts the events into the outbox, in one transaction.
    async fn write<T: Send + 'static>(
        &self,
        sealer: &Sealer,
        events: Vec<Event>,
        run: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let events = prepare(events)?;
        let some = if events.is_empty() { Events::None } else { Events::Some };
        let mark = sealer.mark();
        let answered = self.writer.handle()?.write(some, move |conn| {
            meta::check(conn, mark)?;
            let done = run(conn)?;
            outbox::insert(conn, &events)?;
            Ok(done)
        })?;
        answered.await.map_err(|_dropped| ended())?
    }
}

#[cfg(test)]
mod tests;
