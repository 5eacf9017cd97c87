//! Lives one after the other, and what befalls them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use model::{Clock as _, SignedDuration};
use rotation::PulseView;
use sandbox::{Effect, Fault, Matcher};
use tokio::sync::oneshot;

use super::clock::SharedClock;
use super::fleet::Fleet;
use super::judge::Judge;
use super::life::Life;

/// Who has the store in the end: the application, and the services that it opens, which read sealed secrets.
const ITS_OWN: usize = 2;

/// Splitmix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

#[derive(Default, Debug)]
struct Tally {
    steps: u32,
    deaths: u32,
    restarts: u32,
    faults: u32,
    begun: u64,
    stalled: u64,
    surveys: u64,
    failed: u64,
}

pub(super) struct Decade {
    fleet: Arc<Fleet>,
    judge: Arc<Mutex<Judge>>,
    looks: Arc<AtomicU64>,
    rng: Rng,
    seed: u64,
    ahead: SignedDuration,
    tally: Tally,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Died,
    Stopped,
}

fn seconds(clock: &SharedClock) -> (i64, i64) {
    (clock.now().as_second(), clock.passed().as_secs())
}

impl Decade {
    pub(super) fn new(fleet: Fleet, seed: u64) -> Self {
        let fleet = Arc::new(fleet);
        let judge = Judge::new(&Fleet::declared(), &fleet.sandbox.current_keys());
        let (judge, looks) = (Arc::new(Mutex::new(judge)), Arc::new(AtomicU64::new(0)));
        let (watched, judging, counted) = (Arc::downgrade(&fleet), Arc::clone(&judge), Arc::clone(&looks));
        fleet.clock.before_it_goes_on(move || {
            let Some(fleet) = watched.upgrade() else { return };
            let (keys, (now, passed)) = (fleet.sandbox.current_keys(), seconds(&fleet.clock));
            let mut judge = judging.lock().unwrap();
            judge.look(now, passed, &keys, fleet.sandbox.faults().pending());
            let astray = fleet.astray(&keys, false);
            if !astray.is_empty() {
                judge.faults.push(format!("{astray:?} hold no key at {now}"));
            }
            counted.fetch_add(1, Ordering::SeqCst);
        });
        Self {
            fleet,
            judge,
            looks,
            rng: Rng(seed),
            seed,
            ahead: SignedDuration::ZERO,
            tally: Tally::default(),
        }
    }

    fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap()
    }

    fn disturbed(&self) {
        let (_, passed) = seconds(&self.fleet.clock);
        self.judge().disturbed(passed);
    }

    pub(super) async fn live(&mut self, long: SignedDuration) {
        while self.fleet.clock.passed() < long {
            let end = self.one_life(long).await;
            let hours = [(0, 0), (0, 5), (0, 600), (7, 0), (72, 0)];
            let (hours, more_s) = self.rng.pick(&hours);
            if end == End::Died {
                self.tally.deaths += 1;
            } else {
                self.tally.restarts += 1;
            }
            self.fleet.clock.passes(SignedDuration::from_secs(hours * 3_600 + more_s + 1)).await;
            if self.rng.below(5) == 0 {
                self.step();
            }
            self.disturbed();
        }
        // Three days more, in which nothing goes wrong.
        self.fleet.sandbox.faults().clear();
        let over = self.fleet.clock.passed() + SignedDuration::from_hours(72);
        self.one_life_with(over, false).await;
    }

    async fn one_life(&mut self, until: SignedDuration) -> End {
        self.one_life_with(until, true).await
    }

    async fn one_life_with(&mut self, until: SignedDuration, eventful: bool) -> End {
        let clock = Arc::clone(&self.fleet.clock);
        let life = Life::new(Arc::clone(&clock));
        let still = clock.at_work();
        let app = self.fleet.open().await;
        let scheduler = Fleet::scheduler(&app, &life);
        let pulse = scheduler.pulse();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { clock.noted(scheduler.run(async { drop(stopped.await) })).await }
        });
        self.judge().is_up = true;
        drop(still);
        let end = loop {
            let left = until - clock.passed();
            if left <= SignedDuration::ZERO {
                break End::Stopped;
            }
            let next = SignedDuration::from_mins(1 + i64::try_from(self.rng.below(24 * 24 * 60)).unwrap());
            tokio::select! {
                biased;
                () = life.ended() => break End::Died,
                () = clock.passes(next.min(left)) => {}
            }
            if eventful && self.mishap(&life) == Some(End::Stopped) {
                break End::Stopped;
            }
        };
        if end == End::Died {
            running.abort();
            assert!(running.await.is_err_and(|error| error.is_cancelled()));
        } else {
            drop(stop);
            running.await.unwrap().unwrap();
        }
        let still = clock.at_work();
        self.judge().is_up = false;
        self.disturbed();
        self.count(&pulse.view());
        // What it had in hand is dropped by the runtime.
        for _ in 0..10_000 {
            if Arc::strong_count(&app.store) == ITS_OWN {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(Arc::strong_count(&app.store), ITS_OWN, "somebody still has the store");
        drop((app, still));
        end
    }

    fn count(&mut self, pulse: &PulseView) {
        self.tally.begun += pulse.begun;
        self.tally.stalled += pulse.stalled;
        self.tally.surveys += pulse.surveys;
        self.tally.failed += pulse.failed;
    }

    fn mishap(&mut self, life: &Life) -> Option<End> {
        match self.rng.below(20) {
            0..5 => self.step(),
            5..11 => life.ends_after(1 + i64::try_from(self.rng.below(900)).unwrap()),
            11..14 => return Some(End::Stopped),
            _ => self.fault(),
        }
        None
    }

    /// Somebody sets the clock. It does not wander off by more than two years.
    fn step(&mut self) {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let by = SignedDuration::from_mins(self.rng.pick(&[3, 40, 120, 3 * 1_440, 40 * 1_440, 365 * 1_440]));
        let back = if self.ahead.abs() > days(300) { self.ahead > days(0) } else { self.rng.below(2) == 0 };
        let by = if back { -by } else { by };
        self.ahead += by;
        self.fleet.clock.step(by);
        self.disturbed();
        self.tally.steps += 1;
    }

    /// The next calls go wrong.
    fn fault(&mut self) {
        for _ in 0..=self.rng.below(6) {
            let on = match self.rng.below(6) {
                0 => Matcher::of("POST", "/rest/api-keys"),
                1 => Matcher::of("DELETE", "/rest/api-keys"),
                2 => Matcher::of("GET", "/rest/api-keys"),
                3 => Matcher::of("GET", "/api/v1/"),
                4 => Matcher::of("POST", "/rest/login"),
                _ => Matcher::any(),
            };
            let what = match self.rng.below(5) {
                0 => Effect::RefuseBefore,
                1 => Effect::LostAnswer,
                2 => Effect::Status(500),
                3 => Effect::StatusAfter(500),
                _ => Effect::Status(404),
            };
            let on = on.nth(1 + usize::try_from(self.rng.below(3)).unwrap());
            self.fleet.sandbox.faults().push(Fault::once(on, what));
            self.tally.faults += 1;
        }
    }

    pub(super) async fn end(&mut self) -> Vec<String> {
        let _still = self.fleet.clock.at_work();
        let keys = self.fleet.sandbox.current_keys();
        let astray = self.fleet.astray(&keys, true);
        let app = self.fleet.open().await;
        app.store.flush_log().await.unwrap();
        let head = app.store.log_head().await.unwrap();
        let log = store::log::verify(&app.log, &app.store.log_public_key(), head.as_ref());
        let mut judge = self.judge();
        judge.end(&keys);
        if !astray.is_empty() {
            judge.faults.push(format!("{astray:?} hold no living key at the end"));
        }
        if let Err(failure) = &log {
            judge.faults.push(format!("the log does not verify: {}", failure.report.line()));
        }
        let turns: usize = judge.turns.values().sum();
        println!(
            "seed {}: {turns} turns {:?}, {} looks, {} events, late at most {} s in calm and {} s otherwise, {:?}, until {}",
            self.seed,
            judge.turns,
            self.looks.load(Ordering::SeqCst),
            log.map_or(0, |log| log.events),
            judge.latest_s.0,
            judge.latest_s.1,
            self.tally,
            self.fleet.clock.now(),
        );
        std::mem::take(&mut judge.faults)
    }
}
