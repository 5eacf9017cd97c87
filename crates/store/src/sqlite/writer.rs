//! The one thread that writes. All writes that wait go into one transaction, each in a savepoint of its own, so
//! that one failing takes no other with it; when the transaction is durable, all are answered.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use model::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{bug, sqlite, unavailable};
use crate::log::Waker;

/// A transaction takes no more writes.
const GROUP_MAX: usize = 256;

/// Whether a write puts events into the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Events {
    Some,
    None,
}

type Answered<T> = oneshot::Receiver<Result<T, StoreError>>;

/// A write that waits for its turn, then for its answer.
trait Job: Send {
    fn run(&mut self, conn: &Connection) -> Result<(), ()>;
    fn events(&self) -> Events;
    /// `failed` if the transaction was not made durable.
    fn answer(self: Box<Self>, failed: Option<&StoreError>);
}

struct Write<T, F> {
    run: Option<F>,
    result: Option<Result<T, StoreError>>,
    events: Events,
    to: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Write<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, conn: &Connection) -> Result<(), ()> {
        let result = self.run.take().map(|run| run(conn));
        let done = matches!(result, Some(Ok(_)));
        self.result = result;
        if done { Ok(()) } else { Err(()) }
    }

    fn events(&self) -> Events {
        self.events
    }

    fn answer(self: Box<Self>, failed: Option<&StoreError>) {
        let result = match (self.result, failed) {
            (Some(Ok(_)) | None, Some(error)) => Err(error.clone()),
            (Some(result), _) => result,
            (None, None) => Err(bug("a write was not run")),
        };
        // Who does not wait any more needs no answer; the write is done all the same.
        drop(self.to.send(result));
    }
}

/// Sends writes to the thread.
#[derive(Clone)]
pub(crate) struct WriterHandle(Sender<Box<dyn Job>>);

impl WriterHandle {
    /// Runs `run` in a transaction; the answer comes when it is durable.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        events: Events,
        run: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Answered<T>, StoreError> {
        let (to, answered) = oneshot::channel();
        let job = Write { run: Some(run), result: None, events, to };
        self.0.send(Box::new(job)).map_err(|_unsent| ended())?;
        Ok(answered)
    }
}

/// What a writer or reader that panicked leaves its callers with.
pub(crate) fn ended() -> StoreError {
    bug("the store's thread has ended")
}

/// The thread. Dropping it ends it, once every handle is dropped.
pub(crate) struct Writer {
    handle: Option<WriterHandle>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(conn: Connection, waker: Waker) -> Result<Self, StoreError> {
        let (to, from) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&conn, &from, &waker))
            .map_err(|error| unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self { handle: Some(WriterHandle(to)), thread: Some(thread) })
    }

    pub(crate) fn handle(&self) -> Result<&WriterHandle, StoreError> {
        self.handle.as_ref().ok_or_else(ended)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.handle = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(conn: &Connection, from: &Receiver<Box<dyn Job>>, waker: &Waker) {
    while let Ok(first) = from.recv() {
        let mut group = vec![first];
        group.extend(from.try_iter().take(GROUP_MAX - 1));
        let failed = transact(conn, &mut group).err();
        let events = group.iter().any(|job| job.events() == Events::Some);
        if events && failed.is_none() {
            waker.wake();
        }
        for job in group {
            job.answer(failed.as_ref());
        }
    }
}

fn transact(conn: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let done = execute(conn, "BEGIN IMMEDIATE").and_then(|()| {
        for job in group {
            execute(conn, "SAVEPOINT one")?;
            if job.run(conn).is_err() {
                // Disk full and the like end the whole transaction, and this statement fails.
                execute(conn, "ROLLBACK TO one")?;
            }
            execute(conn, "RELEASE one")?;
        }
        execute(conn, "COMMIT")
    });
    if done.is_err() && !conn.is_autocommit() {
        drop(conn.execute_batch("ROLLBACK"));
    }
    done
}

fn execute(conn: &Connection, sql: &str) -> Result<(), StoreError> {
    let run = conn.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    run.map(|_rows| ()).map_err(|error| sqlite(&error))
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
