//! What a fleet needs of a store: declarations apart from rotations, adopted keys, memos, one leader, news of writes.

use std::time::Duration;

use model::{
    Key, KeyState, Mode, RotationStatus, Secret, StartOutcome, StepState, Store as _, StoreErrorKind,
};
use serde_json::json;
use store::{MasterKey, OpenStore as _};

use crate::fixture::{Place, at, begin, event, holder, instance, integration, key, new, rotation};

/// Long enough for a busy machine; nothing here waits for it where all is well.
const SOON: Duration = Duration::from_secs(20);

pub(crate) async fn an_instance_comes_with_its_sealed_values_or_not_at_all(place: &impl Place) {
    let store = place.open();
    let values = |text: &str| vec![("instance/prod/session".to_owned(), Some(Secret::new(text)))];
    store.put_instance(&instance("prod"), values("canary-1"), vec![event(1)]).await.unwrap();
    let taken = store.put_instance(&instance("prod"), values("canary-2"), vec![event(1)]).await.unwrap_err();
    assert_eq!(taken.kind, StoreErrorKind::Exists, "its event was recorded before: {taken}");
    let kept = store.sealed("instance/prod/session").await.unwrap();
    assert_eq!(kept, Some(Secret::new("canary-1")));
    let none = vec![("instance/prod/session".to_owned(), None)];
    store.put_instance(&instance("prod"), none, Vec::new()).await.unwrap();
    assert_eq!(store.sealed("instance/prod/session").await.unwrap(), None);
}

pub(crate) async fn integrations_are_put_all_or_none(place: &impl Place) {
    let store = place.open();
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    let mut elsewhere = integration("elsewhere");
    elsewhere.instance = "dev".parse().unwrap();
    let error = store.put_integrations(vec![integration("agent"), elsewhere], vec![event(1)]).await;
    assert_eq!(error.unwrap_err().kind, StoreErrorKind::NotFound);
    assert_eq!(store.integrations().await.unwrap(), []);
    let mut changed = integration("agent");
    store.put_integrations(vec![integration("backups"), integration("agent")], vec![event(2)]).await.unwrap();
    changed.retired_at = Some(at(9));
    store.put_integrations(vec![changed.clone()], Vec::new()).await.unwrap();
    assert_eq!(store.integrations().await.unwrap(), [changed, integration("backups")]);
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), [event(2)]);
}

/// An adopted key, and the rotation that says so.
fn adopted(n: u64) -> (model::NewRotation, Key, Secret) {
    let mut new = new(n, "backups");
    new.rotation.mode = Mode::Adopt;
    new.rotation.status = RotationStatus::Done;
    new.rotation.finished_at = Some(at(1));
    for step in &mut new.rotation.steps {
        step.state = StepState::Done;
    }
    let secret = Secret::new(format!("canary-adopted-{n}"));
    let mut key = key(n, &rotation(n, "backups"), &secret);
    key.state = KeyState::Active;
    new.adopt = Some(Box::new((key.clone(), secret.clone())));
    (new, key, secret)
}

pub(crate) async fn a_key_is_adopted_in_one_go(place: &impl Place) {
    let store = place.open();
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    let (new, key, secret) = adopted(1);
    let mut open = new.clone();
    open.rotation.status = RotationStatus::Running;
    let error = store.start_rotation(open, Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::IllegalTransition, "an adoption is over as it begins");
    assert!(matches!(store.start_rotation(new.clone(), vec![event(1)]).await, Ok(StartOutcome::Started(_))));
    assert_eq!(store.rotation(new.rotation.id).await.unwrap(), Some(new.rotation.clone()));
    assert_eq!(store.open_rotations().await.unwrap(), []);
    assert_eq!(store.keys(None).await.unwrap(), std::slice::from_ref(&key));
    assert_eq!(store.key_secret(key.id).await.unwrap(), Some(secret));
    let lease = store.take_lease(new.rotation.id, &holder(2), at(2), crate::fixture::LEASE, None).await;
    assert_eq!(lease.unwrap_err().kind, StoreErrorKind::LeaseLost);
    // Another rotation can begin: none is open.
    begin(&store, 2, "backups").await;
    assert!(matches!(store.start_rotation(adopted(3).0, Vec::new()).await, Ok(StartOutcome::AlreadyOpen(_))));
}

pub(crate) async fn uses_are_noted_and_times_of_making_moved(place: &impl Place) {
    let store = place.open();
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    let (new, key, _) = adopted(1);
    store.start_rotation(new, Vec::new()).await.unwrap();
    let nobody = model::KeyId(crate::fixture::ulid(99));
    store.note_use(vec![(nobody, at(5)), (key.id, at(50))]).await.unwrap();
    store.note_use(vec![(key.id, at(40))]).await.unwrap();
    let noted = Key { last_used_at: Some(at(50)), ..key.clone() };
    assert_eq!(store.key(key.id).await.unwrap(), Some(noted.clone()));
    store.redate_key(key.id, at(70), vec![event(1)]).await.unwrap();
    assert_eq!(store.key(key.id).await.unwrap(), Some(Key { created_at: at(70), ..noted }));
    let error = store.redate_key(nobody, at(70), vec![event(2)]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound);
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), [event(1)]);
}

pub(crate) async fn memos_are_kept_replaced_and_found_by_how_they_begin(place: &impl Place) {
    let store = place.open();
    for (name, memo) in [("survey/prod", json!({"at": 1})), ("survey/dev", json!([])), ("survex", json!(1))] {
        store.put_memo(name, Some(&memo), Vec::new()).await.unwrap();
    }
    store.put_memo("survey/dev", Some(&json!("é")), vec![event(1)]).await.unwrap();
    let found = place.open().memos("survey/").await.unwrap();
    let expected = [("survey/dev".to_owned(), json!("é")), ("survey/prod".to_owned(), json!({"at": 1}))];
    assert_eq!(found, expected);
    // No pattern: these begin nothing.
    assert_eq!(store.memos("surve_").await.unwrap(), []);
    assert_eq!(store.memos("%").await.unwrap(), []);
    assert_eq!(store.memos("").await.unwrap().len(), 3);
    store.put_memo("survey/dev", None, Vec::new()).await.unwrap();
    assert_eq!(store.memos("survey/dev").await.unwrap(), []);
}

pub(crate) async fn a_secret_and_its_memo_come_and_go_together(place: &impl Place) {
    let store = place.open();
    let name = "secret/smtp";
    for (text, memo, n) in
        [("canary-one", json!({"set_by": "a"}), 1), ("canary-two", json!({"set_by": "b"}), 2)]
    {
        let secret = Secret::new(text);
        store.put_secret(name, Some((&secret, &memo)), vec![event(n)]).await.unwrap();
        let again = place.open();
        assert_eq!(again.sealed(name).await.unwrap(), Some(secret));
        assert_eq!(again.memos("secret/").await.unwrap(), [(name.to_owned(), memo)]);
    }
    let third = (&Secret::new("canary-three"), &json!({"set_by": "c"}));
    let refused = store.put_secret(name, Some(third), vec![event(4), event(4)]).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Exists, "its event is there twice: {refused}");
    assert_eq!(store.memos(name).await.unwrap()[0].1, json!({"set_by": "b"}));
    let new = MasterKey::generate().unwrap();
    store.rotate_master_key(&new, Vec::new()).await.unwrap();
    assert_eq!(store.sealed(name).await.unwrap(), Some(Secret::new("canary-two")), "it is sealed anew");
    store.put_secret(name, None, vec![event(3)]).await.unwrap();
    assert_eq!(store.sealed(name).await.unwrap(), None);
    assert_eq!(store.memos("").await.unwrap(), []);
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), (1..=3).map(event).collect::<Vec<_>>());
}

pub(crate) async fn one_leads_at_a_time_and_another_follows(place: &impl Place) {
    let (one, other) = (place.open(), place.open());
    let mut leads = one.lead("scheduler", &holder(1)).await.unwrap();
    let short = Duration::from_millis(50);
    assert!(tokio::time::timeout(short, leads.lost()).await.is_err(), "nobody took it");
    let second = holder(2);
    let waits = other.lead("scheduler", &second);
    let mut waits = std::pin::pin!(waits);
    assert!(tokio::time::timeout(Duration::from_millis(1_500), &mut waits).await.is_err(), "it is held");
    // Another role is another's.
    drop(tokio::time::timeout(SOON, other.lead("relay", &holder(2))).await.unwrap().unwrap());
    drop(leads);
    let follows = tokio::time::timeout(Duration::from_secs(10), waits).await;
    assert!(follows.is_ok_and(|led| led.is_ok()), "it was given back");
}

pub(crate) async fn writes_by_anyone_are_told(place: &impl Place) {
    let (one, other) = (place.open(), place.open());
    let mut changes = one.changes().await.unwrap();
    for n in 1..4 {
        other.put_memo("told", Some(&json!(n)), Vec::new()).await.unwrap();
        tokio::time::timeout(SOON, changes.next()).await.unwrap().unwrap();
    }
}
