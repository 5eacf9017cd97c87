//! Ends of transactions whose answer is lost: what was written is told, and nothing is written twice.

use model::{Change, NewRotation, Secret, StartOutcome, StepState, Store as _, StoreError, StoreErrorKind};
use store::PostgresStore;
use store::log::verify;

use crate::fixture::{Place as _, event, instance, key, new, put_step, rotation, step};
use crate::postgres_cut::{Cut, Way};
use crate::postgres_place::{PostgresPlace, wait};

/// A store by a way that can be cut, with an instance in it.
async fn cut_off(place: &PostgresPlace) -> (Way, PostgresStore) {
    let way = Way::to(&place.url).await;
    let store = PostgresStore::open(&way.url(&place.url), None, &place.key, &place.log).await.unwrap();
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    store.flush_log().await.unwrap();
    (way, store)
}

/// Tries until it is done; an answer says whether it was.
async fn until_done<T>(way: &Way, cut: Cut, attempt: impl AsyncFn() -> Result<T, StoreError>) -> T {
    way.next(&[cut]);
    let first = attempt().await;
    assert!(way.is_through(), "it was cut");
    match (cut, first) {
        (Cut::After, first) => first.unwrap(),
        (_, Ok(_)) => panic!("it did not reach the database"),
        (_, Err(error)) => {
            assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
            assert!(error.report.line().contains("nothing was written"), "{}", error.report.line());
            attempt().await.unwrap()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_commits_whose_answer_is_lost_are_told_and_done_once() {
    for cut in [Cut::Before, Cut::After] {
        let Some(place) = PostgresPlace::fresh() else { return };
        let (way, store) = cut_off(&place).await;
        let secret = Secret::new("canary-of-a-key");
        let begun = rotation(1, "backups");
        let outcome =
            until_done(&way, cut, async || store.start_rotation(new(1, "backups"), vec![event(1)]).await)
                .await;
        let StartOutcome::Started(fence) = outcome else { panic!("{outcome:?}") };
        store.flush_log().await.unwrap();

        let changes = vec![
            put_step(step(&begun, 0, StepState::Started)),
            Change::KeyAdded(Box::new(key(5, &begun, &secret)), secret.clone()),
        ];
        until_done(&way, cut, async || store.commit(&fence, changes.clone(), vec![event(2)]).await).await;
        store.flush_log().await.unwrap();
        until_done(&way, cut, async || store.record(vec![event(3)]).await).await;
        store.flush_log().await.unwrap();

        assert_eq!(place.logged(), [event(1), event(2), event(3)], "{cut:?}: each once");
        let open = store.open_rotations().await.unwrap();
        assert_eq!(
            open.iter().map(|one| (one.id, one.steps[0].state)).collect::<Vec<_>>(),
            [(begun.id, StepState::Started)]
        );
        assert_eq!(store.keys(None).await.unwrap(), [key(5, &begun, &secret)]);
        assert_eq!(store.key_secret(key(5, &begun, &secret).id).await.unwrap(), Some(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_brings_each_event_into_the_log_once_whichever_answer_is_lost() {
    let Some(place) = PostgresPlace::fresh() else { return };
    let (way, store) = cut_off(&place).await;
    let events: Vec<_> = (1..=24).map(event).collect();
    for (number, event) in events.iter().enumerate() {
        // The event's own commit, the one that takes it out of the outbox, or both.
        way.next(match number % 4 {
            0 => &[Cut::Not, Cut::Before],
            1 => &[Cut::Not, Cut::After],
            2 => &[Cut::After, Cut::After],
            _ => &[Cut::Before, Cut::After],
        });
        if store.record(vec![event.clone()]).await.is_err() {
            store.record(vec![event.clone()]).await.unwrap();
        }
        while store.flush_log().await.is_err() {}
    }
    assert_eq!(place.logged(), events);
    let head = store.log_head().await.unwrap();
    verify(&place.log.folder, &store.log_public_key(), head.as_ref()).unwrap();
    assert_eq!(store.log_waiting().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_postgres_that_cannot_be_asked_leaves_it_open_and_is_found_as_it_is() {
    let Some(place) = PostgresPlace::fresh() else { return };
    let (way, store) = cut_off(&place).await;
    way.next(&[Cut::AfterAndDown]);
    let begin = |new: NewRotation| store.start_rotation(new, vec![event(1)]);
    let error = begin(new(1, "backups")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert!(error.report.line().contains("it may be done or not"), "{}", error.report.line());
    way.repaired();
    // It was done, and is not begun again.
    assert_eq!(begin(new(1, "backups")).await.unwrap(), StartOutcome::AlreadyOpen(rotation(1, "x").id));
    drop(store);
    let store = wait(async { place.open() });
    store.flush_log().await.unwrap();
    assert_eq!(place.logged(), [event(1)]);
}
