use model::{
    Change, NewRotation, Rotation, RotationStatus, Secret, StartOutcome, StepState, Store, StoreErrorKind,
};

use crate::fixture::{Place, at, begin, event, key, new, put_status, put_step, rotation, step};

pub(crate) async fn a_rotation_comes_back_as_it_was_begun(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    assert_eq!((fence.rotation, fence.number), (begun.id, 1));
    assert_eq!(store.rotation(begun.id).await.unwrap(), Some(begun.clone()));
    assert_eq!(place.open().rotation(begun.id).await.unwrap(), Some(begun));
    assert_eq!(store.rotation(rotation(9, "backups").id).await.unwrap(), None);
    let again = NewRotation { integration: None, ..new(5, "agent") };
    let error = store.start_rotation(again, Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "its integration was never declared: {error}");
    let error = store.start_rotation(new(1, "agent"), Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    assert_eq!(store.integration(&"agent".parse().unwrap()).await.unwrap(), None, "all or nothing");
    let mut over = new(2, "agent");
    over.rotation.status = RotationStatus::Done;
    let error = store.start_rotation(over, Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::IllegalTransition, "{error}");
}

pub(crate) async fn one_open_rotation_per_integration(place: &impl Place) {
    let store = place.open();
    let (first, fence) = begin(&store, 1, "backups").await;
    let again = store.start_rotation(new(2, "backups"), vec![event(1)]).await.unwrap();
    assert_eq!(again, StartOutcome::AlreadyOpen(first.id));
    assert_eq!(store.rotation(rotation(2, "backups").id).await.unwrap(), None);
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), [], "nothing was written");

    store.commit(&fence, vec![put_status(&first, RotationStatus::Done)], Vec::new()).await.unwrap();
    let next = store.start_rotation(new(2, "backups"), Vec::new()).await.unwrap();
    assert!(matches!(next, StartOutcome::Started(_)));
}

pub(crate) async fn a_superseded_rotation_gives_way_at_once(place: &impl Place) {
    let store = place.open();
    let (first, fence) = begin(&store, 1, "backups").await;
    let kept = Change::Previous { step: 3, value: Some(Secret::new("canary-before")) };
    store.commit(&fence, vec![kept], Vec::new()).await.unwrap();

    let urgent = NewRotation { supersede: Some(first.id), ..new(2, "backups") };
    let outcome = store.start_rotation(urgent, Vec::new()).await.unwrap();
    assert!(matches!(outcome, StartOutcome::Started(fence) if fence.number == 1));
    let old = store.rotation(first.id).await.unwrap().unwrap();
    assert_eq!((old.status, old.finished_at), (RotationStatus::Superseded, Some(at(2))));
    assert_eq!(old.steps, first.steps);
    assert_eq!(store.previous(first.id, 3).await.unwrap(), None);
    let error = store.commit(&fence, Vec::new(), vec![event(1)]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::LeaseLost, "{error}");
    let open: Vec<Rotation> = store.open_rotations().await.unwrap();
    assert_eq!(open, [rotation(2, "backups")]);
}

pub(crate) async fn only_the_open_one_can_be_superseded(place: &impl Place) {
    let store = place.open();
    let (first, fence) = begin(&store, 1, "backups").await;
    store.commit(&fence, vec![put_status(&first, RotationStatus::Aborted)], Vec::new()).await.unwrap();
    let (second, _) = begin(&store, 2, "backups").await;
    let (other, other_fence) = begin(&store, 3, "agent").await;
    for named in [first.id, other.id] {
        let urgent = NewRotation { supersede: Some(named), ..new(4, "backups") };
        let outcome = store.start_rotation(urgent, Vec::new()).await.unwrap();
        assert_eq!(outcome, StartOutcome::AlreadyOpen(second.id));
    }
    assert_eq!(store.rotation(first.id).await.unwrap().unwrap().status, RotationStatus::Aborted);
    store.commit(&other_fence, Vec::new(), vec![event(1)]).await.unwrap();
}

pub(crate) async fn commits_replace_the_header_and_steps(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let mut wanted = begun.clone();
    wanted.status = RotationStatus::Stalled;
    wanted.attempts = 3;
    wanted.problem = Some("disk full".to_owned());
    wanted.next_try = Some(at(9));
    // The header's own steps are not looked at.
    let header = Change::Rotation(Box::new(Rotation { steps: Vec::new(), ..wanted.clone() }));
    let mut started = step(&begun, 0, StepState::Started);
    started.started_at = Some(at(1));
    store.commit(&fence, vec![header, put_step(started.clone())], Vec::new()).await.unwrap();
    let mut done = started;
    done.state = StepState::Done;
    done.evidence = serde_json::json!({"status": 200, "list": ["ü", null]});
    store.commit(&fence, vec![put_step(done.clone())], Vec::new()).await.unwrap();
    wanted.steps[0] = done;
    assert_eq!(store.rotation(begun.id).await.unwrap(), Some(wanted));
}

pub(crate) async fn steps_go_on_in_number_and_begin_planned(place: &impl Place) {
    let store = place.open();
    let (mut begun, fence) = begin(&store, 1, "backups").await;
    begun.status = RotationStatus::Aborting;
    let more = model::plan_abort(&begun);
    let mut gap = more.clone();
    gap[0].number += 1;
    let mut started = more.clone();
    started[0].state = StepState::Started;
    for bad in [gap, started] {
        let error = store.commit(&fence, vec![Change::StepsAdded(bad)], Vec::new()).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::IllegalTransition, "{error}");
    }
    let changes = vec![put_status(&begun, RotationStatus::Aborting), Change::StepsAdded(more.clone())];
    store.commit(&fence, changes, Vec::new()).await.unwrap();
    begun.steps.extend(more);
    assert_eq!(store.rotation(begun.id).await.unwrap(), Some(begun));
}

pub(crate) async fn an_illegal_transition_writes_nothing_of_its_commit(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let secret = Secret::new("canary-new-key-text");
    let mut other = step(&begun, 1, StepState::Started);
    other.kind = model::StepKind::Retire;
    for bad in [step(&begun, 1, StepState::Done), step(&begun, 1, StepState::Planned), other] {
        let changes = vec![
            put_step(step(&begun, 0, StepState::Started)),
            Change::KeyAdded(Box::new(key(5, &begun, &secret)), secret.clone()),
            put_step(bad),
        ];
        let error = store.commit(&fence, changes, vec![event(1)]).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::IllegalTransition, "{error}");
    }
    assert_eq!(store.rotation(begun.id).await.unwrap(), Some(begun));
    assert_eq!(store.keys(None).await.unwrap(), []);
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), []);
}

pub(crate) async fn what_was_held_before_is_kept_until_the_rotation_is_over(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let keep = |step, text| Change::Previous { step, value: Some(Secret::new(text)) };
    store.commit(&fence, vec![keep(3, "canary-three"), keep(4, "canary-four")], Vec::new()).await.unwrap();
    assert_eq!(store.previous(begun.id, 3).await.unwrap(), Some(Secret::new("canary-three")));
    let forget = Change::Previous { step: 3, value: None };
    store.commit(&fence, vec![forget], Vec::new()).await.unwrap();
    assert_eq!(store.previous(begun.id, 3).await.unwrap(), None);
    let missing = store.commit(&fence, vec![keep(99, "canary")], Vec::new()).await.unwrap_err();
    assert_eq!(missing.kind, StoreErrorKind::NotFound, "{missing}");

    store.commit(&fence, vec![put_status(&begun, RotationStatus::Stalled)], Vec::new()).await.unwrap();
    assert_eq!(store.previous(begun.id, 4).await.unwrap(), Some(Secret::new("canary-four")));
    store.commit(&fence, vec![put_status(&begun, RotationStatus::Done)], Vec::new()).await.unwrap();
    assert_eq!(store.previous(begun.id, 4).await.unwrap(), None);
    assert_eq!(store.previous(rotation(9, "backups").id, 0).await.unwrap(), None);
}

pub(crate) async fn rotations_are_listed_in_order(place: &impl Place) {
    let store = place.open();
    for n in [3, 1, 2] {
        let (begun, fence) = begin(&store, n, "backups").await;
        store.commit(&fence, vec![put_status(&begun, RotationStatus::Done)], Vec::new()).await.unwrap();
    }
    let (fourth, _) = begin(&store, 4, "backups").await;
    let (earlier, _) = begin(&store, 0, "agent").await;
    assert_eq!(store.open_rotations().await.unwrap(), [earlier, fourth], "oldest first, with their steps");
    let name = "backups".parse().unwrap();
    let ids =
        |rotations: Vec<Rotation>| rotations.iter().map(|one| one.id.0.timestamp_ms()).collect::<Vec<_>>();
    let base = 1_800_000_000_000;
    let newest = ids(store.rotations_of(&name, 10).await.unwrap());
    assert_eq!(newest, [base + 4, base + 3, base + 2, base + 1]);
    assert_eq!(ids(store.rotations_of(&name, 2).await.unwrap()), [base + 4, base + 3]);
    assert_eq!(store.rotations_of(&"other".parse().unwrap(), 2).await.unwrap(), []);
}

pub(crate) async fn missing_records_are_told(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let secret = Secret::new("canary-of-a-key");
    let stray = key(7, &rotation(9, "backups"), &secret);
    let mut step = step(&begun, 0, StepState::Started);
    step.number = 99;
    let changes = [
        put_step(step),
        Change::Key(Box::new(stray.clone())),
        Change::KeyAdded(Box::new(stray.clone()), secret),
        Change::SecretErased(stray.id),
    ];
    for change in changes {
        let error = store.commit(&fence, vec![change], Vec::new()).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    }
    let none = model::Fence { rotation: rotation(9, "backups").id, number: 1 };
    let error = store.commit(&none, Vec::new(), vec![event(1)]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    let foreign = put_status(&rotation(9, "backups"), RotationStatus::Running);
    let error = store.commit(&fence, vec![foreign], Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Bug, "another rotation's header: {error}");
}
