//! Sealed values: bound to their rows and to the master key, and nowhere in the clear.

use std::path::Path;

use model::{Change, RotationStatus, Secret, Store as _, StoreErrorKind};
use store::{MasterKey, SqliteStore};

use crate::fixture::{Place as _, begin, event, key, put_status};
use crate::sqlite_place::SqlitePlace;

#[tokio::test]
async fn a_value_moved_to_another_row_does_not_open() {
    let place = SqlitePlace::fresh();
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let secret = Secret::new("canary-of-a-key");
    let (one, other) = (key(5, &begun, &secret), key(6, &begun, &secret));
    let changes = vec![
        Change::KeyAdded(Box::new(one.clone()), secret.clone()),
        Change::KeyAdded(Box::new(other.clone()), Secret::new("canary-of-another")),
        Change::Previous { step: 3, value: Some(secret.clone()) },
        Change::Previous { step: 4, value: Some(secret.clone()) },
    ];
    store.commit(&fence, changes, Vec::new()).await.unwrap();
    store.put_sealed("a", Some(&secret), Vec::new()).await.unwrap();
    store.put_sealed("b", Some(&secret), Vec::new()).await.unwrap();

    let (one_id, other_id) = (one.id.to_string(), other.id.to_string());
    let moves = [
        format!(
            "UPDATE key SET secret = (SELECT secret FROM key WHERE id = '{one_id}') WHERE id = '{other_id}'"
        ),
        "UPDATE rotation_step SET previous =
            (SELECT previous FROM rotation_step WHERE number = 3) WHERE number = 4"
            .to_owned(),
        "UPDATE sealed SET value = (SELECT value FROM sealed WHERE name = 'a') WHERE name = 'b'".to_owned(),
    ];
    for sql in moves {
        assert_eq!(place.raw().execute(&sql, []).unwrap(), 1);
    }
    let errors = [
        store.key_secret(other.id).await.unwrap_err(),
        store.previous(begun.id, 4).await.unwrap_err(),
        store.sealed("b").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, StoreErrorKind::Unsealable, "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert_eq!(store.key_secret(one.id).await.unwrap(), Some(secret.clone()));
    // From another table, and cut short.
    let sql =
        format!("UPDATE sealed SET value = (SELECT secret FROM key WHERE id = '{one_id}') WHERE name = 'a'");
    place.raw().execute(&sql, []).unwrap();
    assert_eq!(store.sealed("a").await.unwrap_err().kind, StoreErrorKind::Unsealable);
    place.raw().execute("UPDATE sealed SET value = x'0011'", []).unwrap();
    assert_eq!(store.sealed("a").await.unwrap_err().kind, StoreErrorKind::Unsealable);
}

#[tokio::test]
async fn another_master_key_is_refused_at_once() {
    let place = SqlitePlace::fresh();
    let other = MasterKey::generate().unwrap();
    let error = SqliteStore::open(&place.path(), &other, &place.log).err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Unsealable);
    let told = error.to_string();
    assert!(told.contains(&place.key.id().to_string()) && told.contains(&other.id().to_string()), "{told}");
    assert!(!told.contains(other.to_text().expose()));
    let again = MasterKey::from_text(&place.key.to_text()).unwrap();
    drop(SqliteStore::open(&place.path(), &again, &place.log).unwrap());
}

/// Whether a file below `folder` has these bytes.
fn found(folder: &Path, bytes: &[u8]) -> Option<String> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if let Some(file) = found(&path, bytes) {
                return Some(file);
            }
        } else if std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes) {
            return Some(path.display().to_string());
        }
    }
    None
}

#[tokio::test]
async fn no_secret_is_in_the_clear_in_any_file() {
    let place = SqlitePlace::fresh();
    let folder = place.folder.path().join("state");
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let secret = Secret::new("canary-8f1c2a-of-a-key");
    let added = key(5, &begun, &secret);
    let changes = vec![
        Change::KeyAdded(Box::new(added.clone()), secret.clone()),
        Change::Previous { step: 3, value: Some(secret.clone()) },
    ];
    store.commit(&fence, changes, vec![event(1)]).await.unwrap();
    store.put_sealed("instance/prod/session", Some(&secret), vec![event(2)]).await.unwrap();
    store.flush_log().await.unwrap();
    let needles = [b"canary-8f1c2a".as_slice(), place.key.to_text().expose().as_bytes(), b"kwmaster1_"]
        .map(<[u8]>::to_vec);
    let nowhere = |when: &str| {
        for needle in &needles {
            assert_eq!(found(&folder, needle), None, "{when}");
        }
    };
    assert!(found(&folder, added.native_id.as_bytes()).is_some(), "the search finds what is there");
    nowhere("written");
    let sealed: Vec<u8> = place.raw().query_row("SELECT secret FROM key", [], |row| row.get(0)).unwrap();
    let held: Vec<u8> = place
        .raw()
        .query_row("SELECT previous FROM rotation_step WHERE previous IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert!(found(&folder, &sealed).is_some());

    let erase = vec![Change::SecretErased(added.id), put_status(&begun, RotationStatus::Done)];
    store.commit(&fence, erase, vec![event(3)]).await.unwrap();
    nowhere("erased");
    drop(store);
    nowhere("closed");
    for sealed in [sealed, held] {
        assert_eq!(found(&folder, &sealed), None, "not even sealed, once it is closed");
    }
}
