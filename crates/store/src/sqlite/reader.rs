//! The threads that read, each with a connection of its own, so that no read waits for a write.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use model::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::writer::ended;
use crate::error::{sqlite, unavailable};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Dropping it ends the threads.
pub(crate) struct Readers {
    to: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(conns: Vec<Connection>) -> Result<Self, StoreError> {
        let (to, from) = channel();
        let from = Arc::new(Mutex::new(from));
        let mut readers = Self { to: Some(to), threads: Vec::new() };
        for conn in conns {
            let from = Arc::clone(&from);
            let thread = std::thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || run(conn, &from))
                .map_err(|error| unavailable(format!("cannot start a thread: {error}")))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `run` on one snapshot, which has all that was committed before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // Who does not wait any more needs no answer.
            drop(answer.send(on_snapshot(conn, run)));
        });
        self.to.as_ref().and_then(|to| to.send(job).ok()).ok_or_else(ended)?;
        answered.await.map_err(|_dropped| ended())?
    }
}

/// Runs `run` in a transaction that is never written.
pub(crate) fn on_snapshot<T>(
    conn: &mut Connection,
    run: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let snapshot = conn.transaction().map_err(|error| sqlite(&error))?;
    run(&snapshot)
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.to = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn run(mut conn: Connection, from: &Mutex<Receiver<Job>>) {
    loop {
        // One thread waits in `recv`, the others for the lock; a job frees the lock as soon as it is taken.
        let job = from.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job(&mut conn);
    }
}
