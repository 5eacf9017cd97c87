//! What is `PostgreSQL`'s alone: lost connections, several hosts, refusals.

use std::time::{Duration, Instant};

use model::{Secret, Store as _, StoreErrorKind};
use serde_json::json;
use store::log::{LogConfig, Reader, verify};
use store::{MasterKey, PostgresStore};

use crate::fixture::{Place as _, begin, event, holder, instance};
use crate::postgres_place::{Database, PostgresPlace, wait};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn real_lost_connections_are_made_anew_and_nothing_is_doubled() {
    let Some(place) = PostgresPlace::fresh() else { return };
    let store = place.open();
    let (_, fence) = begin(&store, 1, "backups").await;
    let mut told = 0;
    let mut logged = Vec::new();
    for round in 0..40_u64 {
        if round % 4 == 3 {
            place.database().cut();
        }
        // What was told to be written is there once; what was not may be there, or not.
        if store.commit(&fence, Vec::new(), vec![event(10 + round)]).await.is_ok() {
            told += 1;
            logged.push(event(10 + round));
        }
        assert_eq!(store.instances().await.unwrap(), [instance("prod")], "reading is tried again");
    }
    assert!(told >= 20, "{told}");
    tokio::time::timeout(SOON, store.flush_log()).await.unwrap().unwrap();
    let found = place.logged();
    assert!(logged.iter().all(|event| found.iter().filter(|one| *one == event).count() == 1));
    assert!(found.len() <= 40);
    let head = store.log_head().await.unwrap();
    verify(&place.log.folder, &store.log_public_key(), head.as_ref()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_leader_whose_session_died_is_told_and_followed() {
    let Some(place) = PostgresPlace::fresh() else { return };
    let (one, other) = (place.open(), place.open());
    let mut leads = one.lead("scheduler", &holder(1)).await.unwrap();
    let began = Instant::now();
    place.database().cut();
    tokio::time::timeout(SOON, leads.lost()).await.unwrap();
    let _follows = tokio::time::timeout(SOON, other.lead("scheduler", &holder(2))).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn real_changes_are_told_after_a_lost_connection_too() {
    let Some(place) = PostgresPlace::fresh() else { return };
    let (one, other) = (place.open(), place.open());
    let mut changes = one.changes().await.unwrap();
    place.database().cut();
    // The listener is back, and says that something may have been missed.
    tokio::time::timeout(SOON, changes.next()).await.unwrap().unwrap();
    // Connections that were cut are replaced.
    let mut written = other.put_memo("told", Some(&json!(1)), Vec::new()).await;
    for _try in 0..5 {
        if written.is_ok() {
            break;
        }
        written = other.put_memo("told", Some(&json!(1)), Vec::new()).await;
    }
    written.unwrap();
    tokio::time::timeout(SOON, changes.next()).await.unwrap().unwrap();
}

/// Each log folder has a chain of its own, and only the events that were written with it.
#[tokio::test(flavor = "multi_thread")]
async fn real_hosts_have_logs_of_their_own() {
    let Some(place) = PostgresPlace::fresh() else { return };
    let far = LogConfig::new(place.folder.path().join("elsewhere/log"));
    let here = place.open();
    let there = PostgresStore::open(&place.url, None, &place.key, &far).await.unwrap();
    assert_ne!(here.log_node(), there.log_node());
    for n in 0..30 {
        here.record(vec![event(1_000 + n)]).await.unwrap();
        there.record(vec![event(2_000 + n)]).await.unwrap();
    }
    here.flush_log().await.unwrap();
    there.flush_log().await.unwrap();
    let events = |from: u64| (0..30).map(|n| event(from + n)).collect::<Vec<_>>();
    assert_eq!(place.logged(), events(1_000));
    let logged: Vec<_> = Reader::open(&far.folder).unwrap().map(|one| one.unwrap().event).collect();
    assert_eq!(logged, events(2_000));
    for (store, log) in [(&here, &place.log), (&there, &far)] {
        let head = store.log_head().await.unwrap();
        verify(&log.folder, &store.log_public_key(), head.as_ref()).unwrap();
    }
    let node = there.log_node().to_owned();
    drop(there);
    let again = PostgresStore::open(&place.url, None, &place.key, &far).await.unwrap();
    assert_eq!(again.log_node(), node, "its name stays");
}

#[track_caller]
fn check_refused(url: &str, password: Option<&str>, kind: &StoreErrorKind, why: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (key, log) = (MasterKey::generate().unwrap(), LogConfig::new(folder.path().join("log")));
    let password = password.map(Secret::new);
    let error = wait(PostgresStore::open(url, password.as_ref(), &key, &log)).err().unwrap();
    assert_eq!(&error.kind, kind, "{error}");
    assert!(error.to_string().contains(why), "{error}");
    assert!(!error.report.mend.is_empty(), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_refusals_say_how_to_mend_them() {
    let Some(database) = Database::fresh() else { return };
    let url = database.url();
    check_refused(&url, None, &StoreErrorKind::NotFound, "there is no store at");
    let gone = url.replace(&database.name, "kw_not_there");
    check_refused(&gone, None, &StoreErrorKind::Unavailable, "there is no such database");
    let nobody = "postgresql://postgres@127.0.0.1:1/x";
    check_refused(nobody, None, &StoreErrorKind::Unavailable, "it cannot be reached");
    let tls = format!("{url}?sslmode=require");
    check_refused(&tls, None, &StoreErrorKind::Unavailable, "it has no TLS");
    database.run(
        "CREATE SCHEMA keywright; CREATE TABLE keywright.schema_version (version BIGINT);
        INSERT INTO keywright.schema_version VALUES (7)",
    );
    check_refused(&url, None, &StoreErrorKind::Schema, "its schema has version 7");
    database.run(&format!(
        "DROP SCHEMA keywright CASCADE; ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name
    ));
    let folder = tempfile::tempdir().unwrap();
    let (key, log) = (MasterKey::generate().unwrap(), LogConfig::new(folder.path().join("log")));
    // We ask for writing ourselves: a default that says otherwise is none of ours to heed.
    let store = PostgresStore::create(&url, None, &key, &log).await.unwrap();
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    let error = PostgresStore::create(&url, None, &key, &log).await.err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    let other = MasterKey::generate().unwrap();
    let error = PostgresStore::open(&url, None, &other, &log).await.err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Unsealable, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_no_secret_is_in_the_clear_in_the_database() {
    let Some(place) = PostgresPlace::fresh() else { return };
    let store = place.open();
    let secret = Secret::new("canary-8f1c2a-of-a-key");
    let (begun, fence) = begin(&store, 1, "backups").await;
    let added = crate::fixture::key(5, &begun, &secret);
    let changes = vec![
        model::Change::KeyAdded(Box::new(added.clone()), secret.clone()),
        model::Change::Previous { step: 3, value: Some(secret.clone()) },
    ];
    store.commit(&fence, changes, vec![event(1)]).await.unwrap();
    store.put_sealed("instance/prod/session", Some(&secret), Vec::new()).await.unwrap();
    let dump = "SELECT concat(
        (SELECT string_agg(key::text || encode(coalesce(secret, ''), 'escape'), '|') FROM keywright.key),
        (SELECT string_agg(encode(value, 'escape'), '|') FROM keywright.sealed),
        (SELECT string_agg(s::text || encode(coalesce(previous, ''), 'escape'), '|') FROM keywright.rotation_step s),
        (SELECT string_agg(encode(value, 'escape'), '|') FROM keywright.meta))";
    let all = place.database().text(dump);
    assert!(all.contains(&added.native_id), "the search finds what is there");
    assert!(!all.contains("canary-8f1c2a"));
}
