//! The key that is there, put again where it is used.

use std::sync::Arc;

use model::{
    Clock as _, EventKind, KeyModel, Mode, NoticeKind, Period, Rotation, RotationStatus, SignedDuration,
    Step, StepKind, StepState,
};
use rotation::{Engine, Outcome, Request, RotationErrorKind};

use super::scheduling::{calm, live, statuses};
use super::support::{Call, FakeNotify, Fault, Rig, Setup, address, integration_name};

const OLD: &str = "canary-key-the-old-one";
const JUNK: &str = "canary-junk-of-somebody-else";

fn rig(model: KeyModel) -> Rig {
    let grace = Period::seconds(60);
    let rig =
        Rig::new(Setup { model, has_key: true, destinations: 3, grace, text_of_second: false, seed: 41 });
    rig.outside.arrange(|state| state.watched = true);
    rig
}

fn over(outcome: Outcome) -> Rotation {
    match outcome {
        Outcome::Over(rotation) => *rotation,
        other => panic!("it is not over: {other:?}"),
    }
}

fn texts(rig: &Rig) -> Vec<String> {
    (0..3).map(|number| rig.outside.text(&address(number)).unwrap()).collect()
}

async fn only(engine: &Engine, only: &[usize]) -> Result<Outcome, rotation::RotationError> {
    let only = Some(only.iter().map(|number| address(*number)).collect());
    let id = engine.start(&Request { only, ..Request::new(integration_name(), Mode::Deliver) }).await?;
    engine.drive(id).await
}

#[tokio::test]
async fn the_key_is_put_back_and_nothing_is_made_or_killed() {
    for model in [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten] {
        let rig = rig(model);
        rig.outside.meddle(&address(1), JUNK);
        let key = rig.store.keys()[0].clone();
        let rotation = over(rig.rotate(&rig.calm_engine(), Mode::Deliver).await.unwrap());
        assert_eq!((rotation.status, rotation.mode), (RotationStatus::Done, Mode::Deliver));
        assert_eq!((rotation.new_key, rotation.old_keys.as_slice()), (Some(key.id), [].as_slice()));
        assert_eq!((rotation.gap_ms, rotation.grace_until), (None, None));
        assert_eq!(texts(&rig), [OLD; 3]);
        assert_eq!(rig.store.keys(), [key], "its record is as it was");
        let history = rig.outside.look(|state| state.history.clone());
        assert!(history.iter().all(|done| done.starts_with("deliver ")), "{history:?}");
        assert_eq!(rig.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn it_can_be_put_into_some_places_only() {
    let rig = rig(KeyModel::Many);
    let engine = rig.calm_engine();
    rig.outside.meddle(&address(0), JUNK);
    rig.outside.meddle(&address(2), JUNK);
    // What cannot be written elsewhere is no matter.
    rig.outside.breaks(&address(1), true);
    over(only(&engine, &[2, 2]).await.unwrap());
    assert_eq!(texts(&rig), [JUNK, OLD, OLD]);
    let refused = |failure: rotation::RotationError, because: &str| {
        assert_eq!(failure.kind, RotationErrorKind::NotPossible);
        assert!(failure.to_string().contains(because), "{failure}");
    };
    refused(only(&engine, &[7]).await.unwrap_err(), "`fake:/place/7` is none of its destinations");
    refused(only(&engine, &[]).await.unwrap_err(), "no destination was named");
    let mut request =
        Request { only: Some(vec![address(0)]), ..Request::new(integration_name(), Mode::Graceful) };
    refused(engine.start(&request).await.unwrap_err(), "goes to all of its destinations");
    request.mode = Mode::Deliver;
    let preview = engine.preview(&request).await.unwrap();
    let places = preview.steps.iter().filter_map(|step| step.destination.clone());
    assert_eq!(places.collect::<Vec<_>>(), [address(0), address(0)]);
    assert_eq!((preview.has_gap, preview.old_key_dies_at), (false, None));
}

#[tokio::test]
async fn what_has_no_key_or_no_place_cannot_be_delivered() {
    let without = Rig::new(Setup { has_key: false, ..rig(KeyModel::Many).setup });
    let failure = without.rotate(&without.calm_engine(), Mode::Deliver).await.unwrap_err();
    assert!(failure.to_string().contains("no key to deliver"), "{failure}");
    // While the first is on its way, that is what is told.
    without.faults.always(&[(Call::Prove, Fault::Refused)]);
    drop(without.rotate(&without.calm_engine(), Mode::Create).await.unwrap());
    let failure = without.rotate(&without.calm_engine(), Mode::Deliver).await.unwrap_err();
    assert!(matches!(failure.kind, RotationErrorKind::AlreadyOpen(_)), "{failure:?}");
    let rig = rig(KeyModel::Many);
    rig.store.arrange(|kept| kept.integrations[0].destinations.clear());
    let failure = rig.rotate(&rig.calm_engine(), Mode::Deliver).await.unwrap_err();
    assert!(failure.to_string().contains("it has no destination"), "{failure}");
}

#[tokio::test]
async fn a_key_that_does_not_work_is_delivered_nowhere() {
    let rig = rig(KeyModel::Many);
    rig.outside.arrange(|state| (state.keys[0].lives, state.watched) = (false, false));
    let outcome = rig.rotate(&rig.calm_engine(), Mode::Deliver).await.unwrap();
    let Outcome::Stalled(rotation, _) = outcome else { panic!("it does not stall: {outcome:?}") };
    assert_eq!(rotation.next_step().unwrap().kind, StepKind::Prove);
    assert_eq!(rig.outside.look(|state| state.effects), 0);
}

#[tokio::test]
async fn undoing_it_leaves_what_was_delivered_and_the_key_lives() {
    let rig = rig(KeyModel::Many);
    let engine = rig.calm_engine();
    rig.outside.meddle(&address(0), JUNK);
    rig.outside.meddle(&address(2), JUNK);
    rig.outside.arrange(|state| state.places.get_mut(&address(2)).unwrap().broken_at = Some(Call::Deliver));
    let outcome = rig.rotate(&engine, Mode::Deliver).await.unwrap();
    let Outcome::Stalled(rotation, _) = outcome else { panic!("it does not stall: {outcome:?}") };
    assert_eq!(texts(&rig), [OLD, OLD, JUNK]);
    rig.outside.arrange(|state| state.places.get_mut(&address(2)).unwrap().broken_at = None);
    let undone = over(engine.abort(rotation.id).await.unwrap());
    assert_eq!(undone.status, RotationStatus::Aborted);
    assert!(!undone.steps.iter().any(|step| matches!(step.kind, StepKind::Restore | StepKind::Remove)));
    assert_eq!(texts(&rig), [OLD, OLD, JUNK], "what was there may have been a dead key");
    assert_eq!(rig.outside.living(), ["native-old"]);
    assert_eq!((rig.faults.seen(Call::Restore), rig.faults.seen(Call::Delete)), (0, 0));
    assert_eq!(rig.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn it_gives_way_to_what_kills_and_to_nothing_else() {
    for mode in [Mode::Compromised, Mode::Revoke, Mode::Graceful, Mode::Deliver] {
        let rig = rig(KeyModel::Many);
        rig.outside
            .arrange(|state| state.places.get_mut(&address(2)).unwrap().broken_at = Some(Call::Deliver));
        drop(rig.rotate(&rig.calm_engine(), Mode::Deliver).await.unwrap());
        rig.outside.arrange(|state| state.places.get_mut(&address(2)).unwrap().broken_at = None);
        let kills = matches!(mode, Mode::Compromised | Mode::Revoke);
        let previewed = rig.calm_engine().preview(&Request::new(integration_name(), mode)).await;
        assert_eq!(previewed.is_ok(), kills, "a preview says the same: {mode:?}");
        match rig.rotate(&rig.calm_engine(), mode).await {
            Ok(_) => assert!(kills, "{mode:?}"),
            Err(failure) => {
                assert!(!kills && matches!(failure.kind, RotationErrorKind::AlreadyOpen(_)), "{failure:?}");
            }
        }
        rig.recover().await;
        assert_eq!(rig.outside.works(OLD), !kills, "{mode:?}");
        assert_eq!(rig.violations(), Vec::<String>::new(), "{mode:?}");
    }
}

#[tokio::test]
async fn after_a_rotation_it_is_the_new_key_that_is_delivered() {
    let rig = Rig::new(Setup { grace: Period::ZERO, ..rig(KeyModel::Many).setup });
    over(rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap());
    rig.outside.meddle(&address(0), OLD);
    let rotation = over(rig.rotate(&rig.calm_engine(), Mode::Deliver).await.unwrap());
    assert_eq!(rotation.new_key, Some(rig.store.keys()[1].id));
    let new = rig.new_text(rotation.id).unwrap();
    assert_eq!(texts(&rig), [new.as_str(); 3]);
    assert_eq!(rig.violations(), Vec::<String>::new());
}

/// Also where a person makes keys: for this, nobody is needed.
#[tokio::test]
async fn the_scheduler_goes_on_with_it_and_calls_it_what_it_is() {
    for assisted in [false, true] {
        let (rig, notify) = (rig(KeyModel::Many), Arc::<FakeNotify>::default());
        if assisted {
            rig.store.arrange(|kept| kept.instances[0].admin_email = None);
        }
        rig.outside.meddle(&address(1), JUNK);
        rig.faults.always(&[(Call::Deliver, Fault::Unreachable)]);
        drop(rig.rotate(&rig.calm_engine(), Mode::Deliver).await.unwrap());
        rig.faults.off();
        live(&rig, &calm(&rig, &notify), SignedDuration::from_mins(5)).await;
        assert_eq!(statuses(&rig), [RotationStatus::Done], "{assisted}");
        assert_eq!(texts(&rig), [OLD; 3]);
        let told = notify.of(NoticeKind::Done);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].text, "the key of `backups` was delivered again");
        assert_eq!(told[0].detail["mode"], "deliver");
    }
}

/// When a key is due follows from its age, whatever was delivered or undone meanwhile.
#[tokio::test]
async fn a_delivery_moves_no_due_date() {
    let week = SignedDuration::from_hours(7 * 24);
    for undone in [false, true] {
        let (rig, notify) = (rig(KeyModel::Many), Arc::<FakeNotify>::default());
        rig.store.arrange(|kept| kept.integrations[0].rotate_every = Some(Period::days(7)));
        rig.clock.jump_to(rig.clock.now() + week - SignedDuration::from_mins(1));
        let engine = rig.calm_engine();
        if undone {
            rig.faults.always(&[(Call::Deliver, Fault::Refused)]);
            let outcome = rig.rotate(&engine, Mode::Deliver).await.unwrap();
            rig.faults.off();
            let Outcome::Stalled(rotation, _) = outcome else { panic!("it does not stall: {outcome:?}") };
            over(engine.abort(rotation.id).await.unwrap());
        } else {
            over(rig.rotate(&engine, Mode::Deliver).await.unwrap());
        }
        live(&rig, &calm(&rig, &notify), SignedDuration::from_mins(10)).await;
        let modes: Vec<_> = rig.store.look(|kept| kept.rotations.iter().map(|one| one.mode).collect());
        assert_eq!(modes, [Mode::Deliver, Mode::Graceful], "undone: {undone}");
    }
}

#[tokio::test]
async fn a_key_that_ended_on_the_way_is_not_waited_for() {
    let rig = rig(KeyModel::Many);
    let engine = rig.calm_engine();
    let ends = rig.clock.now() + SignedDuration::from_hours(1);
    rig.store.arrange(|kept| kept.keys[0].0.expires_at = Some(ends));
    rig.faults.always(&[(Call::Deliver, Fault::Refused)]);
    let outcome = rig.rotate(&engine, Mode::Deliver).await.unwrap();
    let Outcome::Stalled(rotation, _) = outcome else { panic!("it does not stall: {outcome:?}") };
    rig.faults.off();
    rig.clock.jump_to(ends);
    rig.outside.arrange(|state| (state.keys[0].lives, state.watched) = (false, false));
    let undone = over(engine.drive(rotation.id).await.unwrap());
    assert_eq!(undone.status, RotationStatus::Aborted);
    let planned = |step: &Step| matches!(step.state, StepState::Done | StepState::Skipped);
    assert!(undone.steps.iter().all(planned));
    let told = rig.store.events().into_iter().find(|event| event.kind == EventKind::RotationAborting);
    assert!(told.unwrap().detail["because"].as_str().unwrap().contains("ended"));
}
