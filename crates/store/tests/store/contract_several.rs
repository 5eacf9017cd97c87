use std::sync::Arc;

use model::{Event, StartOutcome, StepState, Store, StoreErrorKind};

use crate::fixture::{LEASE, Place, at, begin, event, holder, instance, new, put_step, step};

/// What 64 callers write at once, some of it refused, is what is there afterwards.
pub(crate) async fn many_callers_at_once_lose_nothing(place: &impl Place) {
    let store = Arc::new(place.open());
    let callers = (0..64_u64).map(|caller| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let name = format!("integration-{caller}");
            let (begun, fence) = begin(store.as_ref(), caller, &name).await;
            let dead = model::Fence { number: 9, ..fence };
            for number in 0..5 {
                let event = |part| event(1_000 + caller * 100 + number * 10 + part);
                let place = usize::try_from(number).unwrap();
                let started = put_step(step(&begun, place, StepState::Started));
                store.commit(&fence, vec![started.clone()], vec![event(1)]).await.unwrap();
                // Neighbours in the same transaction that fail take nothing with them.
                let refused = store.commit(&dead, vec![started], vec![event(2)]).await.unwrap_err();
                assert_eq!(refused.kind, StoreErrorKind::LeaseLost);
                let illegal = put_step(step(&begun, place, StepState::Planned));
                let refused = store.commit(&fence, vec![illegal], vec![event(3)]).await.unwrap_err();
                assert_eq!(refused.kind, StoreErrorKind::IllegalTransition);
                let done = put_step(step(&begun, place, StepState::Done));
                store.commit(&fence, vec![done], vec![event(4), event(5)]).await.unwrap();
                let read = store.rotation(begun.id).await.unwrap().unwrap();
                assert_eq!(read.steps[place].state, StepState::Done, "what was written is read");
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert_eq!(store.open_rotations().await.unwrap().len(), 64);
    store.flush_log().await.unwrap();
    let mut logged: Vec<Event> = place.logged();
    assert_eq!(logged.len(), 64 * 5 * 3);
    logged.sort_by_key(|event| event.id);
    logged.dedup_by_key(|event| event.id);
    assert_eq!(logged.len(), 64 * 5 * 3, "each once");
}

pub(crate) async fn two_stores_on_one_place_see_each_other(place: &impl Place) {
    let (one, other) = (place.open(), place.open());
    one.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    assert_eq!(other.instances().await.unwrap().len(), 1);
    let (begun, fence) = begin(&one, 1, "backups").await;
    other.renew_lease(&fence, at(30), LEASE).await.unwrap();
    let taken = other.take_lease(begun.id, &holder(2), at(200), LEASE, None).await.unwrap();
    assert_eq!(taken.number, 2);
    let error = one.commit(&fence, Vec::new(), Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::LeaseLost);
    // Closing one leaves the other's locks alone.
    drop(one);
    other.commit(&taken, vec![put_step(step(&begun, 0, StepState::Started))], Vec::new()).await.unwrap();
}

pub(crate) async fn two_stores_begin_one_rotation_only(place: &impl Place) {
    let stores = [Arc::new(place.open()), Arc::new(place.open())];
    stores[0].put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    for round in 0..10_u64 {
        let name = format!("integration-{round}");
        let begun = (0..8_u64).map(|caller| {
            let store = Arc::clone(&stores[usize::try_from(caller % 2).unwrap()]);
            let new = new(1 + round * 10 + caller, &name);
            tokio::spawn(
                async move { store.start_rotation(new, vec![event(round * 10 + caller)]).await.unwrap() },
            )
        });
        let mut started = Vec::new();
        let mut refused = Vec::new();
        for outcome in begun.collect::<Vec<_>>() {
            match outcome.await.unwrap() {
                StartOutcome::Started(fence) => started.push(fence.rotation),
                StartOutcome::AlreadyOpen(id) => refused.push(id),
            }
        }
        assert_eq!(started.len(), 1);
        assert!(refused.iter().all(|id| *id == started[0]), "all were told which one is open");
    }
    stores[0].flush_log().await.unwrap();
    assert_eq!(place.logged().len(), 10, "one event for each that began");
}

pub(crate) async fn two_stores_share_one_log(place: &impl Place) {
    let stores = [Arc::new(place.open()), Arc::new(place.open())];
    let writers = (0..2_u64).map(|writer| {
        let store = Arc::clone(&stores[usize::try_from(writer).unwrap()]);
        tokio::spawn(async move {
            for n in 0..40 {
                store.record(vec![event(1 + writer * 1_000 + n)]).await.unwrap();
                if n % 7 == writer {
                    store.flush_log().await.unwrap();
                }
            }
            store.flush_log().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let logged = place.logged();
    assert_eq!(logged.len(), 80);
    for writer in 0..2 {
        let mine: Vec<Event> =
            logged.iter().filter(|e| e.id.0.timestamp_ms() / 1_000 % 10 == writer).cloned().collect();
        assert_eq!(mine, (0..40).map(|n| event(1 + writer * 1_000 + n)).collect::<Vec<_>>(), "in order");
    }
}
