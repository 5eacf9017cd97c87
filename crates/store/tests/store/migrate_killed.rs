//! A move that is killed: at no moment are there two stores that work, and the next move finishes it.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use model::Secret;
use store::log::LogConfig;
use store::{MasterKey, OpenStore, StorePlace, migrate, open};

use crate::fixture::{event, instance};
use crate::migrate::{Move, all, fill};
use crate::postgres_cut::{Cut, Way};

const ROLE: &str = "KEYWRIGHT_TEST_MOVES";

/// Where from and where to, if this process is the one that moves.
#[expect(clippy::disallowed_methods, reason = "the parent test tells its child so")]
fn role() -> Option<(StorePlace, StorePlace)> {
    let role = std::env::var(ROLE).ok()?;
    let (from, to) = role.split_once(' ').unwrap();
    Some((place(from), place(to)))
}

fn place(shown: &str) -> StorePlace {
    match shown.strip_prefix("postgresql:") {
        Some(_) => StorePlace::Postgres { url: shown.to_owned(), password: None },
        None => StorePlace::Sqlite(shown.into()),
    }
}

/// Moves in a process of its own.
fn child(test: &str, from: &str, to: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("migrate_killed::{test}"), "--nocapture"])
        .env(ROLE, format!("{from} {to}"))
        .current_dir(folder)
        .spawn()
        .unwrap()
}

/// What the child does; the master key lies in its folder.
async fn move_in(from: &StorePlace, to: &StorePlace) {
    let key = Secret::new(std::fs::read_to_string("master").unwrap());
    let key = MasterKey::from_text(&key).unwrap();
    migrate(from, to, &key, &LogConfig::new("log")).await.unwrap();
}

fn tell(one: &Move) {
    std::fs::write(one.folder.path().join("master"), one.key.to_text().expose()).unwrap();
}

/// Opens it, or says why not.
async fn opened(one: &Move, at: &str) -> Result<std::sync::Arc<dyn OpenStore>, String> {
    open(&place(at), &one.key, &one.log).await.map_err(|error| {
        assert!(!error.report.mend.is_empty(), "{error}");
        error.report.line()
    })
}

/// Kills a move there, and looks at both ends; then it is moved again.
async fn check(test: &str, one: &Move, way: &Way, (from, to): (&str, &str), cuts: &[Cut], arrived: bool) {
    let before = all(opened(one, from).await.unwrap().as_ref()).await;
    way.next(cuts);
    let mut child = child(test, from, to, one.folder.path());
    way.held().await;
    child.kill().unwrap();
    child.wait().unwrap();

    let why = opened(one, from).await.err().unwrap();
    assert!(why.contains("this store is being moved") && why.contains(to), "{why}");
    let at_new = opened(one, to).await;
    assert_eq!(at_new.is_ok(), arrived, "{cuts:?}");
    if let Ok(store) = at_new {
        assert_eq!(all(store.as_ref()).await, before);
        store.record(vec![event(90)]).await.unwrap();
        store.flush_log().await.unwrap();
    }
    // Nowhere else, as it may be there already.
    let elsewhere = place(&one.folder.path().join("state/elsewhere.db").display().to_string());
    let error = migrate(&place(from), &elsewhere, &one.key, &one.log).await.unwrap_err();
    assert!(error.report.mend.iter().any(|mend| mend.contains(to)), "{error:?}");

    // The database may still be ending the session of who died.
    let mut moved = migrate(&place(from), &place(to), &one.key, &one.log).await;
    for _try in 0..100 {
        if moved.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        moved = migrate(&place(from), &place(to), &one.key, &one.log).await;
    }
    moved.unwrap();
    let why = opened(one, from).await.err().unwrap();
    assert!(why.contains("this store was moved"), "{why}");
    let store = opened(one, to).await.unwrap();
    assert_eq!(all(store.as_ref()).await, before);
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_a_move_into_a_database_is_finished_after_a_kill() {
    if let Some((from, to)) = role() {
        return move_in(&from, &to).await;
    }
    for (cuts, arrived) in [([Cut::HoldBefore], false), ([Cut::HoldAfter], true)] {
        let Some(one) = Move::fresh() else { return };
        tell(&one);
        let StorePlace::Sqlite(path) = one.file("one.db") else { panic!() };
        let from = path.display().to_string();
        let store = store::create(&place(&from), &one.key, &one.log).await.unwrap();
        fill(store.as_ref()).await;
        drop(store);
        let way = Way::to(&one.database().url()).await;
        let to = way.url(&one.database().url()).replace("?sslmode=disable", "");
        let test = "real_postgres_a_move_into_a_database_is_finished_after_a_kill";
        check(test, &one, &way, (&from, &to), &cuts, arrived).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_a_move_out_of_a_database_is_finished_after_a_kill() {
    if let Some((from, to)) = role() {
        return move_in(&from, &to).await;
    }
    // Looked at, marked, left.
    let ends = [(vec![Cut::Not, Cut::HoldAfter], false), (vec![Cut::Not, Cut::Not, Cut::HoldBefore], true)];
    for (cuts, arrived) in ends {
        let Some(one) = Move::fresh() else { return };
        tell(&one);
        let way = Way::to(&one.database().url()).await;
        let from = way.url(&one.database().url()).replace("?sslmode=disable", "");
        let store = store::create(&place(&from), &one.key, &one.log).await.unwrap();
        fill(store.as_ref()).await;
        drop(store);
        let to = one.folder.path().join("new.db").display().to_string();
        let test = "real_postgres_a_move_out_of_a_database_is_finished_after_a_kill";
        check(test, &one, &way, (&from, &to), &cuts, arrived).await;
    }
}
