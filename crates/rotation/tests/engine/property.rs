//! Random rotations with random faults, deaths and users, each from a seed.

use std::fmt::Write as _;

use model::{Clock as _, KeyModel, Mode, Period, RotationId, SignedDuration};
use rotation::{Engine, Request};

use super::support::{Rig, Rng, Setup, address, integration_name};

const RUNS: u64 = 10_240;
const THREADS: u64 = 4;
const FIRST_SEED: u64 = 20_271_123;

#[derive(Clone, Copy, Debug)]
enum Action {
    Resume,
    Rotate(Mode),
    Abort,
    TwoAtOnce,
    TimePasses,
    Meddle,
}

const ACTIONS: [Action; 12] = [
    Action::Resume,
    Action::Resume,
    Action::Resume,
    Action::Abort,
    Action::Rotate(Mode::Compromised),
    Action::Rotate(Mode::Revoke),
    Action::Rotate(Mode::Graceful),
    Action::Rotate(Mode::Create),
    Action::Rotate(Mode::Deliver),
    Action::TwoAtOnce,
    Action::TimePasses,
    Action::Meddle,
];

struct Run {
    rng: Rng,
    rig: Rig,
    /// What happened, for a person who looks into a failure.
    story: String,
}

impl Run {
    fn new(seed: u64) -> Self {
        let rng = Rng::new(seed);
        let model =
            rng.pick(&[KeyModel::Many, KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten]);
        let setup = Setup {
            model,
            has_key: rng.chance(800),
            destinations: usize::try_from(rng.below(5)).unwrap(),
            grace: rng.pick(&[Period::ZERO, Period::seconds(5), Period::seconds(3600)]),
            text_of_second: model != KeyModel::OneOverwritten && rng.chance(400),
            seed,
        };
        let mut rig = Rig::new(setup);
        for number in 0..setup.destinations {
            rig.outside.arrange(|state| {
                let place = state.places.get_mut(&address(number)).unwrap();
                match rng.below(10) {
                    0 => (place.text, place.guarded) = (None, false),
                    1 => (place.text, place.guarded) = (Some("canary-junk-from-before".into()), false),
                    2 if setup.has_key => place.blind = true,
                    _ => {}
                }
            });
        }
        // n8n's clock may be late, within reason.
        rig.outside.arrange(|state| state.late_ms = rng.pick(&[0, 0, 800, 60_000]));
        let hooked = usize::try_from(rng.below(3)).unwrap().min(setup.destinations);
        rig.hook_up(hooked);
        rig.faults.random(rng.next(), rng.pick(&[0, 20, 80, 250]));
        Self { rng, rig, story: format!("{setup:?}\n") }
    }

    fn tell(&mut self, what: &str) {
        let at = self.rig.clock.now();
        writeln!(self.story, "  {at} {what}").unwrap();
    }

    /// An engine in a process that may die at any point.
    fn engine(&self, crowded: bool) -> (std::sync::Arc<super::support::Process>, Engine) {
        let process = self.rig.process(crowded.then(|| Rng::new(self.rng.next())));
        if self.rng.chance(500) {
            process.dies_at(u32::try_from(self.rng.below(180)).unwrap());
        }
        let engine = self.rig.engine(&process);
        (process, engine)
    }

    fn open(&self) -> Option<RotationId> {
        self.rig.store.look(|kept| kept.open_of(&integration_name()))
    }

    async fn act(&mut self, action: Action) {
        self.tell(&format!("{action:?}, open: {:?}", self.open()));
        match action {
            Action::TimePasses => {
                let seconds = i64::try_from(self.rng.below(150)).unwrap();
                self.rig.clock.advance(SignedDuration::from_secs(seconds));
            }
            Action::Meddle => {
                let number = usize::try_from(self.rng.below(5)).unwrap();
                if number < self.rig.setup.destinations {
                    self.rig.outside.meddle(&address(number), "canary-junk-from-a-stranger");
                }
            }
            Action::TwoAtOnce => {
                let (one, first) = self.engine(true);
                let (other, second) = self.engine(true);
                let (a, b) = (self.rng.pick(&ACTIONS[..9]), self.rng.pick(&ACTIONS[..9]));
                self.tell(&format!("at once: {a:?} (dies: {}) and {b:?}", one.pid));
                let ((), ()) = tokio::join!(self.drive(&one, &first, a), self.drive(&other, &second, b));
            }
            _ => {
                let (process, engine) = self.engine(false);
                self.drive(&process, &engine, action).await;
            }
        }
    }

    /// The binary is run; it ends by itself, or dies.
    async fn drive(&self, process: &super::support::Process, engine: &Engine, action: Action) {
        let work = async {
            match (action, self.open()) {
                (Action::Rotate(mode), _) => drop(self.rig.rotate(engine, mode).await),
                (Action::Abort, Some(id)) => drop(engine.abort(id).await),
                (_, Some(id)) => drop(engine.drive(id).await),
                (_, None) => drop(engine.preview(&Request::new(integration_name(), Mode::Graceful)).await),
            }
        };
        process.run(work).await;
        // A process that ended, ended: it holds no lease that matters.
        process.kill();
    }
}

async fn run(seed: u64, tally: &Tally) -> Result<(), String> {
    let mut run = Run::new(seed);
    let first = if run.rig.setup.has_key {
        run.rng.pick(&[Mode::Graceful, Mode::Graceful, Mode::Compromised, Mode::Revoke, Mode::Deliver])
    } else {
        Mode::Create
    };
    run.act(Action::Rotate(first)).await;
    for _ in 0..run.rng.below(6) {
        let action = run.rng.pick(&ACTIONS);
        run.act(action).await;
    }
    run.tell("recovery");
    tally.add(&run.rig);
    run.rig.recover().await;
    let violations = run.rig.violations();
    if violations.is_empty() {
        return Ok(());
    }
    Err(format!("seed {seed}: {violations:#?}\n{}", run.story))
}

/// How much went wrong, so that a test of nothing is seen.
#[derive(Default)]
struct Tally {
    faults: std::sync::atomic::AtomicU64,
}

impl Tally {
    fn add(&self, rig: &Rig) {
        self.faults.fetch_add(u64::from(rig.faults.hit()), std::sync::atomic::Ordering::Relaxed);
    }
}

/// Seeds of one thread: every `THREADS`-th.
fn run_some(thread: u64, tally: &Tally) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mine = (0..RUNS).filter(|number| number % THREADS == thread);
    mine.filter_map(|number| runtime.block_on(run(FIRST_SEED + number, tally)).err()).collect()
}

#[test]
fn whatever_happens_nothing_is_lost() {
    let tally = Tally::default();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                scope.spawn({
                    let tally = &tally;
                    move || run_some(number, tally)
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let faults = tally.faults.load(std::sync::atomic::Ordering::Relaxed);
    println!("{RUNS} runs from seed {FIRST_SEED}, {faults} faults, {} failed", failed.len());
    for failure in failed.iter().take(5) {
        println!("{failure}");
    }
    assert!(failed.is_empty(), "{} of {RUNS} runs failed; the first: {}", failed.len(), failed[0]);
    assert!(faults > RUNS, "hardly anything went wrong: {faults} faults");
}
