//! Brings events from the outbox into the log, each exactly once, from a thread of its own.
//!
//! Under the folder's lock: read the store's head and the outbox, append one batch, make it durable, then
//! delete these rows and keep the new head in one transaction. If the process dies in between, the next relay
//! finds a batch beyond the store's head, and deletes the rows whose ids are in it instead of appending them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::{StoreError, Timestamp};
use tokio::sync::oneshot;

use super::{Appender, LogHead};
use crate::error::{bug, unavailable};

/// A batch takes no more rows from the outbox.
pub(crate) const BATCH_MAX_ROWS: u32 = super::line::BATCH_MAX_EVENTS;
/// A batch takes no further row once its events have this many bytes.
pub(crate) const BATCH_MAX_BYTES: usize = 1024 * 1024;
/// How long it waits for more events before it writes a batch that nobody waits for.
const GATHER: Duration = Duration::from_millis(20);
/// How long it waits after a failure before it tries again by itself.
const RETRY: Duration = Duration::from_secs(1);

/// An event on its way.
#[derive(Debug)]
pub(crate) struct OutboxRow {
    pub(crate) seq: i64,
    pub(crate) at: Timestamp,
    pub(crate) json: String,
}

/// The store's side of it.
pub(crate) trait Outbox: Send {
    /// The head that the store knows.
    fn head(&mut self) -> Result<Option<LogHead>, StoreError>;
    /// The newest row's number; 0 if there is none.
    fn newest(&mut self) -> Result<i64, StoreError>;
    /// The oldest rows, as many as go into a batch.
    fn waiting(&mut self) -> Result<Vec<OutboxRow>, StoreError>;
    /// Deletes all rows up to `seq` and keeps `head`, durable.
    fn logged_through(&mut self, seq: i64, head: LogHead) -> Result<(), StoreError>;
    /// Deletes the rows of these events, where they are still there, and keeps `head`, durable.
    fn logged(&mut self, ids: Vec<String>, head: LogHead) -> Result<(), StoreError>;
}

enum Message {
    /// There may be events.
    Wake,
    /// Answer when all events that are there now are in the log.
    Flush(oneshot::Sender<Result<(), StoreError>>),
    /// Bring what is there, then end.
    Stop,
}

/// The relay's thread. Dropping it brings what is in the outbox into the log, then ends it.
pub(crate) struct Relay {
    to: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// Tells the relay that there may be events.
#[derive(Clone)]
pub(crate) struct Waker(Sender<Message>);

impl Waker {
    pub(crate) fn wake(&self) {
        // A relay that has ended leaves the events in the outbox for the next one.
        drop(self.0.send(Message::Wake));
    }
}

/// The ends of a relay's line, made before it starts.
pub(crate) struct RelayLine {
    to: Sender<Message>,
    from: Receiver<Message>,
}

impl RelayLine {
    pub(crate) fn new() -> Self {
        let (to, from) = channel();
        Self { to, from }
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(self.to.clone())
    }
}

impl Relay {
    pub(crate) fn start(
        line: RelayLine,
        appender: Appender,
        outbox: Box<dyn Outbox>,
    ) -> Result<Self, StoreError> {
        let RelayLine { to, from } = line;
        let work = Work { appender, outbox };
        let thread = std::thread::Builder::new()
            .name("log-relay".to_owned())
            .spawn(move || work.run(&from))
            .map_err(|error| unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self { to, thread: Some(thread) })
    }

    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let ended = || bug("the log's relay has ended");
        self.to.send(Message::Flush(answer)).map_err(|_unsent| ended())?;
        answered.await.map_err(|_dropped| ended())?
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.to.send(Message::Stop));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Work {
    appender: Appender,
    outbox: Box<dyn Outbox>,
}

impl Work {
    fn run(mut self, from: &Receiver<Message>) {
        let mut failing = false;
        loop {
            let first = if failing { from.recv_timeout(RETRY) } else { from.recv().map_err(Into::into) };
            let mut round = Round { stop: false, waiting: Vec::new() };
            match first {
                Ok(message) => round.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => round.stop = true,
            }
            round.gather(from);
            let done = self.bring();
            failing = done.is_err();
            for answer in round.waiting {
                // Who does not wait any more needs no answer.
                drop(answer.send(done.clone()));
            }
            if round.stop {
                return;
            }
        }
    }

    /// Brings all that is in the outbox now.
    fn bring(&mut self) -> Result<(), StoreError> {
        let target = self.outbox.newest()?;
        while self.bring_batch()?.is_some_and(|seq| seq < target) {}
        Ok(())
    }

    /// Brings one batch; gives the number of its newest row, `None` if there was nothing to bring.
    fn bring_batch(&mut self) -> Result<Option<i64>, StoreError> {
        let lock = self.appender.lock()?;
        let known = self.outbox.head()?;
        let ahead = self.appender.prepare(known.as_ref())?;
        if let (false, Some(head)) = (ahead.is_empty(), self.appender.head()) {
            self.outbox.logged(ahead, head)?;
        }
        let rows = self.outbox.waiting()?;
        let (Some(last), Some(at)) = (rows.last().map(|row| row.seq), rows.iter().map(|row| row.at).max())
        else {
            return Ok(None);
        };
        let events: Vec<String> = rows.into_iter().map(|row| row.json).collect();
        let head = self.appender.append(at, &events)?;
        self.outbox.logged_through(last, head)?;
        drop(lock);
        Ok(Some(last))
    }
}

/// What came in before the outbox is looked at.
struct Round {
    stop: bool,
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

impl Round {
    fn take(&mut self, message: Message) {
        match message {
            Message::Wake => {}
            Message::Flush(answer) => self.waiting.push(answer),
            Message::Stop => self.stop = true,
        }
    }

    /// Waits a little for more, unless somebody waits for us.
    fn gather(&mut self, from: &Receiver<Message>) {
        let until = Instant::now() + GATHER;
        loop {
            let hurry = self.stop || !self.waiting.is_empty();
            let left = if hurry { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
            match from.recv_timeout(left) {
                Ok(message) => self.take(message),
                Err(_nothing_more) => return,
            }
        }
    }
}
