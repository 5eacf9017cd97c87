//! One holder of a role at a time over all hosts: a lock of a session, which `PostgreSQL` frees when the session ends.

use std::sync::Arc;
use std::time::Duration;

use model::{Leadership, StoreError};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};

use super::connect::{Conn, connect, get};
use super::pool::Pool;
use super::runtime::Background;

/// How often a role that is held is tried for.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the leader looks whether its session lives, and how long that may take.
const PULSE: Duration = Duration::from_secs(2);
/// A dead host's session ends after so many seconds on the server's side.
const WATCHED: &str = "SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1;
    SET tcp_keepalives_count = 3; SET tcp_user_timeout = 5000";

struct Held {
    /// `true` once the session is over; dropping it ends the session.
    lost: watch::Receiver<Standing>,
    _background: Arc<Background>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Leads,
    Lost,
}

#[async_trait::async_trait]
impl Leadership for Held {
    async fn lost(&mut self) {
        // An end of the other side is a loss too.
        drop(self.lost.wait_for(|standing| *standing == Standing::Lost).await);
    }
}

/// Waits until the role is free, and takes it.
pub(crate) async fn lead(pool: &Pool, role: &str) -> Result<Box<dyn Leadership>, StoreError> {
    let lock = lock_of(role);
    let (tell, lost) = watch::channel(Standing::Leads);
    loop {
        let (address, tell) = (Arc::clone(pool.address()), tell.clone());
        let took = pool.background().run(async move {
            let (there, gone) = mpsc::channel::<()>(1);
            let conn = connect(&address, move || {
                let _alive = &there;
            })
            .await?;
            conn.batch(WATCHED).await?;
            let took = take(&conn, lock, &tell).await?;
            if took {
                tokio::spawn(hold(conn, gone, tell));
            }
            Ok(took)
        });
        if took.await? {
            return Ok(Box::new(Held { lost, _background: Arc::clone(pool.background()) }));
        }
    }
}

/// Tries for some time; `false` if a session has waited long enough, or nobody waits any more.
async fn take(conn: &Conn, lock: i64, waits: &watch::Sender<Standing>) -> Result<bool, StoreError> {
    for _try in 0..30 {
        let row = conn.row("SELECT pg_try_advisory_lock($1)", &[&lock]).await?;
        if row.map_or(Ok(false), |row| get(&row, 0))? {
            return Ok(!waits.is_closed());
        }
        tokio::select! {
            () = waits.closed() => return Ok(false),
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
    Ok(false)
}

/// Keeps the session until it is lost or not wanted any more.
async fn hold(conn: Conn, mut gone: mpsc::Receiver<()>, tell: watch::Sender<Standing>) {
    loop {
        tokio::select! {
            () = tell.closed() => return,
            _gone = gone.recv() => {}
            () = tokio::time::sleep(PULSE) => {}
        }
        let alive = tokio::time::timeout(PULSE, conn.batch("SELECT 1")).await;
        if !matches!(alive, Ok(Ok(()))) {
            tell.send_replace(Standing::Lost);
            return;
        }
    }
}

/// Eight bytes of the role's hash: no other lock has this number.
fn lock_of(role: &str) -> i64 {
    let hash = Sha256::new().chain_update(b"keywright/lead/").chain_update(role).finalize();
    hash.iter().take(8).fold(0, |number: i64, byte| (number << 8) | i64::from(*byte))
}
