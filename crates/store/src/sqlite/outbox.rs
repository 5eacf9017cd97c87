//! Events on their way into the log.

use model::{StoreError, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::meta::check_not_moved;
use super::reader::on_snapshot;
use super::writer::{Events, WriterHandle, ended};
use crate::error::{Constraint, constraint, corrupt, sqlite};
use crate::log::{BATCH_MAX_BYTES, BATCH_MAX_ROWS, EVENT_MAX_BYTES, LineHash, LogHead, Outbox, OutboxRow};
use crate::rows::PreparedEvent;

/// Puts events into the outbox, in the caller's transaction.
pub(crate) fn insert(conn: &Connection, events: &[PreparedEvent]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut statement = conn
        .prepare_cached("INSERT INTO outbox (event, at, json) VALUES (?1, ?2, ?3)")
        .map_err(|error| sqlite(&error))?;
    for event in events {
        statement.execute(params![event.id, event.at.as_microsecond(), event.json]).map_err(|error| {
            let taken = format!("event `{}` was recorded before", event.id);
            constraint(&error, Constraint { missing: "", taken: &taken })
        })?;
    }
    Ok(())
}

/// The outbox as the relay sees it.
pub(crate) struct SqliteOutbox {
    pub(crate) conn: Connection,
    pub(crate) writer: WriterHandle,
    pub(crate) node: String,
}

impl SqliteOutbox {
    fn write(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        let answered = self.writer.write(Events::None, |conn| run(conn).map_err(|error| sqlite(&error)))?;
        answered.blocking_recv().map_err(|_dropped| ended())?
    }
}

impl Outbox for SqliteOutbox {
    fn head(&mut self) -> Result<Option<LogHead>, StoreError> {
        on_snapshot(&mut self.conn, |conn| {
            check_not_moved(conn)?;
            read_head(conn, &self.node)
        })
    }

    fn newest(&mut self) -> Result<i64, StoreError> {
        on_snapshot(&mut self.conn, |conn| {
            conn.query_row("SELECT COALESCE(MAX(seq), 0) FROM outbox", [], |row| row.get(0))
                .map_err(|error| sqlite(&error))
        })
    }

    fn waiting(&mut self) -> Result<Vec<OutboxRow>, StoreError> {
        on_snapshot(&mut self.conn, |conn| {
            let mut statement = conn
                .prepare_cached("SELECT seq, at, json FROM outbox ORDER BY seq LIMIT ?1")
                .map_err(|error| sqlite(&error))?;
            let mut rows = statement.query([BATCH_MAX_ROWS]).map_err(|error| sqlite(&error))?;
            let (mut taken, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next().map_err(|error| sqlite(&error))? {
                let row = read_row(row).map_err(|error| sqlite(&error))?;
                let (seq, at, json) = row;
                let at = Timestamp::from_microsecond(at)
                    .map_err(|error| corrupt(&format!("outbox/{seq}"), error.to_string()))?;
                bytes += json.len();
                taken.push(OutboxRow { seq, at, json });
                if bytes + EVENT_MAX_BYTES > BATCH_MAX_BYTES {
                    break;
                }
            }
            Ok(taken)
        })
    }

    fn logged_through(&mut self, seq: i64, head: LogHead) -> Result<(), StoreError> {
        self.write(move |conn| {
            conn.prepare_cached("DELETE FROM outbox WHERE seq <= ?1")?.execute([seq])?;
            write_head(conn, &head)
        })
    }

    fn logged(&mut self, ids: Vec<String>, head: LogHead) -> Result<(), StoreError> {
        self.write(move |conn| {
            let mut statement = conn.prepare_cached("DELETE FROM outbox WHERE event = ?1")?;
            for id in &ids {
                statement.execute([id])?;
            }
            write_head(conn, &head)
        })
    }
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, i64, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// How many wait.
pub(crate) fn count(conn: &Connection) -> Result<u64, StoreError> {
    conn.query_row("SELECT COUNT(*) FROM outbox", [], |row| row.get(0)).map_err(|error| sqlite(&error))
}

/// The newest batch that the store knows to be in the log.
pub(crate) fn read_head(conn: &Connection, node: &str) -> Result<Option<LogHead>, StoreError> {
    conn.prepare_cached("SELECT batch, hash, events, segment, ends_at FROM log_head WHERE one = 1")
        .and_then(|mut statement| {
            statement
                .query_row([], |row| {
                    Ok(LogHead {
                        node: node.to_owned(),
                        batch: row.get(0)?,
                        hash: LineHash(row.get(1)?),
                        events: row.get(2)?,
                        segment: row.get(3)?,
                        end: row.get(4)?,
                    })
                })
                .optional()
        })
        .map_err(|error| sqlite(&error))
}

fn write_head(conn: &Connection, head: &LogHead) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO log_head (one, batch, hash, events, segment, ends_at) VALUES (1, ?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (one) DO UPDATE SET batch = excluded.batch, hash = excluded.hash,
             events = excluded.events, segment = excluded.segment, ends_at = excluded.ends_at",
    )?
    .execute(params![head.batch, head.hash.0, head.events, head.segment, head.end])
    .map(|_rows| ())
}
