//! One drill, and all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, stream};
use model::{Mode, RotationStatus, StepKind, StepState};

use super::ground::{Ground, Stands};
use super::mishap::Mishap;
use super::scene::{Scene, Then, Work, rotate};
use super::support::{address, integration_name};

/// Drills that go on at the same time: some wait until a service may be asked again.
const AT_ONCE: usize = 64;
/// Drills of one runtime: what they leave open, such as servers, ends with it.
const TOGETHER: usize = 256;

/// How many of the drills are done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dose {
    Full,
    /// Of so many mishaps one, and once: with one after the other of what can be done.
    OneOf(usize),
}

/// How many drills there were, and how the rotations ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) count: usize,
    pub(crate) ends: BTreeMap<&'static str, usize>,
    pub(crate) failed: Vec<String>,
}

/// What is known of a scene once it was seen undisturbed.
struct Rehearsal {
    scene: Scene,
    closes_at: u32,
    mishaps: Vec<Mishap>,
    /// What may be around the key at each place.
    arounds: Vec<BTreeSet<String>>,
}

impl Rehearsal {
    async fn of(scene: Scene, stands: Stands) -> Self {
        let closes_at = scene.closes_at(&Ground::new(scene, stands).await).await;
        let ground = Ground::new(scene, stands).await;
        let before = ground.look();
        scene.prepare(&ground, closes_at).await;
        let prepared = ground.look();
        ground.reset();
        let writes: Vec<usize> = ground.posts.iter().map(|post| post.stand.writes()).collect();
        let process = ground.rig.process(None);
        let (store, outside) = (ground.rig.store.clone(), ground.rig.outside.clone());
        let points = Arc::new(Mutex::new(BTreeMap::new()));
        let noted = points.clone();
        *process.watcher.lock().unwrap() = Some(Box::new(move |tick| {
            let changes = store.writes() + outside.look(|state| state.effects);
            noted.lock().unwrap().entry(changes).or_insert(tick);
        }));
        scene.run(&ground, &ground.engine(&process)).await;
        let points: Vec<u32> = points.lock().unwrap().values().copied().collect();
        let mishaps = Mishap::all(&ground, &points, &writes);
        let undone = Ground::new(scene, stands).await;
        if scene.mode != Mode::Compromised {
            let undoing = Scene { work: Work::Undoing, ..scene };
            undoing.prepare(&undone, closes_at).await;
            undoing.run(&undone, &undone.calm_engine()).await;
        }
        let seen = [before, prepared, ground.look(), undone.look()];
        let around = |place: usize| seen.iter().map(|seen| seen[place].around.clone()).collect();
        let arounds: Vec<BTreeSet<String>> = (0..ground.posts.len()).map(around).collect();
        if scene.mode != Mode::Create {
            assert!(arounds.iter().all(|all| all.len() == 1), "what is around changes: {arounds:?}");
        }
        Self { scene, closes_at, mishaps, arounds }
    }
}

async fn drill(
    stands: Stands,
    rehearsal: Arc<Rehearsal>,
    mishap: Mishap,
    then: Then,
) -> Result<&'static str, String> {
    let scene = rehearsal.scene;
    let ground = Ground::new(scene, stands).await;
    scene.prepare(&ground, rehearsal.closes_at).await;
    ground.reset();
    let process = ground.rig.process(None);
    mishap.set_up(&ground, &process);
    let engine = ground.engine(&process);
    tokio::select! {
        biased;
        _ = process.run(scene.run(&ground, &engine)) => {}
        () = mishap.is_death_by_now(&ground) => {}
    }
    process.kill();
    let mut violations = Vec::new();
    if scene.work == Work::Rotation
        && let Some((place, since)) = mishap.lasts_at()
    {
        violations.extend(others_did_not_go_on(&ground, scene, place, since));
    }
    ground.reset();
    let open = ground.rig.store.look(|kept| kept.open_of(&integration_name()));
    match (then, open) {
        (Then::Abort, Some(open)) => drop(ground.calm_engine().abort(open).await),
        (Then::Overtake, _) => {
            rotate(&ground, &ground.calm_engine(), Mode::Compromised).await;
        }
        _ => {}
    }
    ground.rig.recover_with(|| ground.calm_engine()).await;
    for post in &ground.posts {
        post.note();
    }
    violations.extend(ground.violations(&rehearsal.arounds));
    let status = ground.rig.store.look(|kept| kept.rotations.first().map(|rotation| rotation.status));
    let resumed = matches!((scene.work, then), (Work::Rotation, Then::Resume));
    if resumed && status.is_some_and(|status| status != RotationStatus::Done) {
        violations.push(format!("it ended as {status:?}"));
    }
    if violations.is_empty() {
        return Ok(status.map_or("never begun", RotationStatus::as_str));
    }
    Err(format!("{scene:?} {mishap:?} {then:?}: {violations:#?}"))
}

/// A place that stays out of order stops itself, and what comes after all deliveries; nothing else.
fn others_did_not_go_on(ground: &Ground, scene: Scene, broken: usize, since: u32) -> Option<String> {
    let rotation = ground.rig.store.look(|kept| kept.rotations.first().cloned())?;
    let places = 0..ground.posts.len();
    let text = ground.rig.new_text(rotation.id);
    let holds = |place: &usize| text.is_some() && ground.rig.outside.text(&address(*place)) == text;
    // What is found wanting in the beginning stops everything, unless a key has leaked.
    let begun = since > 0 || scene.mode == Mode::Compromised;
    let astray: Vec<usize> =
        places.clone().filter(|place| *place != broken && holds(place) != begun).collect();
    if !astray.is_empty() {
        return Some(format!(
            "with {broken} out of order, {astray:?} are not as they should be: {rotation:?}"
        ));
    }
    let retired =
        rotation.steps.iter().any(|step| step.kind == StepKind::Retire && step.state == StepState::Done);
    let all_hold = places.into_iter().all(|place| holds(&place));
    (scene.mode == Mode::Graceful && retired && !all_hold)
        .then(|| format!("retired while {broken} holds something else"))
}

/// Drills the mishaps of every scene of a work, with all that can be done about them.
pub(crate) fn drill_all(name: &str, stands: Stands, work: Work, dose: Dose) -> Tally {
    let mut tally = Tally::default();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for scene in Scene::all(work) {
        let rehearsal = Arc::new(runtime().block_on(Rehearsal::of(scene, stands)));
        let drills = dose.of(&rehearsal);
        for some in drills.chunks(TOGETHER) {
            let drills =
                some.iter().map(|(mishap, then)| Box::pin(drill(stands, rehearsal.clone(), *mishap, *then)));
            let drills = stream::iter(drills).buffer_unordered(AT_ONCE);
            let ends: Vec<_> = runtime().block_on(drills.collect());
            for end in ends {
                tally.count += 1;
                match end {
                    Ok(end) => *tally.ends.entry(end).or_default() += 1,
                    Err(violation) => tally.failed.push(violation),
                }
            }
        }
    }
    println!(
        "{} drills of {name}, {} failed; the rotations ended as {:?}",
        tally.count,
        tally.failed.len(),
        tally.ends
    );
    tally
}

impl Dose {
    fn of(self, rehearsal: &Rehearsal) -> Vec<(Mishap, Then)> {
        let thens = rehearsal.scene.thens();
        let mishaps = rehearsal.mishaps.iter().enumerate();
        let (every, one) = match self {
            Self::Full => (1, false),
            Self::OneOf(every) => (every, true),
        };
        let all = move |at: usize| if one { &thens[at % thens.len()..][..1] } else { thens };
        mishaps.step_by(every).flat_map(|(at, mishap)| all(at).iter().map(|then| (*mishap, *then))).collect()
    }
}

impl Tally {
    /// None failed, and there were not fewer than so many.
    #[track_caller]
    pub(crate) fn assert(&self, least: usize) {
        let (count, failed) = (self.count, &self.failed);
        let some = &failed[..failed.len().min(3)];
        assert!(failed.is_empty(), "{} of {count} drills failed, such as: {some:#?}", failed.len());
        assert!(count >= least, "only {count} drills");
    }
}
