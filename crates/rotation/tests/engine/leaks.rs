//! A key leaked: it dies first, whatever else fails, and whatever was going on.

use model::{EventKind, KeyModel, KeyState, Mode, Period, RotationStatus, StepKind};
use rotation::{Outcome, Point, Request, RotationErrorKind};

use super::support::{Call, Fault, Rig, Setup, address, integration_name};

fn rig(model: KeyModel, grace: Period) -> Rig {
    Rig::new(Setup { model, has_key: true, destinations: 2, grace, text_of_second: false, seed: 11 })
}

const MODELS: [KeyModel; 3] = [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten];
const OLD: &str = "canary-key-the-old-one";

#[tokio::test]
async fn the_leaked_key_dies_though_everything_else_fails() {
    let all_else = [
        (Call::Check, Fault::Refused),
        (Call::List, Fault::Broken),
        (Call::Create, Fault::Unreachable),
        (Call::CheckPlace, Fault::Refused),
        (Call::Read, Fault::Refused),
        (Call::Deliver, Fault::Broken),
        (Call::Confirm, Fault::Unreachable),
    ];
    for model in MODELS {
        for mode in [Mode::Compromised, Mode::Revoke] {
            let rig = rig(model, Period::ZERO);
            rig.faults.always(&all_else);
            let outcome = rig.rotate(&rig.calm_engine(), mode).await.unwrap();
            assert!(!rig.outside.works(OLD), "{model:?} {mode:?}");
            assert_eq!(matches!(outcome, Outcome::Stalled(..)), mode == Mode::Compromised, "{outcome:?}");
            assert_eq!(rig.store.keys()[0].state, KeyState::Retired);
            assert!(rig.store.keys()[0].proved_dead_at.is_some());
            rig.recover().await;
            assert_eq!(rig.violations(), Vec::<String>::new(), "{model:?} {mode:?}");
        }
    }
}

#[tokio::test]
async fn its_death_is_the_first_thing_that_happens_outside() {
    let rig = rig(KeyModel::Many, Period::ZERO);
    drop(rig.rotate(&rig.calm_engine(), Mode::Compromised).await.unwrap());
    let history = rig.outside.look(|state| state.history.clone());
    assert_eq!(history[0], "delete native-old");
}

#[tokio::test]
async fn a_key_that_cannot_be_deleted_does_not_save_another() {
    let rig = rig(KeyModel::Many, Period::seconds(3600));
    let engine = rig.calm_engine();
    drop(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    assert_eq!(rig.outside.living().len(), 2);
    // Of the first key, every try of this run is refused.
    rig.faults.once(Call::Delete, 0, Fault::Refused);
    let outcome = rig.rotate(&engine, Mode::Compromised).await.unwrap();
    assert!(matches!(outcome, Outcome::Stalled(..)), "{outcome:?}");
    assert_eq!(rig.outside.living().len(), 1, "the other one is dead");
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_leak_in_the_grace_kills_both_keys() {
    let rig = rig(KeyModel::Many, Period::seconds(3600));
    let engine = rig.calm_engine();
    drop(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    let second = rig.outside.text(&address(0)).unwrap();
    let Outcome::Over(rotation) = rig.rotate(&engine, Mode::Compromised).await.unwrap() else {
        panic!("it is not over")
    };
    assert!(!rig.outside.works(OLD) && !rig.outside.works(&second));
    assert_eq!(rotation.old_keys.len(), 2);
    assert!(rig.outside.works(&rig.outside.text(&address(1)).unwrap()));
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_leak_while_a_key_is_being_made_leaves_no_orphan() {
    for mode in [Mode::Compromised, Mode::Revoke] {
        let rig = rig(KeyModel::Many, Period::seconds(3600));
        let slow = rig.process(None);
        let engine = rig.engine(&slow);
        let made = slow.stops_at(StepKind::Create, Point::Effected);
        let leak = async {
            made.await;
            drop(rig.rotate(&rig.calm_engine(), mode).await.unwrap());
            slow.goes_on();
        };
        let (first, ()) = tokio::join!(rig.rotate(&engine, Mode::Graceful), leak);
        assert_eq!(first.unwrap_err().kind, RotationErrorKind::LeaseLost);
        assert_eq!(rig.violations(), Vec::<String>::new(), "{mode:?}");
        let removed = rig.store.events().into_iter().any(|event| event.kind == EventKind::OrphanRemoved);
        assert!(removed, "{mode:?}");
    }
}

#[tokio::test]
async fn a_key_deleted_but_not_proved_dead_is_proved_by_who_takes_over() {
    let rig = rig(KeyModel::Many, Period::ZERO);
    rig.faults.always(&[(Call::ProveDead, Fault::Unreachable)]);
    let outcome = rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap();
    assert!(matches!(outcome, Outcome::Stalled(..)), "{outcome:?}");
    rig.faults.off();
    drop(rig.rotate(&rig.calm_engine(), Mode::Compromised).await.unwrap());
    assert_eq!(rig.violations(), Vec::<String>::new());
    assert!(rig.store.keys()[0].proved_dead_at.is_some());
}

#[tokio::test]
async fn a_second_leak_gets_past_a_replacement_that_is_stuck() {
    let rig = rig(KeyModel::Many, Period::ZERO);
    let engine = rig.calm_engine();
    rig.outside.breaks(&address(1), true);
    let Outcome::Stalled(stuck, _) = rig.rotate(&engine, Mode::Compromised).await.unwrap() else {
        panic!("it does not stall")
    };
    let second = rig.outside.text(&address(0)).unwrap();
    assert!(rig.outside.works(&second));
    // Neither undone nor begun gracefully.
    assert_eq!(engine.abort(stuck.id).await.unwrap_err().kind, RotationErrorKind::NotPossible);
    let refused = engine.start(&Request::new(integration_name(), Mode::Graceful)).await.unwrap_err();
    assert_eq!(refused.kind, RotationErrorKind::AlreadyOpen(stuck.id));
    let outcome = rig.rotate(&engine, Mode::Compromised).await.unwrap();
    assert!(matches!(outcome, Outcome::Stalled(..)), "the destination is still broken");
    assert!(!rig.outside.works(&second));
    // Once it is mended, or nobody needs the integration any more.
    let Outcome::Over(over) = rig.rotate(&engine, Mode::Revoke).await.unwrap() else {
        panic!("it is not over")
    };
    assert_eq!(over.status, RotationStatus::Done);
    assert_eq!(rig.outside.living(), Vec::<String>::new());
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_replacement_on_its_way_is_not_begun_twice() {
    let rig = rig(KeyModel::Many, Period::ZERO);
    let engine = rig.calm_engine();
    let id = engine.start(&Request::new(integration_name(), Mode::Compromised)).await.unwrap();
    let refused = engine.start(&Request::new(integration_name(), Mode::Compromised)).await.unwrap_err();
    assert_eq!(refused.kind, RotationErrorKind::AlreadyOpen(id));
}

#[tokio::test]
async fn a_deleted_key_that_comes_back_is_deleted_again() {
    for model in MODELS {
        for mode in [Mode::Compromised, Mode::Revoke, Mode::Graceful] {
            if mode == Mode::Graceful && model == KeyModel::OneOverwritten {
                continue; // Nothing is deleted there.
            }
            let rig = rig(model, Period::ZERO);
            rig.faults.once(Call::Delete, 0, Fault::Lies);
            drop(rig.rotate(&rig.calm_engine(), mode).await.unwrap());
            rig.recover().await;
            assert!(!rig.outside.works(OLD), "{model:?} {mode:?}");
            assert_eq!(rig.violations(), Vec::<String>::new(), "{model:?} {mode:?}");
        }
    }
}
