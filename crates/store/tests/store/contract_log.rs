use model::{Event, EventId, Secret, Store as _, StoreErrorKind};

use crate::fixture::{Place, begin, event, instance, new, ulid};

pub(crate) async fn events_reach_the_log_once_and_in_order(place: &impl Place) {
    let store = place.open();
    let mut full = event(1);
    full.instance = Some("prod".parse().unwrap());
    full.destination = Some("file:/srv/example".parse().unwrap());
    full.fingerprint = Some(model::Fingerprint::of(&Secret::new("canary")));
    store.put_instance(&instance("prod"), Vec::new(), vec![full.clone(), event(2)]).await.unwrap();
    store.put_sealed("a", Some(&Secret::new("canary")), vec![event(3)]).await.unwrap();
    store.start_rotation(new(1, "backups"), vec![event(4)]).await.unwrap();
    let fence = model::Fence { rotation: crate::fixture::rotation(1, "backups").id, number: 1 };
    store.commit(&fence, Vec::new(), vec![event(5)]).await.unwrap();
    store.record((6..3000).map(event).collect()).await.unwrap();
    store.record(Vec::new()).await.unwrap();
    store.flush_log().await.unwrap();
    let wanted: Vec<Event> = [full].into_iter().chain((2..3000).map(event)).collect();
    assert_eq!(place.logged(), wanted);
    store.record(vec![event(3000)]).await.unwrap();
    drop(store);
    drop(place.open());
    assert_eq!(place.logged().len(), 3000, "dropping brings what is left");
}

pub(crate) async fn a_refused_write_leaves_no_event(place: &impl Place) {
    let store = place.open();
    let (_, fence) = begin(&store, 1, "backups").await;
    let dead = model::Fence { number: 9, ..fence };
    store.commit(&dead, Vec::new(), vec![event(1)]).await.unwrap_err();
    store.start_rotation(new(1, "agent"), vec![event(2)]).await.unwrap_err();
    let huge = event(3).with("text", "x".repeat(100_000));
    let error = store.record(vec![event(4), huge]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Bug, "{error}");
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), []);
}

pub(crate) async fn an_event_is_recorded_once(place: &impl Place) {
    let store = place.open();
    let twice = Event { id: EventId(ulid(1)), ..event(2) };
    let error = store.record(vec![event(1), twice]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    store.record(vec![event(1)]).await.unwrap();
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), [event(1)]);
}
