//! One clock for Keywright and the instance. It stands still while anybody is at work, and goes on to the earliest
//! time that somebody waits for when all of them wait.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};

use model::{Clock, SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::system::LOOK_AGAIN;

/// What is called before time goes on.
type Look = Box<dyn Fn() + Send + Sync>;

pub(super) struct SharedClock {
    time: Mutex<Time>,
    at_work: AtomicUsize,
    /// How often the process under test was polled, and how often by the last time that nobody was at work.
    polls: AtomicU64,
    polls_seen: AtomicU64,
    root: Mutex<Option<Waker>>,
    look: OnceLock<Look>,
    steps: watch::Sender<u64>,
}

struct Time {
    /// What has really passed, and how far the clock shows more or less than that.
    passed_us: i64,
    ahead_us: i64,
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
}

struct Waiting {
    until: Option<Timestamp>,
    /// By then it is over, whatever the clock shows.
    end_us: i64,
    waker: Option<Waker>,
}

impl Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.passed_us + self.ahead_us).unwrap()
    }

    fn left_us(&self, until: Timestamp) -> i64 {
        until.as_microsecond() - self.passed_us - self.ahead_us
    }
}

impl SharedClock {
    pub(super) fn starting_at(start: Timestamp) -> Arc<Self> {
        let time = Time { passed_us: 0, ahead_us: start.as_microsecond(), waiting: BTreeMap::new(), next: 0 };
        Arc::new(Self {
            time: Mutex::new(time),
            at_work: AtomicUsize::new(0),
            polls: AtomicU64::new(0),
            polls_seen: AtomicU64::new(u64::MAX),
            root: Mutex::default(),
            look: OnceLock::new(),
            steps: watch::Sender::new(0),
        })
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap()
    }

    /// What has really passed since the start.
    pub(super) fn passed(&self) -> SignedDuration {
        SignedDuration::from_micros(self.time().passed_us)
    }

    /// Somebody sets the clock. Who waits looks at it at the latest after [`LOOK_AGAIN`].
    pub(super) fn step(&self, by: SignedDuration) {
        let mut time = self.time();
        time.ahead_us += i64::try_from(by.as_micros()).unwrap();
        let (passed, ahead) = (time.passed_us, time.ahead_us);
        for one in time.waiting.values_mut() {
            let left = one.until.map_or(i64::MAX, |until| until.as_microsecond() - passed - ahead);
            let noticed = left.max(i64::try_from(LOOK_AGAIN.as_micros()).unwrap());
            one.end_us = one.end_us.min(passed.saturating_add(noticed));
        }
        drop(time);
        self.steps.send_modify(|steps| *steps += 1);
    }

    pub(super) fn steps(&self) -> watch::Receiver<u64> {
        self.steps.subscribe()
    }

    /// Returns when so much has really passed.
    pub(super) async fn passes(&self, by: SignedDuration) {
        let end_us = self.time().passed_us + i64::try_from(by.as_micros()).unwrap();
        self.wait(None, end_us).await;
    }

    async fn wait(&self, until: Option<Timestamp>, end_us: i64) {
        let id = {
            let mut time = self.time();
            time.next += 1;
            let id = time.next;
            time.waiting.insert(id, Waiting { until, end_us, waker: None });
            id
        };
        Wait { clock: self, id }.await;
    }

    /// Time stands still as long as somebody has one of these.
    pub(super) fn at_work(&self) -> AtWork<'_> {
        self.at_work.fetch_add(1, Ordering::SeqCst);
        AtWork(self)
    }

    /// `work` as it is; each poll of it is noted.
    pub(super) async fn noted<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        std::future::poll_fn(|context| {
            self.polls.fetch_add(1, Ordering::SeqCst);
            work.as_mut().poll(context)
        })
        .await
    }

    /// `work` as it is, from where [`SharedClock::rest`] can have the runtime look around.
    pub(super) async fn rooted<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        std::future::poll_fn(|context| {
            *self.root.lock().unwrap() = Some(context.waker().clone());
            work.as_mut().poll(context)
        })
        .await
    }

    pub(super) fn before_it_goes_on(&self, look: impl Fn() + Send + Sync + 'static) {
        drop(self.look.set(Box::new(look)));
    }

    /// Called by the runtime when no task can run. Calls of the process are counted; its tasks wait for the clock,
    /// for a call, or for the kernel. So the kernel is asked once more, and if that wakes nobody, time goes on.
    pub(super) fn rest(&self) {
        if self.at_work.load(Ordering::SeqCst) > 0 {
            return;
        }
        let polls = self.polls.load(Ordering::SeqCst);
        if self.polls_seen.swap(polls, Ordering::SeqCst) != polls {
            if let Some(root) = self.root.lock().unwrap().as_ref() {
                root.wake_by_ref();
            }
            return;
        }
        if let Some(look) = self.look.get() {
            look();
        }
        self.polls_seen.store(u64::MAX, Ordering::SeqCst);
        let mut time = self.time();
        let Some(end_us) = time.waiting.values().map(|one| one.end_us).min() else { return };
        time.passed_us = time.passed_us.max(end_us);
        let wakers: Vec<Waker> = time
            .waiting
            .values_mut()
            .filter(|one| one.end_us <= end_us)
            .filter_map(|one| one.waker.take())
            .collect();
        drop(time);
        wakers.into_iter().for_each(Waker::wake);
    }
}

pub(super) struct AtWork<'c>(&'c SharedClock);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Wait<'c> {
    clock: &'c SharedClock,
    id: u64,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut time = self.clock.time();
        let passed_us = time.passed_us;
        match time.waiting.get_mut(&self.id) {
            Some(one) if one.end_us > passed_us => {
                one.waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.clock.time().waiting.remove(&self.id);
    }
}

#[async_trait::async_trait]
impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        let mut time = self.time();
        // No two looks show the same.
        time.passed_us += 1;
        time.now()
    }

    async fn wait_until(&self, until: Timestamp) {
        let end_us = {
            let time = self.time();
            time.passed_us.saturating_add(time.left_us(until).max(0))
        };
        self.wait(Some(until), end_us).await;
    }
}
