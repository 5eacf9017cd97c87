//! What somebody else does meanwhile, and what is put back.

use model::{EventKind, KeyModel, Mode, Period, RotationStatus, SignedDuration, StepKind};
use rotation::{Outcome, Point, Request, RotationErrorKind};

use super::support::{Call, Fault, Rig, Setup, address, integration_name};

fn rig(model: KeyModel, has_key: bool, grace: Period) -> Rig {
    Rig::new(Setup { model, has_key, destinations: 2, grace, text_of_second: false, seed: 17 })
}

const HOUR: Period = Period::seconds(3600);

#[tokio::test]
async fn what_drifts_in_the_grace_is_mended_before_the_old_key_goes() {
    let rig = rig(KeyModel::Many, true, HOUR);
    let engine = rig.calm_engine();
    let Outcome::Waiting(rotation, until) = rig.rotate(&engine, Mode::Graceful).await.unwrap() else {
        panic!("it does not wait")
    };
    // A deployment puts the old key back.
    rig.outside.meddle(&address(1), "canary-key-the-old-one");
    rig.clock.jump_to(until);
    drop(engine.drive(rotation.id).await.unwrap());
    assert_eq!(rig.outside.text(&address(1)), rig.new_text(rotation.id));
    let events = rig.store.events();
    let at = |kind| events.iter().position(|event| event.kind == kind).unwrap();
    assert!(at(EventKind::StepReopened) < at(EventKind::KeyRetired));
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_drifts_while_the_old_key_cannot_be_deleted_is_mended_too() {
    let rig = rig(KeyModel::Many, true, Period::ZERO);
    rig.faults.always(&[(Call::Delete, Fault::Refused)]);
    let outcome = rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap();
    let Outcome::Stalled(rotation, _) = outcome else { panic!("it does not stall") };
    rig.clock.advance(SignedDuration::from_hours(24));
    rig.outside.meddle(&address(0), "canary-key-the-old-one");
    rig.recover().await;
    assert_eq!(rig.outside.text(&address(0)), rig.new_text(rotation.id));
    assert_eq!(rig.violations(), Vec::<String>::new());
}

/// What was seen instead when it was confirmed has to be seen still.
#[tokio::test]
async fn what_cannot_be_read_is_delivered_again_if_somebody_wrote_there_in_the_grace() {
    let mut rig = rig(KeyModel::Many, true, HOUR);
    rig.hook_up(2);
    rig.outside.arrange(|state| state.places.values_mut().for_each(|place| place.blind = true));
    let engine = rig.calm_engine();
    let Outcome::Waiting(rotation, until) = rig.rotate(&engine, Mode::Graceful).await.unwrap() else {
        panic!("it does not wait")
    };
    rig.outside.meddle(&address(1), "canary-key-the-old-one");
    rig.clock.jump_to(until);
    let Outcome::Over(done) = engine.drive(rotation.id).await.unwrap() else { panic!("it is not over") };
    assert_eq!(done.status, RotationStatus::Done);
    assert_eq!(rig.outside.text(&address(1)), rig.new_text(rotation.id));
    let history = rig.outside.look(|state| state.history.clone());
    let times = |what: &str| history.iter().filter(|done| *done == what).count();
    let done =
        ["deliver fake:/place/0", "reload fake:/place/0", "deliver fake:/place/1", "reload fake:/place/1"];
    assert_eq!(done.map(times), [1, 1, 2, 2], "{history:?}");
    let last = |what: &str| history.iter().rposition(|done| done == what).unwrap();
    assert!(last("reload fake:/place/1") < last("delete native-old"), "{history:?}");
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn undoing_puts_everything_back() {
    let rig = rig(KeyModel::Many, true, HOUR);
    rig.outside.arrange(|state| {
        let place = state.places.get_mut(&address(1)).unwrap();
        (place.text, place.guarded) = (None, false);
    });
    let engine = rig.calm_engine();
    let outcome = rig.rotate(&engine, Mode::Graceful).await.unwrap();
    let Outcome::Waiting(rotation, _) = outcome else { panic!("it does not wait") };
    let Outcome::Over(undone) = engine.abort(rotation.id).await.unwrap() else { panic!("it is not over") };
    assert_eq!(undone.status, RotationStatus::Aborted);
    assert_eq!(rig.outside.text(&address(0)).as_deref(), Some("canary-key-the-old-one"));
    assert_eq!(rig.outside.text(&address(1)), None);
    assert_eq!(rig.outside.living(), ["native-old"]);
}

#[tokio::test]
async fn undoing_leaves_alone_what_somebody_else_wrote() {
    let rig = rig(KeyModel::Many, true, HOUR);
    let engine = rig.calm_engine();
    let outcome = rig.rotate(&engine, Mode::Graceful).await.unwrap();
    let Outcome::Waiting(rotation, _) = outcome else { panic!("it does not wait") };
    rig.outside.meddle(&address(0), "canary-text-of-somebody-else");
    drop(engine.abort(rotation.id).await.unwrap());
    assert_eq!(rig.outside.text(&address(0)).as_deref(), Some("canary-text-of-somebody-else"));
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn there_is_no_way_back_to_a_key_that_died_meanwhile() {
    let rig = rig(KeyModel::Many, true, HOUR);
    let engine = rig.calm_engine();
    let outcome = rig.rotate(&engine, Mode::Graceful).await.unwrap();
    let Outcome::Waiting(rotation, _) = outcome else { panic!("it does not wait") };
    // It expired, or somebody deleted it in n8n.
    rig.outside.arrange(|state| state.keys[0].lives = false);
    let failure = engine.abort(rotation.id).await.unwrap_err();
    assert_eq!(failure.kind, RotationErrorKind::NotPossible);
    assert_eq!(rig.store.rotation(rotation.id).status, RotationStatus::Waiting);
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn undoing_a_first_key_whose_answer_was_lost_leaves_no_orphan() {
    for model in [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten] {
        let rig = rig(model, false, HOUR);
        let process = rig.process(None);
        let id = rig.engine(&process).start(&Request::new(integration_name(), Mode::Create)).await.unwrap();
        let made = process.stops_at(StepKind::Create, Point::Effected);
        let engine = rig.engine(&process);
        tokio::join!(process.run(engine.drive(id)), async {
            made.await;
            process.kill();
        });
        assert_eq!(rig.outside.living().len(), 1);
        let Outcome::Over(undone) = rig.calm_engine().abort(id).await.unwrap() else {
            panic!("it is not over")
        };
        assert_eq!(undone.status, RotationStatus::Aborted, "{model:?}");
        assert_eq!(rig.outside.living(), Vec::<String>::new(), "{model:?}");
        let told = rig.store.events().into_iter().any(|event| event.kind == EventKind::OrphanRemoved);
        assert!(told, "{model:?}");
    }
}

#[tokio::test]
async fn an_orphan_is_told_even_if_the_step_fails_after_its_removal() {
    let rig = rig(KeyModel::Many, true, HOUR);
    rig.faults.at(&[(Call::Create, 0, Fault::Lost), (Call::Create, 1, Fault::Refused)]);
    let outcome = rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap();
    assert!(matches!(outcome, Outcome::Stalled(..)), "{outcome:?}");
    assert_eq!(rig.outside.living(), ["native-old"]);
    let removed = rig.store.events().iter().filter(|event| event.kind == EventKind::OrphanRemoved).count();
    assert_eq!(removed, 1);
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn where_one_key_may_live_a_stranger_is_not_overwritten() {
    for (model, has_key) in [
        (KeyModel::OneOverwritten, false),
        (KeyModel::OneRefused, false),
        (KeyModel::OneOverwritten, true),
        (KeyModel::OneRefused, true),
    ] {
        let rig = rig(model, has_key, HOUR);
        rig.outside.arrange(|state| {
            state.keys.iter_mut().for_each(|key| key.lives = false);
            state.stranger("canary-key-of-a-stranger");
        });
        let mode = if has_key { Mode::Graceful } else { Mode::Create };
        let engine = rig.calm_engine();
        let mut outcome = rig.rotate(&engine, mode).await.unwrap();
        // Tried again and again, too.
        for _ in 0..3 {
            let Outcome::Stalled(rotation, _) = outcome else { panic!("{model:?}: it does not stall") };
            assert!(rig.outside.works("canary-key-of-a-stranger"), "{model:?}");
            outcome = engine.drive(rotation.id).await.unwrap();
        }
        assert_eq!(rig.outside.look(|state| state.effects), 0);
    }
}

#[tokio::test]
async fn a_preview_changes_nothing() {
    for model in [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten] {
        for mode in [Mode::Create, Mode::Graceful, Mode::Compromised, Mode::Revoke] {
            let rig = rig(model, mode != Mode::Create, HOUR);
            let request = Request::new(integration_name(), mode);
            let preview = rig.calm_engine().preview(&request).await.unwrap();
            assert_eq!(preview.has_gap, rig_has_gap(model, mode), "{model:?} {mode:?}");
            assert_eq!(
                preview.steps,
                model::plan(mode, model, &[address(0), address(1)], &std::collections::BTreeMap::new())
            );
            assert_eq!((rig.store.writes(), rig.outside.look(|state| state.effects)), (0, 0));
        }
    }
}

fn rig_has_gap(model: KeyModel, mode: Mode) -> bool {
    mode == Mode::Compromised || (mode == Mode::Graceful && model != KeyModel::Many)
}

#[tokio::test]
async fn a_new_key_never_has_the_text_of_an_old_one() {
    let rig = Rig::new(Setup { text_of_second: true, ..rig(KeyModel::Many, false, Period::ZERO).setup });
    let engine = rig.calm_engine();
    drop(rig.rotate(&engine, Mode::Create).await.unwrap());
    // Killed and made again within the same second.
    drop(rig.rotate(&engine, Mode::Compromised).await.unwrap());
    assert_eq!(rig.violations(), Vec::<String>::new());
    let prints: Vec<_> = rig.store.keys().into_iter().map(|key| key.fingerprint).collect();
    assert_eq!(prints.len(), 2);
    assert_ne!(prints[0], prints[1]);
}
