//! A few connections, lent for one read or one transaction each. All of it runs on the store's own runtime, so that
//! a caller who does not wait any more leaves nothing half done.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::address::Address;
use super::connect::{Conn, Param, connect};
use super::end::{self, End, Mark};
use super::error::{may_be_done, nothing_written, postgres, too_long, unknown_end};
use super::runtime::Background;
use crate::error::bug;

const CONNECTIONS: usize = 4;
/// How long a caller waits for one of them.
const WAIT: Duration = Duration::from_secs(30);
/// A read, or the changes of one transaction.
const RUN: Duration = Duration::from_mins(1);
/// The end of a transaction.
const END: Duration = Duration::from_secs(25);

/// Every writer holds it shared; who changes all rows holds it alone.
pub(crate) const WRITERS: i64 = 0x4b79_7772_0000_0001;
/// Told with every write.
pub(crate) const CHANNEL: &str = "keywright_changes";

/// A future that lives as long as the connection it uses.
pub(crate) type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
/// Parameters that travel to the runtime.
pub(crate) type Params = Vec<Box<dyn ToSql + Send + Sync>>;

/// How a transaction stands to other writers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Among {
    /// Beside others; rows that it changes are locked.
    Others,
    /// Alone.
    Alone,
}

#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    background: Arc<Background>,
}

struct Shared {
    address: Arc<Address>,
    idle: Mutex<Vec<Conn>>,
    permits: Arc<Semaphore>,
}

/// A connection on loan. It comes back by being given back; dropped, it is closed.
struct Lent {
    conn: Conn,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(address: Arc<Address>, background: Arc<Background>) -> Self {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        Self { shared: Arc::new(Shared { address, idle: Mutex::default(), permits }), background }
    }

    pub(crate) fn address(&self) -> &Arc<Address> {
        &self.shared.address
    }

    pub(crate) fn background(&self) -> &Arc<Background> {
        &self.background
    }

    /// Runs one query on what was committed before. A lost connection is tried again: reading twice does no harm.
    pub(crate) async fn read(&self, sql: &'static str, params: Params) -> Result<Vec<Row>, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.background.run(async move { shared.read(sql, &params).await }).await
    }

    /// Runs `run` in a transaction; durable when it returns. It is never tried again.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        among: Among,
        run: impl for<'a> FnOnce(&'a Conn) -> Running<'a, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.background.run(async move { shared.write(among, run).await }).await
    }
}

impl Shared {
    async fn lend(&self) -> Result<Lent, StoreError> {
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_elapsed| too_long("all connections are in use"))?
            .map_err(|_closed| bug("the pool was closed"))?;
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = match idle {
                Some(conn) if conn.is_closed() => continue,
                Some(conn) => conn,
                None => connect(&self.address, || ()).await?,
            };
            return Ok(Lent { conn, _permit: permit });
        }
    }

    fn give_back(&self, lent: Lent) {
        if !lent.conn.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lent.conn);
        }
    }

    async fn read(&self, sql: &'static str, params: &Params) -> Result<Vec<Row>, StoreError> {
        let params: Vec<Param<'_>> = params.iter().map(|param| &**param as Param<'_>).collect();
        let mut tries = 0..=CONNECTIONS;
        loop {
            let lent = self.lend().await?;
            let rows = match tokio::time::timeout(RUN, lent.conn.rows(sql, &params)).await {
                Ok(rows) => rows,
                Err(_elapsed) => return Err(too_long("a read")),
            };
            let gone = settled(&lent.conn).await;
            self.give_back(lent);
            if rows.is_ok() || !gone || tries.next().is_none() {
                return rows;
            }
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        among: Among,
        run: impl for<'a> FnOnce(&'a Conn) -> Running<'a, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (lent, mark) = self.begin(among).await?;
        let conn = &lent.conn;
        let done =
            tokio::time::timeout(RUN, run(conn)).await.unwrap_or_else(|_elapsed| Err(too_long("a write")));
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                // A connection that cannot even do that is closed, and the server rolls back.
                if let Ok(Ok(())) = tokio::time::timeout(END, conn.batch("ROLLBACK")).await {
                    self.give_back(lent);
                }
                return Err(error);
            }
        };
        let end = format!("NOTIFY {CHANNEL}; COMMIT");
        match tokio::time::timeout(END, conn.raw_batch(&end)).await {
            Ok(Ok(())) => {
                self.give_back(lent);
                Ok(done)
            }
            Ok(Err(error)) if !may_be_done(&error) => {
                // The connection is closed, and the server rolls back if it has not yet.
                Err(postgres(&error))
            }
            // The answer was lost, and perhaps the question.
            Ok(Err(_)) | Err(_) => {
                drop(lent);
                match mark.outcome(&self.address).await {
                    Some(End::Committed) => Ok(done),
                    Some(End::RolledBack) => Err(nothing_written()),
                    None => Err(unknown_end()),
                }
            }
        }
    }

    /// A transaction in which nothing was done yet; a connection that is found dead is replaced.
    async fn begin(&self, among: Among) -> Result<(Lent, Mark), StoreError> {
        let lock = match among {
            Among::Others => "pg_advisory_xact_lock_shared",
            Among::Alone => "pg_advisory_xact_lock",
        };
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT {lock}({WRITERS}); {}",
            end::MARK
        );
        let mut tries = 0..=CONNECTIONS;
        loop {
            let lent = self.lend().await?;
            match tokio::time::timeout(RUN, end::mark(&lent.conn, &begin)).await {
                Ok(Ok(mark)) => return Ok((lent, mark)),
                Ok(Err(error)) if !settled(&lent.conn).await || tries.next().is_none() => return Err(error),
                Ok(Err(_)) => {}
                Err(_elapsed) => return Err(too_long("a write began")),
            }
        }
    }
}

/// Whether the connection is gone, once its own task had the time to notice.
async fn settled(conn: &Conn) -> bool {
    tokio::task::yield_now().await;
    conn.is_closed()
}
