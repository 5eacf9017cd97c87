//! A store that moves: from a file into a database, and back.

use model::{Change, Instance, Integration, Key, Rotation, Secret, StoreErrorKind};
use serde_json::{Value, json};
use store::log::{LogConfig, Reader, verify};
use store::{MasterKey, OpenStore, StorePlace, create, migrate, open};

use crate::fixture::{LEASE, at, event, holder, instance, integration, key, new, rotation};
use crate::postgres_place::Database;

/// A store that moves, and where to.
pub(crate) struct Move {
    pub(crate) folder: tempfile::TempDir,
    database: Database,
    pub(crate) key: MasterKey,
    pub(crate) log: LogConfig,
}

impl Move {
    pub(crate) fn fresh() -> Option<Self> {
        let (folder, database) = (tempfile::tempdir().unwrap(), Database::fresh()?);
        let log = LogConfig::new(folder.path().join("log"));
        Some(Self { folder, database, key: MasterKey::generate().unwrap(), log })
    }

    pub(crate) fn file(&self, name: &str) -> StorePlace {
        StorePlace::Sqlite(self.folder.path().join("state").join(name))
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    fn base(&self) -> StorePlace {
        StorePlace::Postgres { url: self.database.url(), password: None }
    }

    async fn opened(&self, place: &StorePlace) -> std::sync::Arc<dyn OpenStore> {
        open(place, &self.key, &self.log).await.unwrap()
    }
}

/// Something of everything. The rotation's lease is over long since.
pub(crate) async fn fill(store: &dyn OpenStore) {
    let secret = Secret::new("canary-of-a-key");
    store.put_instance(&instance("prod"), Vec::new(), vec![event(1)]).await.unwrap();
    store.put_integrations(vec![integration("backups"), integration("agent")], Vec::new()).await.unwrap();
    let mut begins = new(1, "backups");
    let past = model::Timestamp::from_second(1_000_000_000).unwrap();
    begins.rotation.started_at = past;
    store.start_rotation(begins, vec![event(2)]).await.unwrap();
    let begun = rotation(1, "backups");
    let fence = model::Fence { rotation: begun.id, number: 1 };
    let changes = vec![
        Change::KeyAdded(Box::new(key(5, &begun, &secret)), secret.clone()),
        Change::KeyAdded(Box::new(key(6, &begun, &secret)), secret.clone()),
        Change::SecretErased(key(6, &begun, &secret).id),
        Change::Previous { step: 3, value: Some(secret.clone()) },
    ];
    store.commit(&fence, changes, vec![event(3)]).await.unwrap();
    store.put_sealed("instance/prod/session", Some(&secret), Vec::new()).await.unwrap();
    store.put_memo("survey/prod", Some(&json!({"at": 1, "é": [null]})), vec![event(4)]).await.unwrap();
}

pub(crate) type All =
    (Vec<Instance>, Vec<Integration>, Vec<Rotation>, Vec<Key>, Vec<Option<Secret>>, Vec<(String, Value)>);

/// All that can be seen through the port.
pub(crate) async fn all(store: &dyn OpenStore) -> All {
    let rotations = store.rotations_of(&"backups".parse().unwrap(), 10).await.unwrap();
    let mut secrets = vec![store.sealed("instance/prod/session").await.unwrap()];
    for key in store.keys(None).await.unwrap() {
        secrets.push(store.key_secret(key.id).await.unwrap());
    }
    for rotation in &rotations {
        secrets.push(store.previous(rotation.id, 3).await.unwrap());
    }
    (
        store.instances().await.unwrap(),
        store.integrations().await.unwrap(),
        rotations,
        store.keys(None).await.unwrap(),
        secrets,
        store.memos("").await.unwrap(),
    )
}

async fn check_log(one: &Move, store: &dyn OpenStore, events: u64) {
    store.flush_log().await.unwrap();
    let head = store.log_head().await.unwrap();
    verify(store.log_folder(), &store.log_public_key(), head.as_ref()).unwrap();
    let logged: Vec<_> = Reader::open(&one.log.folder).unwrap().map(|one| one.unwrap().event).collect();
    assert_eq!(logged, (1..=events).map(event).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_store_moves_into_a_database_and_back() {
    let Some(one) = Move::fresh() else { return };
    let (file, base, again) = (one.file("one.db"), one.base(), one.file("again.db"));
    let store = create(&file, &one.key, &one.log).await.unwrap();
    fill(store.as_ref()).await;
    let before = all(store.as_ref()).await;
    assert_eq!(before.4.iter().flatten().count(), 3, "sealed values to look at");
    let public = store.log_public_key();
    drop(store);

    let mut events = 4;
    for (from, to) in [(&file, &base), (&base, &again)] {
        let report = migrate(from, to, &one.key, &one.log).await.unwrap();
        assert_eq!(report.sealed, 3);
        assert!(report.rows.contains(&("key", 2)) && report.rows.contains(&("rotation", 1)), "{report:?}");
        let error = open(from, &one.key, &one.log).await.err().unwrap();
        assert!(error.to_string().contains("this store was moved") && error.to_string().contains(&report.to));
        let store = one.opened(to).await;
        assert_eq!(all(store.as_ref()).await, before);
        assert_eq!(store.log_public_key(), public);
        events += 1;
        store.record(vec![event(events)]).await.unwrap();
        check_log(&one, store.as_ref(), events).await;
        let fence = store.take_lease(rotation(1, "x").id, &holder(2), at(1), LEASE, None).await.unwrap();
        assert!(fence.number > 1);
        store.release_lease(&fence).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_move_that_fails_leaves_all_as_it_was() {
    let Some(one) = Move::fresh() else { return };
    let (file, base) = (one.file("one.db"), one.base());
    let store = create(&file, &one.key, &one.log).await.unwrap();
    fill(store.as_ref()).await;
    let before = all(store.as_ref()).await;
    let again = async || migrate(&file, &base, &one.key, &one.log).await;

    let leads = store.lead("scheduler", &holder(1)).await.unwrap();
    assert!(again().await.unwrap_err().to_string().contains("somebody leads"));
    drop(leads);
    let now = model::Timestamp::from_second(4_000_000_000).unwrap();
    let fence = store.take_lease(rotation(1, "x").id, &holder(2), now, LEASE, None).await.unwrap();
    assert!(again().await.unwrap_err().to_string().contains("being driven"));
    store.release_lease(&fence).await.unwrap();

    let StorePlace::Sqlite(path) = &file else { panic!() };
    let raw = rusqlite::Connection::open(path).unwrap();
    raw.execute("INSERT INTO sealed VALUES ('zz', x'0011')", []).unwrap();
    assert_eq!(again().await.unwrap_err().kind, StoreErrorKind::Unsealable);
    raw.execute("DELETE FROM sealed WHERE name = 'zz'", []).unwrap();
    drop(raw);
    let wrong = MasterKey::generate().unwrap();
    let error = migrate(&file, &base, &wrong, &one.log).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unsealable);

    let error = open(&base, &one.key, &one.log).await.err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "nothing is there: {error}");
    assert_eq!(all(store.as_ref()).await, before);
    store.record(vec![event(5)]).await.unwrap();

    again().await.unwrap();
    // Who still has the old place open writes nothing there.
    let error = store.record(vec![event(6)]).await.unwrap_err();
    assert!(error.to_string().contains("this store was moved"), "{error}");
    let elsewhere = one.file("other.db");
    let other = LogConfig::new(one.folder.path().join("other"));
    drop(create(&elsewhere, &one.key, &other).await.unwrap());
    let error = migrate(&elsewhere, &base, &one.key, &other).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    assert_eq!(all(one.opened(&base).await.as_ref()).await, before);
}
