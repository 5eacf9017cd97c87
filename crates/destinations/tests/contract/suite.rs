//! The contract, case by case.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use model::{Confirmation, DestinationErrorKind as Kind, Fingerprint, Held};

use crate::{
    child::{KEYS, Task, User, kind_of, outcome, start},
    place::{Place, key, open},
};

const KILLS: usize = 50;

pub(crate) async fn put_and_put_again<P: Place>() {
    let place = P::new();
    let destination = open(&place.address());
    assert_eq!(destination.address(), &place.address());
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.check().await.unwrap();
    for name in ["one", "two", "two", "one"] {
        destination.deliver(&key(name)).await.unwrap();
        assert_eq!(destination.read().await.unwrap(), Held::Value(key(name)));
        assert!(place.look().unwrap().contains(key(name).expose()));
    }
    // With things around it, they stay.
    place.put_by_hand("old");
    assert_eq!(place.look().unwrap(), P::whole("old"));
    for name in ["one", "two", "two"] {
        destination.deliver(&key(name)).await.unwrap();
        assert_eq!(place.look().unwrap(), P::whole(key(name).expose()));
    }
}

pub(crate) async fn confirms_only_the_wanted_key<P: Place>() {
    let place = P::new();
    let destination = open(&place.address());
    let (one, two) = (Fingerprint::of(&key("one")), Fingerprint::of(&key("two")));
    assert_eq!(destination.confirm(&one).await.unwrap_err().kind, Kind::NotConfirmed);
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(destination.confirm(&one).await, Ok(Confirmation::ReadBack));
    assert_eq!(destination.confirm(&two).await.unwrap_err().kind, Kind::NotConfirmed);
    place.put_by_hand(key("two").expose());
    assert_eq!(destination.confirm(&one).await.unwrap_err().kind, Kind::NotConfirmed);
    assert_eq!(destination.confirm(&two).await, Ok(Confirmation::ReadBack));
}

pub(crate) async fn restores_what_was_held<P: Place>() {
    let place = P::new();
    let destination = open(&place.address());
    place.put_by_hand("the-old.key");
    let Held::Value(previous) = destination.read().await.unwrap() else { panic!("nothing held") };
    assert_eq!(previous.expose(), "the-old.key");
    destination.deliver(&key("one")).await.unwrap();
    for _ in 0..2 {
        destination.restore(Some(&previous)).await.unwrap();
        assert_eq!(place.look().unwrap(), P::whole("the-old.key"));
    }
}

pub(crate) async fn restores_nothing<P: Place>() {
    let place = P::new();
    let destination = open(&place.address());
    destination.restore(None).await.unwrap();
    assert_eq!(place.look(), None);
    destination.deliver(&key("one")).await.unwrap();
    for _ in 0..2 {
        destination.restore(None).await.unwrap();
        assert_eq!(place.look(), P::emptied());
        assert_eq!(destination.read().await.unwrap(), Held::Absent);
    }
}

pub(crate) async fn check_changes_nothing<P: Place>() {
    let place = P::new();
    let destination = open(&place.address());
    destination.check().await.unwrap();
    assert_eq!(place.look(), None);
    place.put_by_hand("old");
    destination.check().await.unwrap();
    assert_eq!(place.look().unwrap(), P::whole("old"));
}

pub(crate) async fn a_missing_place_is_not_found<P: Place>() {
    let place = P::new();
    let destination = open(&place.address());
    place.take_away();
    assert_eq!(destination.check().await.unwrap_err().kind, Kind::NotFound);
    let error = destination.deliver(&key("one")).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert!(!error.report.mend.is_empty());
}

pub(crate) async fn a_missing_permission_is_named<P: Place>() {
    let place = P::new();
    place.forbid();
    let child = start(Task::CheckAndDeliver, &place.address(), User::Nobody);
    let said = outcome(&child.wait_with_output().unwrap());
    assert_eq!(said.len(), 2, "{said:?}");
    for (line, what) in said.iter().zip(["check", "deliver"]) {
        let (kind, line) = kind_of(line, what).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(kind, Kind::Denied, "{line}");
        assert!(line.contains("permission on `/"), "{line}");
    }
    assert_eq!(place.look(), None);
}

pub(crate) async fn concurrent_writers_leave_one_whole_key<P: Place>() {
    let place = P::new();
    place.put_by_hand("old");
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let destination = open(&place.address());
        tasks.spawn(async move { destination.deliver(&key(&number.to_string())).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let keys: BTreeSet<_> = (0..50).map(|number| P::whole(key(&number.to_string()).expose())).collect();
    assert!(keys.contains(&place.look().unwrap()));
}

/// Someone who knows nothing of our lock writes all the time: each of our deliveries is done or refused as
/// [`Kind::Changed`], and what they wrote last is there beside what we delivered last.
pub(crate) async fn a_foreign_change_is_refused_or_kept<P: Place>() {
    let place = Arc::new(P::new());
    let destination = open(&place.address());
    place.put_by_hand("old");
    let stop = Arc::new(AtomicBool::new(false));
    let (theirs, theirs_stop) = (Arc::clone(&place), Arc::clone(&stop));
    let writer = std::thread::spawn(move || {
        let mut numbers = 1..;
        loop {
            // The last change is one that began after our last delivery.
            let last = theirs_stop.load(Ordering::Relaxed);
            let wanted = theirs.change_by_hand(numbers.next().unwrap());
            if last {
                return wanted;
            }
        }
    });
    for number in 0..50 {
        match destination.deliver(&key(&number.to_string())).await {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind, Kind::Changed, "{error}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    let wanted = tokio::task::spawn_blocking(move || writer.join().unwrap()).await.unwrap();
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(destination.confirm(&Fingerprint::of(&key("one"))).await, Ok(Confirmation::ReadBack));
    let text = place.look().unwrap();
    assert!(text.contains(&wanted), "{wanted} in {text}");
}

pub(crate) async fn a_kill_in_the_middle_tears_nothing<P: Place>() {
    let place = P::new();
    place.put_by_hand("old");
    let [one, two] = KEYS.map(key);
    let whole = ["old", one.expose(), two.expose()].map(P::whole);
    let mut deliveries = 0;
    for round in 0..KILLS {
        let mut child = start(Task::DeliverForEver, &place.address(), User::Same);
        let mut last = place.look().unwrap();
        // From the first changes on, at another moment in each round.
        let (mut changes, mut looks_after) = (0, 0);
        while changes < 2 || looks_after < round * 7 {
            let now = place.look().unwrap();
            assert!(whole.contains(&now), "torn: {} bytes", now.len());
            changes += usize::from(now != last);
            looks_after += usize::from(changes >= 2);
            last = now;
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now = place.look().unwrap();
        assert!(whole.contains(&now), "torn by the kill: {} bytes", now.len());
        deliveries += changes;
    }
    assert!(deliveries >= 100);
    let destination = open(&place.address());
    // A program outlives the process of ours that started it, and may write once more: one per kill.
    let mut confirmed = None;
    for _ in 0..=KILLS {
        destination.deliver(&key("three")).await.unwrap();
        confirmed = destination.confirm(&Fingerprint::of(&key("three"))).await.ok();
        if confirmed.is_some() {
            break;
        }
    }
    assert_eq!(confirmed, Some(Confirmation::ReadBack));
    assert_eq!(place.left_over(), [""; 0], "the next run sweeps");
}

pub(crate) async fn no_secret_is_in_an_error<P: Place>() {
    let place = P::new();
    let destination = open(&place.address());
    place.put_by_hand(key("held").expose());
    let mut errors = vec![destination.confirm(&Fingerprint::of(&key("one"))).await.unwrap_err()];
    place.take_away();
    errors.push(destination.deliver(&key("one")).await.unwrap_err());
    errors.push(destination.restore(Some(&key("one"))).await.unwrap_err());
    for error in errors {
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}
