use model::{Change, Fingerprint, Key, KeyState, Secret, Store as _, StoreErrorKind};

use crate::fixture::{Place, at, begin, key};

pub(crate) async fn keys_are_added_replaced_and_listed_by_time(place: &impl Place) {
    let store = place.open();
    let (backups, fence) = begin(&store, 1, "backups").await;
    let (agent, agent_fence) = begin(&store, 2, "agent").await;
    let add =
        |key: &Key| Change::KeyAdded(Box::new(key.clone()), Secret::new(format!("canary-{}", key.label)));
    let text = Secret::new("canary-text");
    let (third, first, second) = (key(30, &backups, &text), key(10, &backups, &text), key(20, &agent, &text));
    store.commit(&fence, vec![add(&third), add(&first)], Vec::new()).await.unwrap();
    store.commit(&agent_fence, vec![add(&second)], Vec::new()).await.unwrap();
    assert_eq!(store.keys(None).await.unwrap(), [first.clone(), second.clone(), third.clone()]);
    assert_eq!(store.keys(Some(&backups.integration)).await.unwrap(), [first.clone(), third.clone()]);
    assert_eq!(store.keys(Some(&"other".parse().unwrap())).await.unwrap(), []);

    let error = store.commit(&fence, vec![add(&first)], Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    let changed = Key { state: KeyState::Active, last_used_at: Some(at(9)), ..third };
    store.commit(&fence, vec![Change::Key(Box::new(changed.clone()))], Vec::new()).await.unwrap();
    assert_eq!(store.key(changed.id).await.unwrap(), Some(changed.clone()));
    let kept = store.key_secret(changed.id).await.unwrap();
    assert_eq!(kept, Some(Secret::new(format!("canary-{}", changed.label))), "its text stays");

    let retired = Key { state: KeyState::Retired, retired_at: Some(at(9)), ..first.clone() };
    assert_eq!(store.living_keys().await.unwrap(), [first, second.clone(), changed.clone()]);
    store.commit(&fence, vec![Change::Key(Box::new(retired))], Vec::new()).await.unwrap();
    assert_eq!(store.living_keys().await.unwrap(), [second, changed]);
}

pub(crate) async fn a_keys_text_is_erased_and_its_record_stays(place: &impl Place) {
    let store = place.open();
    let (backups, fence) = begin(&store, 1, "backups").await;
    let secret = Secret::new("canary-of-a-key");
    let key = key(5, &backups, &secret);
    assert_eq!(store.key(key.id).await.unwrap(), None);
    assert_eq!(store.key_secret(key.id).await.unwrap(), None);
    let add = Change::KeyAdded(Box::new(key.clone()), secret.clone());
    store.commit(&fence, vec![add], Vec::new()).await.unwrap();
    assert_eq!(store.key_secret(key.id).await.unwrap(), Some(secret));
    for _ in 0..2 {
        store.commit(&fence, vec![Change::SecretErased(key.id)], Vec::new()).await.unwrap();
        assert_eq!(store.key_secret(key.id).await.unwrap(), None);
        assert_eq!(store.key(key.id).await.unwrap(), Some(key.clone()));
    }
}

pub(crate) async fn a_key_is_found_by_its_fingerprint(place: &impl Place) {
    let store = place.open();
    let (backups, fence) = begin(&store, 1, "backups").await;
    let secret = Secret::new("canary-of-a-key");
    let key = key(5, &backups, &secret);
    assert_eq!(store.key_with_fingerprint(&key.fingerprint).await.unwrap(), None);
    let changes = vec![Change::KeyAdded(Box::new(key.clone()), secret), Change::SecretErased(key.id)];
    store.commit(&fence, changes, Vec::new()).await.unwrap();
    assert_eq!(store.key_with_fingerprint(&key.fingerprint).await.unwrap(), Some(key), "erased, but known");
    let other = Fingerprint::of(&Secret::new("canary-other"));
    assert_eq!(store.key_with_fingerprint(&other).await.unwrap(), None);
}
