//! Every mode on every kind of n8n, with one thing going wrong at every place where it can.

use model::{KeyModel, Mode, Period, RotationStatus, StepKind};
use rotation::{Engine, Outcome, Point};

use super::support::{Call, Fault, Rig, Setup, address, integration_name};

/// What is rotated.
#[derive(Clone, Copy, Debug)]
struct Scene {
    mode: Mode,
    model: KeyModel,
    destinations: usize,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    /// The process dies at its n-th point: before or after a call, or when the observer is told.
    Death(u32),
    /// The n-th call of a kind fails.
    Failure(Call, u32, Fault),
}

/// What the operator does about it.
#[derive(Clone, Copy, Debug)]
enum Then {
    Resume,
    Abort,
    Rotate(Mode),
}

const MODELS: [KeyModel; 3] = [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten];

fn scenes(modes: &[Mode]) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for mode in modes {
        for model in MODELS {
            scenes.extend([1, 2].map(|destinations| Scene { mode: *mode, model, destinations }));
        }
    }
    scenes
}

/// The program of the first destination has a hook. What is delivered anew was put astray in the second.
fn rig(scene: Scene) -> Rig {
    let mut rig = Rig::new(Setup {
        model: scene.model,
        has_key: scene.mode != Mode::Create,
        destinations: scene.destinations,
        grace: Period::seconds(60),
        text_of_second: false,
        seed: 42,
    });
    rig.hook_up(1);
    if scene.mode == Mode::Deliver {
        rig.outside.arrange(|state| state.watched = true);
        if scene.destinations > 1 {
            rig.outside.meddle(&address(1), "canary-junk-of-somebody-else");
        }
    }
    rig
}

/// Rotates, waiting out the grace, to the end or to a problem.
async fn rotate(rig: &Rig, engine: &Engine, mode: Mode) {
    let mut outcome = rig.rotate(engine, mode).await;
    while let Ok(Outcome::Waiting(rotation, until)) = outcome {
        rig.clock.jump_to(until);
        outcome = engine.drive(rotation.id).await;
    }
}

/// The mishaps that can befall some work: it is done once without any to see what it does.
async fn mishaps(scene: Scene, what: Work) -> Vec<Mishap> {
    let rig = rig(scene);
    what.prepare(&rig, scene).await;
    let process = rig.process(None);
    rig.faults.off();
    what.run(&rig, &rig.engine(&process), scene).await;
    let mut all: Vec<Mishap> = (0..process.ticks()).map(Mishap::Death).collect();
    for call in Call::ALL {
        for nth in 0..rig.faults.seen(call) {
            all.extend(call.faults().iter().map(|fault| Mishap::Failure(call, nth, *fault)));
        }
    }
    all
}

/// What goes on when the mishap happens.
#[derive(Clone, Copy, Debug)]
enum Work {
    Rotation,
    /// A rotation that delivered everywhere is undone.
    Undoing,
}

impl Work {
    async fn prepare(self, rig: &Rig, scene: Scene) {
        if matches!(self, Self::Rotation) {
            return;
        }
        let process = rig.process(None);
        if scene.mode != Mode::Graceful {
            process.dies_at(tick_of(scene, StepKind::Close).await);
        }
        process.run(rig.rotate(&rig.engine(&process), scene.mode)).await;
        process.kill();
    }

    async fn run(self, rig: &Rig, engine: &Engine, scene: Scene) {
        match self {
            Self::Rotation => rotate(rig, engine, scene.mode).await,
            Self::Undoing => {
                let open = rig.store.look(|kept| kept.open_of(&integration_name())).unwrap();
                drop(engine.abort(open).await);
            }
        }
    }
}

/// When a step begins in an undisturbed rotation.
async fn tick_of(scene: Scene, kind: StepKind) -> u32 {
    let rig = rig(scene);
    let process = rig.process(None);
    rotate(&rig, &rig.engine(&process), scene.mode).await;
    let moments = process.moments.lock().unwrap();
    let found = moments.iter().find(|(step, point, _)| *step == kind && *point == Point::Before);
    found.unwrap().2
}

async fn drill(scene: Scene, work: Work, mishap: Mishap, then: Then) -> Result<&'static str, String> {
    let rig = rig(scene);
    work.prepare(&rig, scene).await;
    let process = rig.process(None);
    match mishap {
        Mishap::Death(tick) => process.dies_at(tick),
        Mishap::Failure(call, nth, fault) => rig.faults.once(call, nth, fault),
    }
    process.run(work.run(&rig, &rig.engine(&process), scene)).await;
    process.kill();
    rig.faults.off();
    let open = rig.store.look(|kept| kept.open_of(&integration_name()));
    let engine = rig.calm_engine();
    match (then, open) {
        (Then::Abort, Some(open)) => drop(engine.abort(open).await),
        (Then::Rotate(mode), _) => rotate(&rig, &engine, mode).await,
        _ => {}
    }
    rig.recover().await;
    let mut violations = rig.violations();
    let status = rig.store.look(|kept| kept.rotations.first().map(|rotation| rotation.status));
    let resumed = matches!((work, then), (Work::Rotation, Then::Resume));
    if resumed && status.is_some_and(|status| status != RotationStatus::Done) {
        violations.push(format!("it ended as {status:?}"));
    }
    if violations.is_empty() {
        return Ok(status.map_or("never begun", RotationStatus::as_str));
    }
    Err(format!("{scene:?} {work:?} {mishap:?} {then:?}: {violations:#?}"))
}

/// Drills every mishap of every scene, and tells how many there were and how the rotations ended.
fn drill_all(name: &str, modes: &[Mode], work: Work, thens: &[Then], least: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut failed = Vec::new();
    let mut ends = std::collections::BTreeMap::new();
    runtime.block_on(async {
        for scene in scenes(modes) {
            let undoable = scene.mode != Mode::Graceful || scene.model == KeyModel::Many;
            if matches!(work, Work::Undoing) && !undoable {
                continue;
            }
            for mishap in mishaps(scene, work).await {
                for then in thens {
                    match drill(scene, work, mishap, *then).await {
                        Ok(end) => *ends.entry(end).or_insert(0) += 1,
                        Err(violation) => failed.push(violation),
                    }
                }
            }
        }
    });
    let count = ends.values().sum::<usize>() + failed.len();
    println!("{count} drills of {name}, {} failed; the rotations ended as {ends:?}", failed.len());
    assert!(
        failed.is_empty(),
        "{} of {count} drills failed, such as: {:#?}",
        failed.len(),
        &failed[..failed.len().min(3)]
    );
    assert!(count >= least, "only {count} drills");
}

const ALL: [Mode; 5] = [Mode::Create, Mode::Graceful, Mode::Compromised, Mode::Revoke, Mode::Deliver];
const CALM: [Mode; 3] = [Mode::Create, Mode::Graceful, Mode::Deliver];

#[test]
fn a_mishap_anywhere_is_recovered_from() {
    drill_all("mishaps and resumption", &ALL, Work::Rotation, &[Then::Resume], 5_000);
}

#[test]
fn a_rotation_can_be_undone_anywhere() {
    drill_all("mishaps and undoing", &CALM, Work::Rotation, &[Then::Abort], 2_500);
}

#[test]
fn a_leaked_key_is_killed_wherever_a_rotation_stands() {
    let urgent = [Then::Rotate(Mode::Compromised), Then::Rotate(Mode::Revoke)];
    drill_all("mishaps and a leak", &CALM, Work::Rotation, &urgent, 5_000);
}

#[test]
fn undoing_survives_mishaps_too() {
    let thens = [Then::Resume, Then::Abort, Then::Rotate(Mode::Compromised), Then::Rotate(Mode::Revoke)];
    drill_all("mishaps while undoing", &CALM, Work::Undoing, &thens, 1_000);
}
