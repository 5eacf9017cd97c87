//! A store in a database of its own, on the server that `KEYWRIGHT_TEST_POSTGRES` names.

use std::sync::atomic::{AtomicU32, Ordering};

use model::{Event, StoreError};
use store::log::{LogConfig, Reader};
use store::{MasterKey, PostgresStore, StorePlace};

use crate::fixture::{Place, Spoilt};

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct PostgresPlace {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) key: MasterKey,
    pub(crate) log: LogConfig,
    pub(crate) url: String,
    database: Database,
}

/// A database that goes when this does.
pub(crate) struct Database {
    pub(crate) server: String,
    pub(crate) name: String,
}

#[expect(clippy::disallowed_methods, reason = "tests learn from their surroundings where a server is")]
fn server() -> Option<String> {
    if let Ok(url) = std::env::var("KEYWRIGHT_TEST_POSTGRES") {
        return Some(url);
    }
    let required = std::env::var("KEYWRIGHT_TEST_REQUIRE_REAL").is_ok_and(|value| value == "1");
    assert!(!required, "KEYWRIGHT_TEST_POSTGRES names no server");
    eprintln!("passed over: KEYWRIGHT_TEST_POSTGRES names no server");
    None
}

/// Runs it to its end, from a test that may be on a runtime or on none.
pub(crate) fn wait<T: Send>(what: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let run =
            || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(what);
        scope.spawn(run).join().unwrap()
    })
}

pub(crate) async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Database {
    /// An empty one; `None` if there is no server to make it on.
    pub(crate) fn fresh() -> Option<Self> {
        let server = server()?;
        let name = format!("kw_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        wait(async {
            client(&server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        });
        Some(Self { server, name })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        let (start, _) = self.server.rsplit_once('/').unwrap();
        format!("{start}/{}", self.name)
    }

    /// Runs SQL in it, as its superuser.
    pub(crate) fn run(&self, sql: &str) {
        wait(async { client(&self.url()).await.batch_execute(sql).await.unwrap() });
    }

    /// The first column of a query's only row.
    pub(crate) fn text(&self, sql: &str) -> String {
        wait(async { client(&self.url()).await.query_one(sql, &[]).await.unwrap().get(0) })
    }

    /// Ends all sessions on it, as a restart of the server does.
    pub(crate) fn cut(&self) {
        let sql =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", self.name);
        wait(async { client(&self.server).await.batch_execute(&sql).await.unwrap() });
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        wait(async { client(&self.server).await.batch_execute(&drop).await.unwrap() });
    }
}

impl PostgresPlace {
    /// A store that is made, and closed again.
    pub(crate) fn fresh() -> Option<Self> {
        let database = Database::fresh()?;
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogConfig::new(folder.path().join("state/log"));
        log.segment_max_bytes = 20_000;
        let (key, url) = (MasterKey::generate().unwrap(), database.url());
        drop(wait(PostgresStore::create(&url, None, &key, &log)).unwrap());
        Some(Self { folder, key, log, url, database })
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

impl Place for PostgresPlace {
    type Store = PostgresStore;

    fn open(&self) -> PostgresStore {
        wait(PostgresStore::open(&self.url, None, &self.key, &self.log)).unwrap()
    }

    fn open_under(&self, key: &MasterKey) -> Result<PostgresStore, StoreError> {
        wait(PostgresStore::open(&self.url, None, key, &self.log))
    }

    fn place(&self) -> StorePlace {
        StorePlace::Postgres { url: self.url.clone(), password: None }
    }

    fn key(&self) -> MasterKey {
        self.key.clone()
    }

    fn log(&self) -> LogConfig {
        self.log.clone()
    }

    fn spoil(&self, spoilt: Spoilt) {
        self.database.run(match spoilt {
            Spoilt::Yes => "INSERT INTO keywright.sealed VALUES ('zz', decode('0011', 'hex'))",
            Spoilt::No => "DELETE FROM keywright.sealed WHERE name = 'zz'",
        });
    }

    fn logged(&self) -> Vec<Event> {
        Reader::open(&self.log.folder).unwrap().map(|logged| logged.unwrap().event).collect()
    }
}
