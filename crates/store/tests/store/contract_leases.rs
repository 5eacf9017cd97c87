use model::{Fence, Lease, RotationStatus, Store as _, StoreErrorKind};

use crate::fixture::{LEASE, Place, at, begin, event, holder, put_status, rotation};

pub(crate) async fn a_lease_is_held_until_it_ends(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let error = store.take_lease(begun.id, &holder(2), at(60), LEASE, None).await.unwrap_err();
    let held = Lease { fence, holder: holder(1), until: at(61) };
    assert_eq!(error.kind, StoreErrorKind::LeaseHeld(Box::new(held)), "it began at 1, for 60 s");
    let taken = store.take_lease(begun.id, &holder(2), at(61), LEASE, None).await.unwrap();
    assert_eq!(taken, Fence { rotation: begun.id, number: 2 });
    let error =
        store.take_lease(rotation(9, "backups").id, &holder(2), at(0), LEASE, None).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound);
}

pub(crate) async fn the_same_holder_takes_it_again_and_the_old_fence_is_dead(place: &impl Place) {
    let store = place.open();
    let (begun, first) = begin(&store, 1, "backups").await;
    let second = store.take_lease(begun.id, &holder(1), at(2), LEASE, None).await.unwrap();
    assert_eq!(second.number, 2);
    let error = store.commit(&first, Vec::new(), vec![event(1)]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::LeaseLost);
    store.commit(&second, Vec::new(), vec![event(1)]).await.unwrap();
    let mut almost = holder(1);
    almost.start_ticks += 1;
    let error = store.take_lease(begun.id, &almost, at(2), LEASE, None).await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::LeaseHeld(_)), "a pid that was used again: {error}");
}

pub(crate) async fn a_dead_holders_lease_is_taken_over_by_its_fence(place: &impl Place) {
    let store = place.open();
    let (begun, first) = begin(&store, 1, "backups").await;
    let wrong = Fence { number: 7, ..first };
    let error = store.take_lease(begun.id, &holder(2), at(2), LEASE, Some(wrong)).await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::LeaseHeld(_)), "{error}");
    let second = store.take_lease(begun.id, &holder(2), at(2), LEASE, Some(first)).await.unwrap();
    assert_eq!(second.number, 2);
    let error = store.take_lease(begun.id, &holder(3), at(2), LEASE, Some(first)).await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::LeaseHeld(_)), "somebody was quicker: {error}");
}

pub(crate) async fn a_lease_is_prolonged_and_given_back(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    store.renew_lease(&fence, at(50), LEASE).await.unwrap();
    let error = store.take_lease(begun.id, &holder(2), at(109), LEASE, None).await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::LeaseHeld(lease) if lease.until == at(110)));
    store.release_lease(&fence).await.unwrap();
    store.release_lease(&fence).await.unwrap();
    let error = store.renew_lease(&fence, at(50), LEASE).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::LeaseLost, "{error}");
    let second = store.take_lease(begun.id, &holder(2), at(50), LEASE, None).await.unwrap();
    assert_eq!(second.number, 2, "the fence rises though the lease was free");
    store.release_lease(&fence).await.unwrap();
    let error = store.take_lease(begun.id, &holder(3), at(50), LEASE, None).await.unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::LeaseHeld(_)), "a lost lease gives nothing back: {error}");
}

pub(crate) async fn a_lost_lease_commits_nothing(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let newest = store.take_lease(begun.id, &holder(2), at(100), LEASE, None).await.unwrap();
    let change = put_status(&begun, RotationStatus::Waiting);
    for dead in [fence, Fence { number: 3, ..newest }] {
        let error = store.commit(&dead, vec![change.clone()], vec![event(1)]).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::LeaseLost, "{error}");
        let error = store.renew_lease(&dead, at(100), LEASE).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::LeaseLost, "{error}");
    }
    assert_eq!(store.rotation(begun.id).await.unwrap(), Some(begun));
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), []);
}

pub(crate) async fn nothing_is_committed_once_a_rotation_is_over(place: &impl Place) {
    let store = place.open();
    let over = [RotationStatus::Done, RotationStatus::Aborted, RotationStatus::Superseded];
    for (n, status) in (1..).zip(over) {
        let (begun, fence) = begin(&store, n, &format!("integration-{n}")).await;
        store.commit(&fence, vec![put_status(&begun, status)], Vec::new()).await.unwrap();
        let reopened = vec![put_status(&begun, RotationStatus::Running)];
        let errors = [
            store.commit(&fence, reopened, Vec::new()).await.unwrap_err(),
            store.renew_lease(&fence, at(2), LEASE).await.unwrap_err(),
            store.take_lease(begun.id, &holder(1), at(2), LEASE, None).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind, StoreErrorKind::LeaseLost, "{error}");
        }
        store.release_lease(&fence).await.unwrap();
        assert_eq!(store.rotation(begun.id).await.unwrap().unwrap().status, status);
    }
}
