//! Places that keep versions let go of dead keys.

use model::{KeyModel, Mode, Period, Rotation, RotationStatus, StepKind};
use rotation::Outcome;

use super::support::{Call, Fault, Rig, Setup, address};

fn rig(has_key: bool) -> Rig {
    let (model, grace) = (KeyModel::Many, Period::ZERO);
    Rig::new(Setup { model, has_key, destinations: 2, grace, text_of_second: false, seed: 29 })
}

fn over(outcome: Outcome) -> Rotation {
    match outcome {
        Outcome::Over(rotation) => *rotation,
        other => panic!("it is not over: {other:?}"),
    }
}

/// The evidence of the last `close`.
fn closed(rotation: &Rotation) -> serde_json::Value {
    let close = rotation.steps.iter().rfind(|step| step.kind == StepKind::Close);
    close.unwrap().evidence.clone()
}

fn versions(rig: &Rig) -> Vec<Vec<String>> {
    rig.outside.look(|state| state.places.values().map(|place| place.versions.clone()).collect())
}

#[tokio::test]
async fn a_key_that_was_proved_dead_is_discarded_everywhere_and_that_is_noted() {
    for mode in [Mode::Graceful, Mode::Compromised] {
        let rig = rig(true);
        let rotation = over(rig.rotate(&rig.calm_engine(), mode).await.unwrap());
        let said = serde_json::json!({
            "fake:/place/0": "1 versions destroyed",
            "fake:/place/1": "1 versions destroyed",
        });
        assert_eq!(closed(&rotation)["discarded"], said, "{mode:?}");
        assert_eq!(versions(&rig), [[""; 0], [""; 0]]);
        let history = rig.outside.look(|state| state.history.clone());
        let deleted = history.iter().position(|done| done == "delete native-old").unwrap();
        let discarded = history.iter().position(|done| done.starts_with("discard")).unwrap();
        assert!(deleted < discarded, "{history:?}");
        assert_eq!(rig.outside.text(&address(0)), rig.new_text(rotation.id), "what it holds is left alone");
    }
}

#[tokio::test]
async fn where_no_key_died_nothing_is_discarded() {
    for mode in [Mode::Create, Mode::Deliver] {
        let rig = rig(mode != Mode::Create);
        let rotation = over(rig.rotate(&rig.calm_engine(), mode).await.unwrap());
        assert_eq!(rig.faults.seen(Call::Discard), 0);
        assert_eq!(closed(&rotation), serde_json::json!({ "gap_ms": null }));
    }
}

#[tokio::test]
async fn a_place_that_cannot_discard_stalls_the_rotation_at_its_end() {
    let rig = rig(true);
    rig.faults.always(&[(Call::Discard, Fault::Refused)]);
    let engine = rig.calm_engine();
    let outcome = rig.rotate(&engine, Mode::Graceful).await.unwrap();
    let Outcome::Stalled(rotation, _) = outcome else { panic!("it does not stall: {outcome:?}") };
    assert_eq!(rotation.next_step().unwrap().kind, StepKind::Close);
    assert_eq!(rotation.problem.as_deref(), Some("Discard failed: Refused"));
    let old = rotation.old_keys[0];
    assert!(rig.store.look(|kept| kept.secret(old).is_some()), "its text is not forgotten before");
    rig.recover().await;
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_revocation_asks_for_it_and_waits_for_nobody() {
    for broken in [false, true] {
        let rig = rig(true);
        let engine = rig.calm_engine();
        rig.outside.arrange(|state| {
            let place = state.places.get_mut(&address(0)).unwrap();
            place.versions.push("canary-key-the-old-one".to_owned());
            place.broken_at = broken.then_some(Call::Discard);
        });
        let rotation = over(rig.rotate(&engine, Mode::Revoke).await.unwrap());
        assert_eq!(rotation.status, RotationStatus::Done);
        let evidence = closed(&rotation);
        if broken {
            assert_eq!(evidence["not_discarded"]["fake:/place/0"], "Discard failed: Refused");
        } else {
            assert_eq!(evidence["discarded"], serde_json::json!({"fake:/place/0": "1 versions destroyed"}));
        }
    }
}

#[tokio::test]
async fn an_undone_rotation_has_its_own_key_discarded_where_it_was_delivered() {
    let rig = Rig::new(Setup { grace: Period::seconds(60), ..rig(true).setup });
    let engine = rig.calm_engine();
    // Only the first was touched.
    rig.outside.arrange(|state| state.places.get_mut(&address(1)).unwrap().broken_at = Some(Call::Read));
    let Outcome::Stalled(rotation, _) = rig.rotate(&engine, Mode::Graceful).await.unwrap() else {
        panic!("it does not stall")
    };
    rig.outside.arrange(|state| state.places.get_mut(&address(1)).unwrap().broken_at = None);
    let undone = over(engine.abort(rotation.id).await.unwrap());
    assert_eq!(closed(&undone)["discarded"]["fake:/place/0"], "1 versions destroyed");
    assert_eq!(versions(&rig)[0], ["canary-key-the-old-one"], "what was put back lives");
    assert_eq!(rig.violations(), Vec::<String>::new());
}
