//! Several engines, several rotations, and leases that are lost.

use model::{
    Clock as _, KeyModel, KeyState, Mode, Period, RotationId, RotationStatus, SignedDuration, StepKind,
};
use rotation::{Outcome, Point, Request, RotationErrorKind};

use super::support::{Rig, Rng, Setup, address, integration_name};

fn setup(model: KeyModel, has_key: bool) -> Setup {
    Setup { model, has_key, destinations: 2, grace: Period::seconds(60), text_of_second: false, seed: 7 }
}

#[tokio::test]
async fn every_mode_ends_well_on_every_kind_of_n8n() {
    for model in [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten] {
        for mode in [Mode::Create, Mode::Graceful, Mode::Compromised, Mode::Revoke] {
            let rig = Rig::new(setup(model, mode != Mode::Create));
            rig.rotate(&rig.calm_engine(), mode).await.unwrap();
            rig.recover().await;
            assert_eq!(rig.violations(), Vec::<String>::new(), "{mode:?} {model:?}");
            let statuses =
                rig.store.look(|kept| kept.rotations.iter().map(|one| one.status).collect::<Vec<_>>());
            assert_eq!(statuses, [RotationStatus::Done]);
        }
    }
}

#[tokio::test]
async fn two_engines_at_once_make_one_rotation() {
    for seed in 0..64 {
        let rig = Rig::new(setup(KeyModel::Many, true));
        let (one, other) = (rig.process(Some(Rng::new(seed))), rig.process(Some(Rng::new(seed + 1000))));
        let (first, second) = (rig.engine(&one), rig.engine(&other));
        let results = tokio::join!(rig.rotate(&first, Mode::Graceful), rig.rotate(&second, Mode::Graceful));
        let refused = match results {
            (Ok(_), Err(failure)) | (Err(failure), Ok(_)) => failure,
            other => panic!("seed {seed}: {other:?}"),
        };
        assert!(matches!(refused.kind, RotationErrorKind::AlreadyOpen(_)), "seed {seed}: {refused:?}");
        assert_eq!(rig.store.look(|kept| kept.rotations.len()), 1);
        rig.recover().await;
        assert_eq!(rig.violations(), Vec::<String>::new(), "seed {seed}");
    }
}

#[tokio::test]
async fn who_drives_a_driven_rotation_is_told_that_it_is_busy() {
    let rig = Rig::new(setup(KeyModel::Many, true));
    let first = rig.calm_engine();
    let id = first.start(&Request::new(integration_name(), Mode::Graceful)).await.unwrap();
    let failure = rig.calm_engine().drive(id).await.unwrap_err();
    assert_eq!(failure.kind, RotationErrorKind::Busy(Box::new(first.holder.clone())));
    assert_eq!(rig.calm_engine().abort(id).await.unwrap_err().kind, failure.kind);
    // The lease of a process that is silent for long enough is anybody's.
    rig.clock.advance(SignedDuration::from_secs(31));
    assert!(matches!(rig.calm_engine().drive(id).await.unwrap(), Outcome::Waiting(..)));
}

#[tokio::test]
async fn a_rotation_that_is_over_is_over_for_everybody() {
    let rig = Rig::new(Setup { grace: Period::ZERO, ..setup(KeyModel::Many, true) });
    let engine = rig.calm_engine();
    let id = engine.start(&Request::new(integration_name(), Mode::Graceful)).await.unwrap();
    for _ in 0..2 {
        let Outcome::Over(rotation) = engine.drive(id).await.unwrap() else { panic!("it is not over") };
        assert_eq!(rotation.status, RotationStatus::Done);
    }
    assert_eq!(engine.abort(id).await.unwrap_err().kind, RotationErrorKind::NotPossible);
}

/// Somebody takes the rotation while a key is being made.
async fn lease_lost_in_create(model: KeyModel, successor_goes_on: bool) -> Rig {
    let rig = Rig::new(setup(model, true));
    let (slow, quick) = (rig.process(None), rig.process(None));
    let id = rig.engine(&slow).start(&Request::new(integration_name(), Mode::Graceful)).await.unwrap();
    let effected = slow.stops_at(StepKind::Create, Point::Effected);
    let engine = rig.engine(&slow);
    let taking = async {
        effected.await;
        rig.clock.advance(SignedDuration::from_secs(31));
        let second = rig.engine(&quick);
        if successor_goes_on {
            drop(second.drive(id).await.unwrap());
        } else {
            let now = rig.clock.now();
            second.store.take_lease(id, &second.holder, now, Period::seconds(30), None).await.unwrap();
        }
        slow.goes_on();
    };
    let (lost, ()) = tokio::join!(engine.drive(id), taking);
    assert_eq!(lost.unwrap_err().kind, RotationErrorKind::LeaseLost);
    quick.kill();
    rig
}

#[tokio::test]
async fn a_key_made_after_the_lease_was_lost_is_deleted() {
    let rig = lease_lost_in_create(KeyModel::Many, false).await;
    assert_eq!(rig.outside.living(), ["native-old"]);
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_key_of_whoever_took_over_is_left_alone() {
    for model in [KeyModel::Many, KeyModel::OneOverwritten] {
        let rig = lease_lost_in_create(model, true).await;
        rig.recover().await;
        assert_eq!(rig.violations(), Vec::<String>::new(), "{model:?}");
        let text = rig.outside.text(&address(0)).unwrap();
        assert!(rig.outside.works(&text), "{model:?}");
    }
}

#[tokio::test]
async fn a_key_that_came_between_planning_and_beginning_is_not_left_behind() {
    for mode in [Mode::Graceful, Mode::Create] {
        let has_key = mode != Mode::Create;
        let rig = Rig::new(Setup { grace: Period::ZERO, ..setup(KeyModel::Many, has_key) });
        let slow = rig.process(None);
        let engine = rig.engine(&slow);
        // It has read which keys there are; another rotation comes and goes before it begins its own.
        let before = slow.stops_before(6);
        let other = async {
            before.await;
            rig.rotate(&rig.calm_engine(), mode).await.unwrap();
            slow.goes_on();
        };
        let (result, ()) = tokio::join!(rig.rotate(&engine, mode), other);
        let alive = rig.store.keys().into_iter().filter(|key| key.state.lives()).count();
        assert_eq!(alive, 1, "{mode:?}");
        match result.unwrap() {
            Outcome::Over(rotation) => {
                assert_eq!((mode, rotation.status), (Mode::Graceful, RotationStatus::Done));
            }
            Outcome::Stalled(rotation, _) => {
                assert_eq!(mode, Mode::Create);
                drop(engine.abort(rotation.id).await.unwrap());
            }
            Outcome::Waiting(..) => panic!("nothing to wait for"),
        }
        assert_eq!(rig.outside.living().len(), 1, "{mode:?}");
        let state = rig.store.keys().into_iter().find(|key| key.state.lives()).unwrap().state;
        assert_eq!(state, KeyState::Active);
    }
}

#[tokio::test]
async fn several_at_once_do_not_stop_each_other() {
    let rig = Rig::new(setup(KeyModel::Many, true));
    let reports = rig.add_integration("reports", &address(9));
    let engine = rig.calm_engine();
    let stuck = engine.start(&Request::new(integration_name(), Mode::Graceful)).await.unwrap();
    let fine = engine.start(&Request::new(reports, Mode::Create)).await.unwrap();
    let unknown = RotationId(model::Ulid::from_parts(1, 9));
    rig.outside.breaks(&address(0), true);
    let results = engine.drive_all(vec![unknown, stuck, fine], 2).await;
    let of = |id: RotationId| &results.iter().find(|(driven, _)| *driven == id).unwrap().1;
    assert_eq!(results.len(), 3);
    assert_eq!(of(unknown).as_ref().unwrap_err().kind, RotationErrorKind::NotFound);
    assert!(matches!(of(stuck), Ok(Outcome::Stalled(..))), "{:?}", of(stuck));
    assert!(matches!(of(fine), Ok(Outcome::Over(rotation)) if rotation.status == RotationStatus::Done));
    assert!(rig.outside.works(&rig.outside.text(&address(9)).unwrap()));
}
