//! Ten years of a fleet's keys: clocks that step, processes that die, places that fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{
    Clock as _, Cron, IntegrationName, Key, KeyModel, KeyState, Mode, Period, RotationStatus, SignedDuration,
    Timestamp,
};
use rotation::{Request, ScheduleConfig, Scheduler};

use super::support::{FakeNotify, Process, Rig, Rng, Setup, address};

const SEEDS: [u64; 4] = [2029, 2030, 4101, 4102];
const DECADE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// By then a fleet has got over whatever befell it: the longest wait of a stalled rotation, and its grace.
const RECOVERED: SignedDuration = SignedDuration::from_hours(4);

/// How each integration's key is turned.
const SCHEDULES: [(Option<&str>, Option<&str>); 12] = [
    (Some("7d"), None),
    (Some("7d"), None),
    (Some("30d"), None),
    (Some("30d"), None),
    (Some("90d"), None),
    (Some("365d"), None),
    (None, Some("0 0 29 2 *")),
    (None, Some("0 3 1 */3 *")),
    (None, Some("30 2 31 * *")),
    (None, Some("15 4 * * 1")),
    (None, Some("0 0 1 1 *")),
    (None, None),
];

struct Decade {
    rig: Rig,
    rng: Rng,
    notify: Arc<FakeNotify>,
    /// Time that really passed, steps of the clock left out.
    real: SignedDuration,
    disturbed: SignedDuration,
    forward: SignedDuration,
    /// Of each integration, the last time that it was turned: when it was due, and when it really was.
    turned: BTreeMap<IntegrationName, (Timestamp, SignedDuration, SignedDuration)>,
    turns: BTreeMap<IntegrationName, usize>,
    steps: usize,
    deaths: usize,
    ticks: usize,
}

impl Decade {
    async fn new(seed: u64) -> Self {
        let rig = Rig::new(Setup {
            model: KeyModel::Many,
            has_key: true,
            destinations: 1,
            grace: Period::seconds(3600),
            text_of_second: false,
            seed,
        });
        for number in 1..SCHEDULES.len() {
            let name = rig.add_integration(&format!("client-{number}"), &address(number));
            let engine = rig.calm_engine();
            let id = engine.start(&Request::new(name, Mode::Create)).await.unwrap();
            engine.drive(id).await.unwrap();
            engine_gone(&rig);
        }
        rig.store.arrange(|kept| {
            for (integration, (every, on)) in kept.integrations.iter_mut().zip(SCHEDULES) {
                integration.rotate_every = every.map(|every| every.parse().unwrap());
                integration.rotate_on = on.map(|on| on.parse().unwrap());
            }
        });
        rig.outside.arrange(|state| {
            state.watched = true;
            state.places.values_mut().for_each(|place| place.guarded = true);
        });
        let zero = SignedDuration::ZERO;
        let now = rig.clock.now();
        // The first keys stand for times of the calendar too.
        let turned = rig.store.look(|kept| {
            let on = kept.integrations.iter().filter_map(|of| Some((of, of.rotate_on.as_ref()?)));
            let last = on.filter_map(|(of, on)| Some((of.name.clone(), last_time(on, now)?)));
            last.map(|(name, at)| (name, (at, zero, SignedDuration::MIN))).collect()
        });
        Self {
            rig,
            rng: Rng::new(seed),
            notify: Arc::default(),
            real: zero,
            disturbed: zero,
            forward: zero,
            turned,
            turns: BTreeMap::new(),
            steps: 0,
            deaths: 0,
            ticks: 0,
        }
    }

    fn scheduler(&self, process: &Arc<Process>) -> Scheduler {
        let config = ScheduleConfig { survey_every: Period::days(2), ..ScheduleConfig::default() };
        Scheduler::new(self.rig.engine(process), self.notify.clone(), config)
    }

    fn now(&self) -> Timestamp {
        self.rig.clock.now()
    }

    fn is_calm(&self) -> bool {
        self.real - self.disturbed > RECOVERED
    }

    /// The key of each integration, and when it is due by what is kept.
    fn keys(&self) -> BTreeMap<IntegrationName, (Key, Option<Timestamp>)> {
        self.rig.store.look(|kept| {
            let active = kept.keys.iter().map(|(key, _)| key).filter(|key| key.state == KeyState::Active);
            active
                .map(|key| {
                    let of = kept.integrations.iter().find(|of| of.name == key.integration).unwrap();
                    // What lies in the future is dated now.
                    let made = key.created_at.min(self.now());
                    let far = key.created_at.duration_since(self.now()) > SignedDuration::from_mins(5);
                    let due = of.due_at(if far { made } else { key.created_at });
                    // A time of the calendar that came again.
                    let due =
                        due.and_then(
                            |due| if self.is_served(&of.name, due) { of.due_at(due) } else { Some(due) },
                        );
                    (of.name.clone(), (key.clone(), due))
                })
                .collect()
        })
    }

    /// Whose rotation is open.
    fn open(&self) -> Vec<IntegrationName> {
        self.rig.store.look(|kept| {
            let open = kept.rotations.iter().filter(|one| one.status.is_open());
            open.map(|one| one.integration.clone()).collect()
        })
    }

    fn mishaps(&mut self) {
        if self.rng.chance(8) {
            let by = self.rng.pick(&[2, 72, 960, 8760]) * self.rng.pick(&[-1, 1]);
            self.rig.clock.step(SignedDuration::from_hours(by));
            self.steps += 1;
            self.disturbed = self.real;
            if by > 0 {
                self.forward = self.real;
            }
        }
        self.rig.faults.off();
        if self.rng.chance(60) {
            self.rig.faults.random(self.rng.next(), 40);
            self.disturbed = self.real;
        }
    }

    async fn live(&mut self) {
        let mut process = self.rig.process(None);
        let mut scheduler = self.scheduler(&process);
        while self.real < DECADE {
            self.ticks += 1;
            self.mishaps();
            if self.rng.chance(60) {
                process.dies_at(process.ticks() + u32::try_from(self.rng.below(160)).unwrap());
                self.disturbed = self.real;
            }
            let (began, before, open) = (self.now(), self.keys(), self.open());
            let ticked = process
                .run(async {
                    let ticked = scheduler.tick().await;
                    drop(scheduler.send().await);
                    ticked
                })
                .await;
            self.passes(began);
            self.look(began, &before, &open, ticked.as_ref().is_some_and(Result::is_ok));
            let next = match ticked {
                Some(Ok(tick)) => tick.next.unwrap(),
                Some(Err(_)) => self.now() + SignedDuration::from_secs(5),
                None => {
                    self.deaths += 1;
                    process = self.rig.process(None);
                    scheduler = self.scheduler(&process);
                    self.now() + SignedDuration::from_secs(1)
                }
            };
            let waits_from = self.now();
            self.rig.clock.jump_to(next);
            self.passes(waits_from);
            self.tidy();
        }
        process.kill();
    }

    /// The clock went on by itself.
    fn passes(&mut self, since: Timestamp) {
        self.real += self.now().duration_since(since);
    }

    fn look(
        &mut self,
        began: Timestamp,
        before: &BTreeMap<IntegrationName, (Key, Option<Timestamp>)>,
        was_open: &[IntegrationName],
        ok: bool,
    ) {
        let after = self.keys();
        for (name, (key, due)) in before {
            let open = self.rig.store.look(|kept| kept.open_of(name).is_some());
            let is_new = after.get(name).is_some_and(|(now, _)| now.id != key.id);
            match due {
                Some(due) if is_new => self.check_turn(name, *due, began, was_open.contains(name)),
                Some(due)
                    if ok && self.is_calm() && !open && began >= *due && !self.is_served(name, *due) =>
                {
                    self.rig.broken(format!("{name} was due at {due} and is not turned at {began}"));
                }
                None if is_new => self.rig.broken(format!("{name} is turned and never due")),
                _ => {}
            }
        }
        if ok && self.is_calm() {
            let stuck = self.rig.store.look(|kept| {
                let open = kept.rotations.iter().filter(|one| one.status.is_open());
                open.filter(|one| one.status != RotationStatus::Waiting).map(|one| one.id).collect::<Vec<_>>()
            });
            if !stuck.is_empty() {
                self.rig.broken(format!("{stuck:?} are still open"));
            }
        }
    }

    fn is_served(&self, name: &IntegrationName, due: Timestamp) -> bool {
        self.turned.get(name).is_some_and(|(served, _, _)| *served == due)
    }

    fn check_turn(&mut self, name: &IntegrationName, due: Timestamp, began: Timestamp, resumed: bool) {
        let now = self.now();
        *self.turns.entry(name.clone()).or_default() += 1;
        // One that was begun before may have seen another clock.
        if due > now && !resumed {
            self.rig.broken(format!("{name} is due at {due} and turned at {now}"));
        }
        if self.is_calm() && began.duration_since(due) > MINUTE {
            self.rig.broken(format!("{name} was due at {due} and turned only at {began}"));
        }
        let every = self.rig.store.look(|kept| {
            let of = kept.integrations.iter().find(|of| of.name == *name).unwrap();
            of.rotate_every.map(Period::duration)
        });
        if let Some((served, at, forward)) = self.turned.get(name).copied() {
            let too_soon = every.is_some_and(|every| self.real - at < every - RECOVERED);
            if served == due || (too_soon && forward == self.forward) {
                self.rig.broken(format!("{name} is turned twice for {due}, again after {}", self.real - at));
            }
        }
        // A key stands for the last of the calendar's times when its rotation began.
        let due = self.rig.store.look(|kept| {
            let of = kept.integrations.iter().find(|of| of.name == *name).unwrap();
            let ours = |key: &&Key| key.integration == *name && key.state == KeyState::Active;
            let made_by = kept.keys.iter().map(|(key, _)| key).find(ours).unwrap().rotation;
            let started_at = kept.rotation(made_by).unwrap().started_at;
            of.rotate_on.as_ref().and_then(|on| last_time(on, started_at)).unwrap_or(due)
        });
        let forward = if resumed { SignedDuration::MIN } else { self.forward };
        self.turned.insert(name.clone(), (due, self.real, forward));
    }

    /// What is long over is dropped, so that ten years fit into a minute.
    fn tidy(&self) {
        self.rig.store.arrange(|kept| {
            kept.events.clear();
            if kept.keys.len() > 60 {
                kept.keys.retain(|(key, text)| key.state.lives() || text.is_some());
                let made: Vec<_> = kept.keys.iter().map(|(key, _)| key.rotation).collect();
                let excess = kept.rotations.len().saturating_sub(200);
                let mut left = excess;
                kept.rotations.retain(|one| {
                    one.status.is_open() || made.contains(&one.id) || left == 0 || {
                        left -= 1;
                        false
                    }
                });
            }
        });
        self.rig.outside.arrange(|state| {
            state.history.clear();
            if state.keys.len() > 60 {
                let had = state.keys.len();
                state.keys.retain(|key| key.lives);
                state.dropped += had - state.keys.len();
            }
        });
    }

    async fn end(mut self, seed: u64) -> Vec<String> {
        self.rig.recover().await;
        let mut living = self.rig.outside.living();
        let keys = self.rig.store.keys();
        let mut known: Vec<String> =
            keys.iter().filter(|key| key.state.lives()).map(|key| key.native_id.clone()).collect();
        living.sort();
        known.sort();
        if living != known {
            self.rig.broken(format!("n8n has {living:?}, the store knows {known:?}"));
        }
        for number in 0..SCHEDULES.len() {
            let text = self.rig.outside.text(&address(number)).unwrap();
            if !self.rig.outside.works(&text) {
                self.rig.broken(format!("place {number} holds a dead key"));
            }
        }
        let turns: usize = self.turns.values().sum();
        println!(
            "seed {seed}: {} ticks, {turns} turns {:?}, {} steps of the clock, {} deaths, {} faults, until {}",
            self.ticks,
            self.turns,
            self.steps,
            self.deaths,
            self.rig.faults.hit(),
            self.now()
        );
        if turns < 1_000 || self.deaths < 20 || self.steps < 10 {
            self.rig.broken("hardly anything happened".into());
        }
        self.turned.clear();
        self.rig.outside.look(|state| state.violations.clone())
    }
}

/// The last of the calendar's times by then.
fn last_time(on: &Cron, by: Timestamp) -> Option<Timestamp> {
    let within = |days: i64| {
        let from = by - SignedDuration::from_hours(24 * days);
        let times = std::iter::successors(on.next_after(from), |at| on.next_after(*at));
        times.take_while(|at| *at <= by).last()
    };
    [8, 70, 400, 3_300].into_iter().find_map(within)
}

/// A process that ended holds nothing.
fn engine_gone(rig: &Rig) {
    rig.store.arrange(|kept| kept.events.clear());
}

#[test]
fn every_key_is_turned_when_it_is_due_and_never_twice() {
    let threads: Vec<_> = SEEDS
        .into_iter()
        .map(|seed| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(async {
                    let mut decade = Decade::new(seed).await;
                    decade.live().await;
                    (seed, decade.end(seed).await)
                })
            })
        })
        .collect();
    for thread in threads {
        let (seed, violations) = thread.join().unwrap();
        assert!(
            violations.is_empty(),
            "seed {seed}: {} such as {:#?}",
            violations.len(),
            &violations[..violations.len().min(4)]
        );
    }
}
