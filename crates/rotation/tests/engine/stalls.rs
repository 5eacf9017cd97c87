//! A rotation that stops at a problem says what, and when it is tried again.

use std::sync::Arc;

use model::{
    Clock as _, EventKind, KeyModel, Mode, Period, Rotation, RotationStatus, SignedDuration, StepKind,
};
use rotation::{Outcome, Point, ScheduleConfig, Scheduler};

use super::scheduling::{live, statuses};
use super::support::{Call, FakeNotify, Fault, Rig, Setup, address};

fn rig(model: KeyModel) -> Rig {
    let grace = Period::seconds(3600);
    Rig::new(Setup { model, has_key: true, destinations: 3, grace, text_of_second: false, seed: 13 })
}

fn stalled(outcome: Outcome) -> Rotation {
    match outcome {
        Outcome::Stalled(rotation, reports) => {
            assert!(!reports.is_empty());
            *rotation
        }
        other => panic!("it does not stall: {other:?}"),
    }
}

#[tokio::test]
async fn each_failed_try_waits_longer() {
    let rig = rig(KeyModel::Many);
    let engine = rig.calm_engine();
    rig.faults.always(&[(Call::Check, Fault::Refused)]);
    let mut rotation = stalled(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    for (attempt, seconds) in [(1, 30), (2, 60), (3, 120), (4, 240)] {
        let wait = rotation.next_try.unwrap().duration_since(rig.clock.now()).as_secs();
        assert!((seconds - 1..=seconds).contains(&wait), "attempt {attempt}: {wait}");
        assert_eq!((rotation.status, rotation.attempts), (RotationStatus::Stalled, attempt));
        assert_eq!(rotation.problem.as_deref(), Some("Check failed: Refused"));
        assert_eq!(rig.store.rotation(rotation.id), rotation);
        rotation = stalled(engine.drive(rotation.id).await.unwrap());
    }
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_gets_to_the_grace_has_no_problem_any_more() {
    let rig = rig(KeyModel::Many);
    rig.outside.breaks(&address(1), true);
    let rotation = stalled(rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap());
    rig.outside.breaks(&address(1), false);
    let Outcome::Waiting(waiting, until) = rig.calm_engine().drive(rotation.id).await.unwrap() else {
        panic!("it does not wait")
    };
    assert_eq!((waiting.attempts, &waiting.problem, waiting.next_try), (0, &None, None));
    assert_eq!(waiting.grace_until, Some(until));
}

#[tokio::test]
async fn who_asks_to_wait_is_waited_for() {
    let rig = rig(KeyModel::Many);
    let process = rig.process(None);
    rig.faults.once(Call::Create, 0, Fault::Throttled);
    let began = rig.clock.now();
    let outcome = rig.rotate(&rig.engine(&process), Mode::Graceful).await.unwrap();
    assert!(matches!(outcome, Outcome::Waiting(..)), "{outcome:?}");
    assert!(rig.clock.now().duration_since(began) >= SignedDuration::from_secs(60));
    let waits = |(kind, point, _): &(StepKind, Point, u32)| {
        *kind == StepKind::Create
            && matches!(point, Point::Waits(until) if until.duration_since(began).as_secs() >= 60)
    };
    assert!(process.moments.lock().unwrap().iter().any(waits), "the observer is told");
}

#[tokio::test]
async fn a_long_wait_is_not_sat_out_but_noted() {
    let rig = rig(KeyModel::Many);
    // Asked three times for a minute: tried thrice, then left for later, and not before the minute is over.
    rig.faults.always(&[(Call::Check, Fault::Throttled)]);
    let rotation = stalled(rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap());
    assert_eq!(rig.faults.seen(Call::Check), 3);
    let wait = rotation.next_try.unwrap().duration_since(rig.clock.now());
    assert!(wait > SignedDuration::from_secs(59), "{wait:?}");
}

#[tokio::test]
async fn a_destination_that_fails_stops_only_itself() {
    let rig = rig(KeyModel::Many);
    rig.outside.arrange(|state| state.places.values_mut().for_each(|place| place.guarded = true));
    let engine = rig.calm_engine();
    rig.faults.once(Call::Deliver, 0, Fault::Refused);
    let rotation = stalled(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    let new = rig.new_text(rotation.id);
    let texts: Vec<_> = (0..3).map(|number| rig.outside.text(&address(number))).collect();
    assert_eq!(texts[1..], [new.clone(), new.clone()]);
    assert_ne!(texts[0], new);
    assert_eq!(rig.outside.living().len(), 2, "both keys work");
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_destination_that_somebody_fights_over_stops_only_itself() {
    let rig = rig(KeyModel::Many);
    let process = rig.process(None);
    rig.faults.always(&[(Call::Deliver, Fault::Meddled)]);
    let rotation = stalled(rig.rotate(&rig.engine(&process), Mode::Graceful).await.unwrap());
    let tried: Vec<u32> = rotation
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::Deliver)
        .map(|step| step.attempts)
        .collect();
    assert!(tried.iter().all(|attempts| *attempts > 0), "each got its turn: {tried:?}");
    assert_eq!(rig.outside.living().len(), 2);
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_gap_is_measured_where_there_is_one() {
    for (model, mode, gap) in [
        (KeyModel::Many, Mode::Graceful, false),
        (KeyModel::Many, Mode::Compromised, true),
        (KeyModel::OneRefused, Mode::Graceful, true),
        (KeyModel::OneOverwritten, Mode::Graceful, true),
    ] {
        let rig = rig(model);
        rig.faults.once(Call::Deliver, 2, Fault::Throttled);
        drop(rig.rotate(&rig.calm_engine(), mode).await.unwrap());
        rig.recover().await;
        let rotation = rig.store.look(|kept| kept.rotations[0].clone());
        match rotation.gap_ms {
            // One destination had to wait for a minute.
            Some(ms) => assert!(gap && (60_000..61_000).contains(&ms), "{model:?} {mode:?}: {ms}"),
            None => assert!(!gap, "{model:?} {mode:?}"),
        }
    }
}

/// A key that ends while it follows the old one can never come into use: what was begun is undone, and begun anew.
#[tokio::test]
async fn a_rotation_whose_new_key_ended_gives_place_to_another() {
    for (at, old_ended) in
        [(Call::Prove, false), (Call::Prove, true), (Call::Delete, false), (Call::Delete, true)]
    {
        let rig = rig(KeyModel::Many);
        rig.store.arrange(|kept| {
            kept.integrations[0].expires_after = Some(Period::days(2));
            kept.integrations[0].rotate_every = Some(Period::days(7));
        });
        let engine = rig.calm_engine();
        rig.faults.always(&[(at, Fault::Refused)]);
        let id = match rig.rotate(&engine, Mode::Graceful).await.unwrap() {
            Outcome::Stalled(rotation, _) => rotation.id,
            Outcome::Waiting(rotation, until) => {
                rig.clock.jump_to(until);
                stalled(engine.drive(rotation.id).await.unwrap()).id
            }
            over @ Outcome::Over(_) => panic!("{over:?}"),
        };
        rig.faults.off();
        rig.clock.jump_to(rig.clock.now() + SignedDuration::from_hours(10 * 24));
        let new = rig.new_text(id).unwrap();
        rig.outside.arrange(|state| {
            state.watched = false;
            for key in &mut state.keys {
                key.lives &= key.text != new && !old_ended;
            }
        });
        let scheduler = Scheduler::new(engine, Arc::new(FakeNotify::default()), ScheduleConfig::default());
        live(&rig, &scheduler, SignedDuration::from_hours(3)).await;
        assert_eq!(statuses(&rig), [RotationStatus::Aborted, RotationStatus::Done], "{at:?}, {old_ended}");
        let living = rig.outside.living();
        assert_eq!(living.len(), 1);
        for number in 0..3 {
            assert!(rig.outside.works(&rig.outside.text(&address(number)).unwrap()));
        }
        let why =
            rig.store.events().into_iter().find(|event| event.kind == EventKind::RotationAborting).unwrap();
        assert!(why.detail["because"].as_str().unwrap().contains("ended"), "{why:?}");
    }
}

/// A wrong clock alone undoes nothing: the key works at n8n.
#[tokio::test]
async fn a_new_key_that_n8n_takes_is_not_given_up() {
    let rig = rig(KeyModel::Many);
    rig.store.arrange(|kept| kept.integrations[0].expires_after = Some(Period::days(2)));
    let engine = rig.calm_engine();
    let Outcome::Waiting(rotation, _) = rig.rotate(&engine, Mode::Graceful).await.unwrap() else {
        panic!("it waits")
    };
    rig.clock.jump_to(rig.clock.now() + SignedDuration::from_hours(10 * 24));
    let Outcome::Over(over) = engine.drive(rotation.id).await.unwrap() else { panic!("it is over") };
    assert_eq!(over.status, RotationStatus::Done);
}
