//! A store in one file, in a folder of its own.

use std::path::PathBuf;

use model::{Event, StoreError};
use store::log::{LogConfig, Reader, VerifyError, VerifyReport, verify};
use store::{MasterKey, SqliteStore, StorePlace};

use crate::fixture::{Place, Spoilt};

pub(crate) struct SqlitePlace {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) key: MasterKey,
    pub(crate) log: LogConfig,
}

impl SqlitePlace {
    /// A store that is made, and closed again.
    pub(crate) fn fresh() -> Self {
        Self::with_segments_of(8 * 1024 * 1024)
    }

    pub(crate) fn with_segments_of(bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogConfig::new(folder.path().join("state/log"));
        log.segment_max_bytes = bytes;
        let place = Self { folder, key: MasterKey::generate().unwrap(), log };
        drop(SqliteStore::create(&place.path(), &place.key, &place.log).unwrap());
        place
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("state/keywright.db")
    }

    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    pub(crate) async fn verify(&self) -> Result<VerifyReport, VerifyError> {
        let store = self.open();
        let head = store.log_head().await.unwrap();
        verify(&self.log.folder, &store.log_public_key(), head.as_ref())
    }

    /// The segments' paths, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.log.folder).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

impl Place for SqlitePlace {
    type Store = SqliteStore;

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), &self.key, &self.log).unwrap()
    }

    fn open_under(&self, key: &MasterKey) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.path(), key, &self.log)
    }

    fn place(&self) -> StorePlace {
        StorePlace::Sqlite(self.path())
    }

    fn key(&self) -> MasterKey {
        self.key.clone()
    }

    fn log(&self) -> LogConfig {
        self.log.clone()
    }

    fn spoil(&self, spoilt: Spoilt) {
        let sql = match spoilt {
            Spoilt::Yes => "INSERT INTO sealed VALUES ('zz', x'0011')",
            Spoilt::No => "DELETE FROM sealed WHERE name = 'zz'",
        };
        assert_eq!(self.raw().execute(sql, []).unwrap(), 1);
    }

    fn logged(&self) -> Vec<Event> {
        Reader::open(&self.log.folder).unwrap().map(|logged| logged.unwrap().event).collect()
    }
}
