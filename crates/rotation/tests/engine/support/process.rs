//! A process that can be killed: nothing that it does after its death has an effect.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use model::{LeaseHolder, StepKind};
use rotation::{Liveness, Moment, Observer, Point};
use tokio::sync::Notify;

use super::{FakeClock, Rng};

enum Halt {
    Tick(u32),
    Point(StepKind, Point),
}

/// One run of the binary. Every call that leaves it passes its gate twice: on the way out and on the way back.
pub(crate) struct Process {
    pub(crate) pid: u32,
    clock: Arc<FakeClock>,
    ticks: AtomicU32,
    dies_at: AtomicU32,
    dead: AtomicBool,
    died: Notify,
    /// Decides when another process gets its turn.
    yields: Option<Rng>,
    /// Where it is halted, as by a signal.
    halts_at: Mutex<Option<Halt>>,
    halted: AtomicBool,
    reached: Notify,
    resumed: Notify,
    /// What the observer was told, and at which tick.
    pub(crate) moments: Mutex<Vec<(StepKind, Point, u32)>>,
    /// Called at each point.
    pub(crate) watcher: Mutex<Option<Watcher>>,
}

type Watcher = Box<dyn FnMut(u32) + Send>;

impl Process {
    /// The number of points so far at which it could have died.
    pub(crate) fn ticks(&self) -> u32 {
        self.ticks.load(Ordering::SeqCst)
    }

    /// Lets it die at that point.
    pub(crate) fn dies_at(&self, tick: u32) {
        self.dies_at.store(tick, Ordering::SeqCst);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
    }

    pub(crate) fn holder(&self) -> LeaseHolder {
        LeaseHolder {
            host: "host-a".into(),
            pid: self.pid,
            start_ticks: u64::from(self.pid),
            nonce: self.pid.to_string(),
        }
    }

    /// Halts it when the observer is told this; returns when it has halted.
    pub(crate) fn stops_at(&self, kind: StepKind, point: Point) -> impl Future<Output = ()> {
        *self.halts_at.lock().unwrap() = Some(Halt::Point(kind, point));
        self.reached.notified()
    }

    /// Halts it before its n-th point; returns when it has halted.
    pub(crate) fn stops_before(&self, tick: u32) -> impl Future<Output = ()> {
        *self.halts_at.lock().unwrap() = Some(Halt::Tick(tick));
        self.reached.notified()
    }

    pub(crate) fn goes_on(&self) {
        self.halted.store(false, Ordering::SeqCst);
        self.resumed.notify_waiters();
    }

    fn halt_if(&self, here: impl FnOnce(&Halt) -> bool) {
        let mut halt = self.halts_at.lock().unwrap();
        if halt.as_ref().is_some_and(here) {
            *halt = None;
            self.halted.store(true, Ordering::SeqCst);
            self.reached.notify_one();
        }
    }

    fn tick(&self) {
        self.clock.pass();
        let now = self.ticks();
        self.halt_if(|halt| matches!(halt, Halt::Tick(tick) if *tick == now));
        if let Some(watcher) = &mut *self.watcher.lock().unwrap() {
            watcher(now);
        }
        if self.ticks.fetch_add(1, Ordering::SeqCst) == self.dies_at.load(Ordering::SeqCst) {
            self.kill();
        }
    }

    /// A dead process never gets past it.
    pub(crate) async fn gate(&self) {
        self.tick();
        if self.yields.as_ref().is_some_and(|rng| rng.chance(500)) {
            tokio::task::yield_now().await;
        }
        let resumed = self.resumed.notified();
        if self.halted.load(Ordering::SeqCst) {
            resumed.await;
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// What came of it, unless the process died first.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            result = work => Some(result),
            () = self.died.notified() => None,
        }
    }
}

impl Observer for Process {
    fn at(&self, moment: Moment<'_>) {
        self.moments.lock().unwrap().push((moment.step.kind, moment.point, self.ticks()));
        let here = |halt: &Halt| matches!(halt, Halt::Point(kind, point) if (*kind, *point) == (moment.step.kind, moment.point));
        self.halt_if(here);
        self.tick();
    }
}

/// All processes that ever ran.
#[derive(Default)]
pub(crate) struct Processes(Mutex<Vec<Arc<Process>>>);

impl Processes {
    pub(crate) fn start(&self, clock: &Arc<FakeClock>, yields: Option<Rng>) -> Arc<Process> {
        let mut all = self.0.lock().unwrap();
        let process = Arc::new(Process {
            pid: u32::try_from(all.len()).unwrap() + 1,
            clock: clock.clone(),
            ticks: AtomicU32::new(0),
            dies_at: AtomicU32::new(u32::MAX),
            dead: AtomicBool::new(false),
            died: Notify::new(),
            yields,
            halts_at: Mutex::default(),
            halted: AtomicBool::new(false),
            reached: Notify::new(),
            resumed: Notify::new(),
            moments: Mutex::default(),
            watcher: Mutex::default(),
        });
        all.push(process.clone());
        process
    }
}

impl Liveness for Processes {
    fn is_dead(&self, holder: &LeaseHolder) -> bool {
        self.0.lock().unwrap().iter().any(|process| process.pid == holder.pid && process.is_dead())
    }
}
