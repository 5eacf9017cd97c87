//! Another master key: all or nothing, and nobody goes on with the old one unawares.

use model::{Change, Secret, Store as _, StoreErrorKind};
use store::{MasterKey, OpenStore as _};

use crate::fixture::{Place, Spoilt, begin, event, instance, key};

pub(crate) async fn everything_is_sealed_anew_and_goes_on(place: &impl Place) {
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let secret = Secret::new("canary-of-a-key");
    let added = key(5, &begun, &secret);
    let changes = vec![
        Change::KeyAdded(Box::new(added.clone()), secret.clone()),
        Change::Previous { step: 3, value: Some(secret.clone()) },
    ];
    store.commit(&fence, changes, vec![event(1)]).await.unwrap();
    store.put_sealed("a", Some(&secret), vec![event(2)]).await.unwrap();
    let public = store.log_public_key();

    let new = MasterKey::generate().unwrap();
    store.rotate_master_key(&new, vec![event(3)]).await.unwrap();
    store.put_sealed("b", Some(&secret), vec![event(4)]).await.unwrap();
    for store in [store, place.open_under(&new).unwrap()] {
        assert_eq!(store.sealed("a").await.unwrap().as_ref(), Some(&secret));
        assert_eq!(store.sealed("b").await.unwrap().as_ref(), Some(&secret));
        assert_eq!(store.key_secret(added.id).await.unwrap().as_ref(), Some(&secret));
        assert_eq!(store.previous(begun.id, 3).await.unwrap().as_ref(), Some(&secret));
        assert_eq!(store.log_public_key(), public);
        store.flush_log().await.unwrap();
        let head = store.log_head().await.unwrap();
        store::log::verify(&place.log().folder, &public, head.as_ref()).unwrap();
    }
    let old = place.open_under(&place.key()).err().unwrap();
    assert_eq!(old.kind, StoreErrorKind::Unsealable, "{old}");
    assert_eq!(place.logged(), (1..=4).map(event).collect::<Vec<_>>());
}

pub(crate) async fn who_has_the_old_key_is_told_and_writes_nothing(place: &impl Place) {
    let (one, other) = (place.open(), place.open());
    let secret = Secret::new("canary");
    one.put_sealed("a", Some(&secret), Vec::new()).await.unwrap();
    let new = MasterKey::generate().unwrap();
    one.rotate_master_key(&new, Vec::new()).await.unwrap();
    let errors = [
        other.put_sealed("b", Some(&secret), vec![event(1)]).await.unwrap_err(),
        other.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap_err(),
        other.sealed("a").await.unwrap_err(),
        other.rotate_master_key(&MasterKey::generate().unwrap(), Vec::new()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, StoreErrorKind::Unsealable, "{error}");
        assert!(error.report.mend.iter().any(|mend| mend.contains("start this process again")), "{error:?}");
    }
    assert_eq!(one.sealed("b").await.unwrap(), None);
    assert_eq!(one.sealed("a").await.unwrap(), Some(secret));
    assert_eq!(one.instances().await.unwrap(), []);
}

pub(crate) async fn a_value_that_does_not_open_leaves_all_as_it_was(place: &impl Place) {
    let store = place.open();
    let secret = Secret::new("canary");
    store.put_sealed("a", Some(&secret), Vec::new()).await.unwrap();
    place.spoil(Spoilt::Yes);
    let new = MasterKey::generate().unwrap();
    let error = store.rotate_master_key(&new, vec![event(1)]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unsealable, "{error}");
    assert!(place.open_under(&new).is_err());
    store.put_sealed("b", Some(&secret), Vec::new()).await.unwrap();
    for store in [store, place.open()] {
        assert_eq!(store.sealed("a").await.unwrap().as_ref(), Some(&secret));
        assert_eq!(store.sealed("b").await.unwrap().as_ref(), Some(&secret));
    }
    assert_eq!(place.logged(), []);
    place.spoil(Spoilt::No);
    place.open().rotate_master_key(&new, Vec::new()).await.unwrap();
    assert_eq!(place.open_under(&new).unwrap().sealed("a").await.unwrap(), Some(secret));
}
