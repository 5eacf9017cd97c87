//! Hooks that run after deliveries: in which order, how often, and what a failing one stops.

use model::{
    Address, EventKind, KeyModel, Mode, Period, Rotation, RotationStatus, SignedDuration, Step, StepKind,
    StepState,
};
use rotation::{Outcome, Request};

use super::support::{Call, Fault, Rig, Setup, address, integration_name};

const OLD: &str = "canary-key-the-old-one";

fn rig(destinations: usize, hooked: usize) -> Rig {
    let grace = Period::seconds(3600);
    let model = KeyModel::Many;
    let mut rig =
        Rig::new(Setup { model, has_key: true, destinations, grace, text_of_second: false, seed: 23 });
    rig.hook_up(hooked);
    rig
}

fn stalled(outcome: Outcome) -> Rotation {
    match outcome {
        Outcome::Stalled(rotation, _) => *rotation,
        other => panic!("it does not stall: {other:?}"),
    }
}

fn waiting(outcome: Outcome) -> Rotation {
    match outcome {
        Outcome::Waiting(rotation, _) => *rotation,
        other => panic!("it does not wait: {other:?}"),
    }
}

fn history(rig: &Rig) -> Vec<String> {
    rig.outside.look(|state| state.history.clone())
}

fn at(history: &[String], what: &str) -> usize {
    history.iter().position(|done| done == what).unwrap_or_else(|| panic!("no `{what}` in {history:?}"))
}

fn step<'r>(rotation: &'r Rotation, kind: StepKind, to: &Address) -> &'r Step {
    let found = |step: &&Step| step.kind == kind && step.destination.as_ref() == Some(to);
    rotation.steps.iter().find(found).unwrap()
}

#[tokio::test]
async fn a_program_takes_up_the_new_key_before_the_old_one_goes() {
    let rig = rig(2, 1);
    let rotation = waiting(rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap());
    let reload = step(&rotation, StepKind::Reload, &address(0));
    assert_eq!(reload.evidence, serde_json::json!({"hook": "hook:0", "seen": "taken up"}));
    rig.recover().await;
    let history = history(&rig);
    let order =
        ["deliver fake:/place/0", "reload fake:/place/0", "deliver fake:/place/1", "delete native-old"];
    let order = order.map(|what| at(&history, what));
    assert!(order.is_sorted(), "{history:?}");
    assert_eq!(history.iter().filter(|done| done.starts_with("reload")).count(), 1);
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_hook_that_fails_stops_the_rotation_before_anything_is_retired() {
    for model in [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten] {
        for mode in [Mode::Graceful, Mode::Create, Mode::Deliver, Mode::Compromised] {
            let setup = Setup { model, has_key: mode != Mode::Create, ..rig(3, 0).setup };
            let mut rig = Rig::new(setup);
            rig.hook_up(3);
            rig.outside.arrange(|state| {
                state.places.get_mut(&address(1)).unwrap().broken_at = Some(Call::Reload);
            });
            let engine = rig.calm_engine();
            let rotation = stalled(rig.rotate(&engine, mode).await.unwrap());
            // Again and again, and later too.
            let rotation = stalled(engine.drive(rotation.id).await.unwrap());
            let done = |kind, number| step(&rotation, kind, &address(number)).state == StepState::Done;
            assert!(done(StepKind::Confirm, 1) && !done(StepKind::Reload, 1), "{model:?} {mode:?}");
            assert!(done(StepKind::Reload, 0) && done(StepKind::Reload, 2), "the others go on");
            let after = [StepKind::Grace, StepKind::Close];
            let after = rotation.steps.iter().filter(|step| after.contains(&step.kind));
            assert!(after.into_iter().all(|step| step.attempts == 0), "{model:?} {mode:?}");
            if model == KeyModel::Many && mode == Mode::Graceful {
                assert!(rig.outside.works(OLD), "nothing is retired");
                assert!(!history(&rig).iter().any(|done| done.starts_with("delete")));
            }
            assert!(rotation.problem.as_deref().unwrap().contains("Reload failed"), "{rotation:?}");
            rig.outside.arrange(|state| state.places.get_mut(&address(1)).unwrap().broken_at = None);
            rig.recover().await;
            assert_eq!(rig.violations(), Vec::<String>::new(), "{model:?} {mode:?}");
        }
    }
}

#[tokio::test]
async fn a_hook_that_is_tried_again_is_told_which_delivery_it_follows() {
    let rig = rig(1, 1);
    let broken =
        |call| rig.outside.arrange(|state| state.places.get_mut(&address(0)).unwrap().broken_at = call);
    broken(Some(Call::Reload));
    let engine = rig.calm_engine();
    let rotation = stalled(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    let delivered = step(&rotation, StepKind::Deliver, &address(0)).done_at.unwrap();
    let told = |rig: &Rig| rig.outside.look(|state| state.run_again.clone());
    assert_eq!(told(&rig), [], "the first try follows none");
    broken(None);
    waiting(engine.drive(rotation.id).await.unwrap());
    assert_eq!(told(&rig), [(address(0), delivered)]);
    // Undone, it follows what was restored.
    broken(Some(Call::Reload));
    let rotation = stalled(engine.abort(rotation.id).await.unwrap());
    let restored = step(&rotation, StepKind::Restore, &address(0)).done_at.unwrap();
    broken(None);
    engine.abort(rotation.id).await.unwrap();
    assert_eq!(told(&rig)[1..], [(address(0), restored)]);
    assert!(restored > delivered);
}

/// Five destinations at once, of which one fails at each thing that can be done with it.
#[tokio::test]
async fn one_of_five_that_fails_anywhere_stops_only_itself() {
    let calls = [Call::CheckPlace, Call::CheckHook, Call::Read, Call::Deliver, Call::Confirm, Call::Reload];
    for mode in [Mode::Graceful, Mode::Compromised, Mode::Deliver] {
        for (broken, call) in (0..5).flat_map(|broken| calls.map(|call| (broken, call))) {
            let rig = rig(5, 5);
            let place = address(broken);
            rig.outside.arrange(|state| state.places.get_mut(&place).unwrap().broken_at = Some(call));
            let outcome = rig.rotate(&rig.calm_engine(), mode).await.unwrap();
            let checks = matches!(call, Call::CheckPlace | Call::CheckHook);
            if checks && mode == Mode::Compromised {
                // It was warned, and could be done all the same.
                assert!(matches!(outcome, Outcome::Over(_)), "{outcome:?}");
                continue;
            }
            let rotation = stalled(outcome);
            let begun = mode == Mode::Compromised || !checks;
            for number in (0..5).filter(|number| *number != broken) {
                let state = step(&rotation, StepKind::Reload, &address(number)).state;
                assert_eq!(state == StepState::Done, begun, "{mode:?} {call:?} {broken} {number}: {state:?}");
            }
            if mode != Mode::Compromised {
                assert!(rig.outside.works(OLD), "{mode:?} {call:?} {broken}");
            }
            assert_eq!(rig.outside.look(|state| state.violations.clone()), Vec::<String>::new());
            rig.outside.arrange(|state| state.places.get_mut(&place).unwrap().broken_at = None);
            rig.recover().await;
            assert_eq!(rig.violations(), Vec::<String>::new(), "{mode:?} {call:?} {broken}");
        }
    }
}

/// The same, undone.
#[tokio::test]
async fn one_of_five_that_fails_while_undoing_is_waited_for() {
    for (broken, call) in
        (0..5).flat_map(|broken| [Call::Restore, Call::Reload, Call::Discard].map(|call| (broken, call)))
    {
        let rig = rig(5, 5);
        let engine = rig.calm_engine();
        let rotation = waiting(rig.rotate(&engine, Mode::Graceful).await.unwrap());
        rig.outside.arrange(|state| state.places.get_mut(&address(broken)).unwrap().broken_at = Some(call));
        let rotation = stalled(engine.abort(rotation.id).await.unwrap());
        assert_eq!(rotation.status, RotationStatus::Aborting);
        let text = rig.new_text(rotation.id).unwrap();
        assert_eq!(
            rig.outside.works(&text),
            call != Call::Discard,
            "{call:?}: not removed while a program may use it"
        );
        rig.outside.arrange(|state| state.places.get_mut(&address(broken)).unwrap().broken_at = None);
        rig.recover().await;
        assert_eq!(rig.violations(), Vec::<String>::new(), "{call:?} {broken}");
        assert_eq!(rig.outside.living(), ["native-old"]);
    }
}

#[tokio::test]
async fn what_drifts_in_the_grace_is_delivered_and_reloaded_again() {
    let rig = rig(2, 2);
    let engine = rig.calm_engine();
    let rotation = waiting(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    rig.outside.meddle(&address(1), OLD);
    rig.clock.jump_to(rotation.grace_until.unwrap());
    drop(engine.drive(rotation.id).await.unwrap());
    let history = history(&rig);
    let times = |what: &str| history.iter().filter(|done| *done == what).count();
    assert_eq!((times("reload fake:/place/0"), times("reload fake:/place/1")), (1, 2));
    let last = history.iter().rposition(|done| done == "reload fake:/place/1").unwrap();
    assert!(last < at(&history, "delete native-old"), "{history:?}");
    let reopened = rig.store.events().into_iter().filter(|event| event.kind == EventKind::StepReopened);
    assert_eq!(reopened.count(), 3);
    assert_eq!(rig.violations(), Vec::<String>::new());
}

/// A delivery that is fought over in its own `confirm` is done again before the hook runs for the first time.
#[tokio::test]
async fn a_hook_waits_for_a_confirmed_delivery() {
    let rig = rig(1, 1);
    rig.faults.once(Call::Confirm, 0, Fault::Meddled);
    drop(waiting(rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap()));
    assert_eq!(
        history(&rig),
        ["create", "deliver fake:/place/0", "deliver fake:/place/0", "reload fake:/place/0"]
    );
}

#[tokio::test]
async fn a_hook_that_is_not_declared_any_more_is_not_run() {
    let rig = rig(1, 1);
    rig.faults.always(&[(Call::Reload, Fault::Refused)]);
    let engine = rig.calm_engine();
    let rotation = stalled(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    rig.store.arrange(|kept| kept.integrations[0].reload.clear());
    let rotation = waiting(engine.drive(rotation.id).await.unwrap());
    let reload = step(&rotation, StepKind::Reload, &address(0));
    assert_eq!(reload.state, StepState::Done);
    assert!(reload.evidence["seen"].as_str().unwrap().contains("not declared any more"), "{reload:?}");
    assert!(!history(&rig).iter().any(|done| done.starts_with("reload")));
}

#[tokio::test]
async fn undoing_lets_programs_take_up_what_they_had_before_the_new_key_goes() {
    use StepKind::{Close, Reload, Remove, Restore};
    let rig = rig(3, 2);
    let engine = rig.calm_engine();
    // The second hook never began: its program still has the old key.
    rig.outside.arrange(|state| state.places.get_mut(&address(1)).unwrap().broken_at = Some(Call::Confirm));
    let rotation = stalled(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    rig.outside.arrange(|state| state.places.get_mut(&address(1)).unwrap().broken_at = None);
    let Outcome::Over(undone) = engine.abort(rotation.id).await.unwrap() else { panic!("it is not over") };
    let undo = undone.steps.iter().filter(|step| step.state != StepState::Skipped).map(|step| step.kind);
    let undo: Vec<_> = undo.skip_while(|kind| *kind != Restore).collect();
    assert_eq!(undo, [Restore, Reload, Restore, Restore, Remove, Close]);
    let history = history(&rig);
    let reloaded = history.iter().rposition(|done| done == "reload fake:/place/0").unwrap();
    assert!(at(&history, "restore fake:/place/0") < reloaded);
    assert!(history.iter().position(|done| done.starts_with("delete")).unwrap() > reloaded, "{history:?}");
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_hook_that_cannot_run_is_seen_before_anything_is_done() {
    let rig = rig(2, 2);
    rig.faults.always(&[(Call::CheckHook, Fault::Refused)]);
    let engine = rig.calm_engine();
    let graceful = Request::new(integration_name(), Mode::Graceful);
    let failure = engine.preview(&graceful).await.unwrap_err();
    assert!(failure.to_string().contains("CheckHook failed"), "{failure}");
    let preview = engine.preview(&Request { mode: Mode::Compromised, ..graceful }).await.unwrap();
    assert_eq!(preview.unwritable.len(), 2);
    let rotation = stalled(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    assert_eq!(rotation.steps[0].state, StepState::Failed);
    assert_eq!(history(&rig), Vec::<String>::new());
}

#[tokio::test]
async fn the_gap_lasts_until_programs_have_taken_up_the_new_key() {
    let rig = rig(1, 1);
    rig.faults.once(Call::Reload, 0, Fault::Throttled);
    let Outcome::Over(over) = rig.rotate(&rig.calm_engine(), Mode::Compromised).await.unwrap() else {
        panic!("it is not over")
    };
    let gap = SignedDuration::from_millis(i64::try_from(over.gap_ms.unwrap()).unwrap());
    assert!(gap >= SignedDuration::from_secs(60), "{gap:?}");
}
