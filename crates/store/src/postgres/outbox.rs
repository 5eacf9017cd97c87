//! Events on their way into the log of the node that wrote them, and the head of each node's log.

use std::sync::Arc;

use model::{StoreError, Timestamp};
use tokio_postgres::Row;

use super::connect::{Conn, get, signed, unsigned};
use super::meta::check_not_moved;
use super::pool::{Among, Pool};
use crate::error::{Constraint, bug, corrupt};
use crate::log::{BATCH_MAX_BYTES, BATCH_MAX_ROWS, EVENT_MAX_BYTES, LineHash, LogHead, Outbox, OutboxRow};
use crate::rows::PreparedEvent;

/// The head of a node's log.
pub(crate) const HEAD: &str = "SELECT batch, hash, events, segment, ends_at FROM log_head WHERE node = $1";

/// Puts events into the outbox, in the caller's transaction.
pub(crate) async fn insert(conn: &Conn, node: &str, events: &[PreparedEvent]) -> Result<(), StoreError> {
    let sql = "INSERT INTO outbox (node, event, at, json) VALUES ($1, $2, $3, $4)";
    for event in events {
        let taken = format!("event `{}` was recorded before", event.id);
        let on = Constraint { missing: "", taken: &taken };
        conn.execute(on, sql, &[&node, &event.id, &event.at.as_microsecond(), &event.json]).await?;
    }
    Ok(())
}

/// The outbox as the relay of one node sees it, from a thread that no runtime needs.
pub(crate) struct PostgresOutbox {
    pub(crate) pool: Pool,
    pub(crate) node: Arc<str>,
    /// The rows given out last. Those of a transaction that ended late may have smaller numbers than these.
    pub(crate) taken: Vec<i64>,
}

impl PostgresOutbox {
    fn write(
        &self,
        run: impl for<'a> FnOnce(&'a Conn) -> super::pool::Running<'a, ()> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.pool.background().handle()?.block_on(self.pool.write(Among::Others, run))
    }

    fn read(&self, sql: &'static str, params: super::pool::Params) -> Result<Vec<Row>, StoreError> {
        self.pool.background().handle()?.block_on(self.pool.read(sql, params))
    }

    fn node(&self) -> String {
        self.node.to_string()
    }
}

impl Outbox for PostgresOutbox {
    fn head(&mut self) -> Result<Option<LogHead>, StoreError> {
        self.write(|conn| Box::pin(check_not_moved(conn)))?;
        let rows = self.read(HEAD, vec![Box::new(self.node())])?;
        rows.first().map(|row| read_head(row, &self.node)).transpose()
    }

    fn newest(&mut self) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(seq), 0) FROM outbox WHERE node = $1";
        let rows = self.read(sql, vec![Box::new(self.node())])?;
        rows.first().map_or(Ok(0), |row| get(row, 0))
    }

    fn waiting(&mut self) -> Result<Vec<OutboxRow>, StoreError> {
        self.taken.clear();
        let sql = "SELECT seq, at, json FROM outbox WHERE node = $1 ORDER BY seq LIMIT $2";
        let rows = self.read(sql, vec![Box::new(self.node()), Box::new(i64::from(BATCH_MAX_ROWS))])?;
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        for row in &rows {
            let (seq, json): (i64, String) = (get(row, 0)?, get(row, 2)?);
            let at = Timestamp::from_microsecond(get(row, 1)?)
                .map_err(|error| corrupt(&format!("outbox/{seq}"), error.to_string()))?;
            bytes += json.len();
            self.taken.push(seq);
            waiting.push(OutboxRow { seq, at, json });
            if bytes + EVENT_MAX_BYTES > BATCH_MAX_BYTES {
                break;
            }
        }
        Ok(waiting)
    }

    fn logged_through(&mut self, seq: i64, head: LogHead) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut self.taken);
        if taken.last() != Some(&seq) {
            return Err(bug("what was logged is not what was given out"));
        }
        self.write(move |conn| {
            Box::pin(async move {
                conn.execute(Constraint::NONE, "DELETE FROM outbox WHERE seq = ANY($1)", &[&taken]).await?;
                write_head(conn, &head).await
            })
        })
    }

    fn logged(&mut self, ids: Vec<String>, head: LogHead) -> Result<(), StoreError> {
        self.write(move |conn| {
            Box::pin(async move {
                conn.execute(Constraint::NONE, "DELETE FROM outbox WHERE event = ANY($1)", &[&ids]).await?;
                write_head(conn, &head).await
            })
        })
    }
}

/// A row of [`HEAD`].
pub(crate) const COUNT: &str = "SELECT COUNT(*) FROM outbox WHERE node = $1";

/// How many wait.
pub(crate) fn read_count(row: &Row) -> Result<u64, StoreError> {
    unsigned("outbox", get(row, 0)?)
}

pub(crate) fn read_head(row: &Row, node: &str) -> Result<LogHead, StoreError> {
    let number = |column| unsigned("log_head", get(row, column)?);
    let hash: &[u8] = get(row, 1)?;
    let hash = hash.try_into().map_err(|_length| corrupt("log_head", "its hash is not 32 bytes"))?;
    Ok(LogHead {
        node: node.to_owned(),
        batch: number(0)?,
        hash: LineHash(hash),
        events: number(2)?,
        segment: number(3)?,
        end: number(4)?,
    })
}

/// Keeps a node's newest head.
pub(crate) async fn write_head(conn: &Conn, head: &LogHead) -> Result<(), StoreError> {
    let sql = "INSERT INTO log_head (node, batch, hash, events, segment, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (node) DO UPDATE SET batch = excluded.batch, hash = excluded.hash,
            events = excluded.events, segment = excluded.segment, ends_at = excluded.ends_at";
    let (batch, events) = (signed(head.batch)?, signed(head.events)?);
    let (segment, end, hash) = (signed(head.segment)?, signed(head.end)?, head.hash.0.as_slice());
    conn.execute(Constraint::NONE, sql, &[&head.node, &batch, &hash, &events, &segment, &end])
        .await
        .map(|_rows| ())
}
