//! Tells of writes by anyone, on any host: `PostgreSQL` notifies whoever listens.

use std::sync::Arc;
use std::time::Duration;

use model::{Changes, StoreError};
use tokio::sync::{Notify, mpsc, watch};

use super::connect::{Conn, connect};
use super::pool::{CHANNEL, Pool};
use super::runtime::Background;

/// Somebody looks this often, told or not.
const AT_LAST: Duration = Duration::from_secs(30);
/// How long a lost connection waits for its next try.
const AGAIN: Duration = Duration::from_secs(1);

struct Listening {
    told: Arc<Notify>,
    /// Ends the listener when it is dropped.
    _alive: watch::Sender<()>,
    _background: Arc<Background>,
}

/// From now on.
pub(crate) async fn listen(pool: &Pool) -> Result<Box<dyn Changes>, StoreError> {
    let (told, pool_there) = (Arc::new(Notify::new()), pool.clone());
    let (alive, mut over) = watch::channel(());
    let listener = Arc::clone(&told);
    pool.background()
        .run(async move {
            let mut session = begin(&pool_there, &listener).await?;
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ended = over.changed() => return,
                        // No word comes: it is dropped when the connection is gone.
                        _gone = session.1.recv() => {}
                    }
                    tokio::select! {
                        _ended = over.changed() => return,
                        next = again(&pool_there, &listener) => session = next,
                    }
                    // What was written meanwhile was told to nobody.
                    listener.notify_one();
                }
            });
            Ok(())
        })
        .await?;
    Ok(Box::new(Listening { told, _alive: alive, _background: Arc::clone(pool.background()) }))
}

type Session = (Conn, mpsc::Receiver<()>);

async fn begin(pool: &Pool, told: &Arc<Notify>) -> Result<Session, StoreError> {
    let (there, gone) = mpsc::channel(1);
    let told = Arc::clone(told);
    let conn = connect(pool.address(), move || {
        let _alive = &there;
        told.notify_one();
    })
    .await?;
    conn.batch(&format!("LISTEN {CHANNEL}")).await?;
    Ok((conn, gone))
}

async fn again(pool: &Pool, told: &Arc<Notify>) -> Session {
    loop {
        if let Ok(session) = begin(pool, told).await {
            return session;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[async_trait::async_trait]
impl Changes for Listening {
    async fn next(&mut self) -> Result<(), StoreError> {
        // A timer needs a runtime, and the caller is on one: who waits for changes is a task.
        drop(tokio::time::timeout(AT_LAST, self.told.notified()).await);
        Ok(())
    }
}
