//! What became of a transaction whose end was sent and not answered: the database is asked, over a new connection.

use std::sync::Arc;
use std::time::Duration;

use model::StoreError;
use tokio::time::{Instant, sleep, timeout_at};

use super::address::Address;
use super::connect::{Conn, connect};
use crate::error::corrupt;

/// How long it is asked. A session whose other side is gone ends before.
const ASKED_FOR: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(100);

/// What tells a transaction from all others, and the run of the server that knows it: a server that took its place
/// may have given the number to another.
pub(crate) const MARK: &str =
    "SELECT pg_current_xact_id()::text, extract(epoch FROM pg_postmaster_start_time())::text";

/// A transaction's mark.
pub(crate) struct Mark {
    number: u64,
    run: String,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Committed,
    RolledBack,
}

/// Runs statements of which [`MARK`] is the last.
pub(crate) async fn mark(conn: &Conn, sql: &str) -> Result<Mark, StoreError> {
    let row = conn.last(sql).await?;
    let [number, run] = row.as_slice() else { return Err(corrupt("a transaction", "it has no mark")) };
    let number = number.parse().map_err(|_text| corrupt("a transaction", "its number is none"))?;
    Ok(Mark { number, run: run.clone() })
}

impl Mark {
    /// How it ended; `None` if that cannot be learnt.
    pub(crate) async fn outcome(&self, address: &Arc<Address>) -> Option<End> {
        let until = Instant::now() + ASKED_FOR;
        loop {
            match timeout_at(until, self.ask(address)).await.ok()? {
                Some(Asked::Ended(end)) => return Some(end),
                Some(Asked::Unknown) => return None,
                Some(Asked::Runs) | None => {}
            }
            timeout_at(until, sleep(AGAIN)).await.ok()?;
        }
    }

    /// `None` if there is no connection now.
    async fn ask(&self, address: &Arc<Address>) -> Option<Asked> {
        let conn = connect(address, || ()).await.ok()?;
        let sql = format!(
            "SELECT coalesce(pg_xact_status('{}'::xid8), ''),
                extract(epoch FROM pg_postmaster_start_time())::text",
            self.number
        );
        let row = conn.last(&sql).await.ok()?;
        Some(match row.as_slice() {
            [_, run] if *run != self.run => Asked::Unknown,
            [status, _] if status == "committed" => Asked::Ended(End::Committed),
            [status, _] if status == "aborted" => Asked::Ended(End::RolledBack),
            [status, _] if status == "in progress" => Asked::Runs,
            _ => Asked::Unknown,
        })
    }
}

enum Asked {
    Ended(End),
    Runs,
    Unknown,
}
