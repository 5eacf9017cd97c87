//! The contract, case by case.

use std::{sync::Arc, time::Duration};

use destinations::{How, Search, Wanted};
use model::{
    Blame, Confirmation, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Retry, Secret,
};

use crate::{
    place::{RemotePlace, key, open, open_with, services},
    server::{Fault, Reply, Seen, Server, Shape, To},
};

const ONE_SECOND: &[(&str, &str)] = &[("timeout", "1s")];

/// What it holds, as far as that can be told through it.
#[track_caller]
fn assert_held<P: RemotePlace>(held: &Held, wanted: Option<&Secret>) {
    match (P::READABLE, wanted) {
        (true, Some(secret)) => assert_eq!(*held, Held::Value(secret.clone())),
        (false, Some(_)) => assert_eq!(*held, Held::Unreadable),
        (_, None) => assert_eq!(*held, Held::Absent),
    }
}

/// Whether a confirmation is the best that the service allows.
#[track_caller]
fn assert_confirmed<P: RemotePlace>(confirmation: &Confirmation) {
    match confirmation {
        Confirmation::ReadBack => assert!(P::READABLE),
        Confirmation::Seen(what) => assert!(!P::READABLE && !what.is_empty() && !what.contains("canary")),
    }
}

pub(crate) async fn put_and_put_again<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    assert_eq!(destination.address().to_string(), place.address());
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.check().await.unwrap();
    for name in ["one", "two", "two", "one"] {
        destination.deliver(&key(name)).await.unwrap();
        assert_held::<P>(&destination.read().await.unwrap(), Some(&key(name)));
        assert_eq!(place.look().as_deref(), Some(key(name).expose()));
    }
    if P::READABLE {
        place.server().forget_seen();
        destination.deliver(&key("one")).await.unwrap();
        let writes = place.server().seen().iter().filter(|seen| seen.method == "PUT").count();
        assert_eq!(writes, 0, "what is right already is not written again");
    }
    place.server().assert_clean();
}

pub(crate) async fn confirms_only_the_wanted_key<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    let (one, two) = (Fingerprint::of(&key("one")), Fingerprint::of(&key("two")));
    assert_eq!(destination.confirm(&one).await.unwrap_err().kind, Kind::NotConfirmed);
    destination.deliver(&key("one")).await.unwrap();
    assert_confirmed::<P>(&destination.confirm(&one).await.unwrap());
    if P::READABLE {
        assert_eq!(destination.confirm(&two).await.unwrap_err().kind, Kind::NotConfirmed);
        place.put_by_hand(key("two").expose());
        assert_eq!(destination.confirm(&one).await.unwrap_err().kind, Kind::NotConfirmed);
        assert_confirmed::<P>(&destination.confirm(&two).await.unwrap());
    }
    place.server().assert_clean();
}

pub(crate) async fn restores_what_was_held<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.put_by_hand("the-old.key");
    let held = destination.read().await.unwrap();
    assert_held::<P>(&held, Some(&Secret::new("the-old.key")));
    destination.deliver(&key("one")).await.unwrap();
    for _ in 0..2 {
        destination.restore(Some(&Secret::new("the-old.key"))).await.unwrap();
        assert_eq!(place.look().as_deref(), Some("the-old.key"));
    }
    place.server().assert_clean();
}

pub(crate) async fn restores_nothing<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    destination.restore(None).await.unwrap();
    assert_eq!(place.look(), None);
    destination.deliver(&key("one")).await.unwrap();
    for _ in 0..2 {
        destination.restore(None).await.unwrap();
        assert_eq!(place.look(), None);
        assert_eq!(destination.read().await.unwrap(), Held::Absent);
    }
    place.server().assert_clean();
}

pub(crate) async fn check_changes_nothing<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    destination.check().await.unwrap();
    assert_eq!(place.look(), None);
    place.put_by_hand("old");
    let around = place.surroundings();
    destination.check().await.unwrap();
    assert_eq!((place.look().as_deref(), place.surroundings()), (Some("old"), around));
    place.server().assert_clean();
}

pub(crate) async fn what_is_around_is_left_alone<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.put_by_hand("old");
    let around = place.surroundings();
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.surroundings(), around);
    destination.restore(Some(&Secret::new("old"))).await.unwrap();
    assert_eq!(place.surroundings(), around);
    destination.restore(None).await.unwrap();
    assert_eq!(place.surroundings(), around);
    place.server().assert_clean();
}

pub(crate) async fn a_missing_place_is_not_found<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    if !place.take_away() {
        destination.deliver(&key("one")).await.unwrap();
        assert_eq!(place.look().as_deref(), Some(key("one").expose()), "a delivery makes what is missing");
        return;
    }
    assert_eq!(destination.check().await.unwrap_err().kind, Kind::NotFound);
    let failure = destination.deliver(&key("one")).await.unwrap_err();
    assert_eq!(failure.kind, Kind::NotFound, "{failure}");
    assert!(!failure.report.mend.is_empty());
}

pub(crate) async fn a_missing_permission_is_named<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.put_by_hand("old");
    place.forbid();
    let mut failures = vec![destination.deliver(&key("one")).await.unwrap_err()];
    let checked = destination.check().await;
    assert!(checked.is_err() || !P::TELLS_PERMISSION, "it can be asked");
    failures.extend(checked.err());
    for failure in failures {
        assert_eq!((failure.kind, failure.report.blame), (Kind::Denied, Blame::Operator), "{failure}");
        assert_eq!(failure.report.retry, Retry::AfterFix);
        println!("{failure} / {:?}", failure.report.mend);
        assert!(failure.report.because.iter().any(|line| line.contains("missing")), "{failure}");
    }
    assert_eq!(place.look().as_deref(), Some("old"));
}

pub(crate) async fn refused_credentials_are_told<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.put_by_hand("old");
    place.lock_out();
    for failure in [
        destination.check().await.unwrap_err(),
        destination.read().await.unwrap_err(),
        destination.deliver(&key("one")).await.unwrap_err(),
    ] {
        assert_eq!((failure.kind, failure.report.retry), (Kind::Denied, Retry::AfterFix), "{failure}");
    }
    assert_eq!(place.look().as_deref(), Some("old"));
}

pub(crate) async fn a_change_in_between_is_kept<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.put_by_hand("old");
    place.server().before_write(place.change_by_hand());
    match destination.deliver(&key("one")).await {
        Ok(()) => {}
        Err(failure) => assert_eq!(failure.kind, Kind::Changed, "{failure}"),
    }
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    assert!(!P::LOCKED || place.surroundings().contains("by-hand"), "{}", place.surroundings());
    place.server().assert_clean();
}

pub(crate) async fn a_change_each_time_is_given_up<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.put_by_hand("old");
    for _ in 0..20 {
        place.server().before_write(place.change_by_hand());
    }
    match destination.deliver(&key("one")).await {
        Ok(()) => assert!(!P::LOCKED, "it changed each time"),
        Err(failure) => assert_eq!(failure.kind, Kind::Changed, "{failure}"),
    }
}

pub(crate) async fn dead_versions_are_discarded_as_configured<P: RemotePlace>() {
    let dead = [Fingerprint::of(&key("dead"))];
    for way in ["keep", "disable", "destroy"] {
        let place = P::start().await;
        if way != "keep" && !P::OLD_VERSIONS.contains(&way) {
            assert_eq!(open(&place).discard(&dead).await, Ok(None), "there is nothing to discard");
            continue;
        }
        let more: &[(&str, &str)] = if P::OLD_VERSIONS.is_empty() { &[] } else { &[("old_versions", way)] };
        let destination = open_with(&place, more);
        place.put_by_hand(key("other").expose());
        for name in ["dead", "one"] {
            destination.deliver(&key(name)).await.unwrap();
        }
        let before = place.old_copies(key("dead").expose());
        assert_eq!(before > 0, !P::OLD_VERSIONS.is_empty(), "it keeps versions");
        let around = place.surroundings();
        let said = destination.discard(&dead).await.unwrap();
        let after = place.old_copies(key("dead").expose());
        if way == "keep" {
            assert_eq!((said, after), (None, before));
        } else {
            assert_eq!((said.is_some(), after), (true, 0), "{way}");
        }
        // Asked again, nothing is left to do; the current one and others are as they were.
        assert_eq!(destination.discard(&dead).await.unwrap(), None, "{way}");
        let current = [Fingerprint::of(&key("one"))];
        assert_eq!(destination.discard(&current).await.unwrap(), None, "the current one is never touched");
        assert_eq!(place.look().as_deref(), Some(key("one").expose()));
        assert_eq!(place.surroundings(), around);
        place.server().assert_clean();
    }
}

pub(crate) async fn throttled_waits_or_says_so<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.server().fail_once(To::All, Fault::Throttled(0));
    place.server().fail_once(To::Writes, Fault::Throttled(0));
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    place.server().fail(To::Writes, Fault::Throttled(600));
    let failure = destination.deliver(&key("two")).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Throttled, "{failure}");
    assert_eq!(failure.report.retry, Retry::Later(Some(model::SignedDuration::from_secs(600))));
    place.server().behave();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
}

pub(crate) async fn a_failing_service_is_told<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    // A question is asked again; a change is not.
    place.server().fail_once(To::All, Fault::Status(503));
    destination.read().await.unwrap();
    for status in [500, 502, 503] {
        place.server().fail(To::Writes, Fault::Status(status));
        let failure = destination.deliver(&key("one")).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Failed, "{failure}");
        assert!(matches!(failure.report.retry, Retry::Later(_)));
    }
    place.server().behave();
    destination.deliver(&key("one")).await.unwrap();
}

async fn fails_in_both<P: RemotePlace>(fault: Fault, more: &[(&str, &str)], kinds: &[Kind]) -> P {
    let place = P::start().await;
    let destination = open_with(&place, more);
    place.put_by_hand("old");
    for to in [To::All, To::Writes] {
        place.server().fail(to, fault.clone());
        let failure = destination.deliver(&key("one")).await.unwrap_err();
        assert!(kinds.contains(&failure.kind), "{to:?} {failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        place.server().behave();
    }
    // Whatever became of it, the next try is whole.
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("two").expose()));
    place
}

pub(crate) async fn no_answer_ends_in_time<P: RemotePlace>() {
    let work = fails_in_both::<P>(Fault::Silent, ONE_SECOND, &[Kind::Unreachable]);
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it ends");
}

pub(crate) async fn a_cut_answer_is_no_answer<P: RemotePlace>() {
    fails_in_both::<P>(Fault::Cut, &[], &[Kind::Unreachable]).await;
}

pub(crate) async fn garbage_is_no_answer<P: RemotePlace>() {
    for fault in [Fault::Garbage, Fault::Misshapen] {
        let place = P::start().await;
        let destination = open(&place);
        place.put_by_hand("old");
        place.server().fail(To::All, fault);
        for failure in [
            destination.read().await.unwrap_err(),
            destination.deliver(&key("one")).await.unwrap_err(),
            destination.confirm(&Fingerprint::of(&key("one"))).await.unwrap_err(),
        ] {
            assert_eq!(failure.kind, Kind::Failed, "{failure}");
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
        place.server().behave();
        destination.deliver(&key("one")).await.unwrap();
    }
}

pub(crate) async fn a_huge_answer_is_not_read<P: RemotePlace>() {
    fails_in_both::<P>(Fault::Huge, &[], &[Kind::Denied]).await;
}

/// Somewhere else, where nothing may come.
struct Elsewhere;

impl Shape for Elsewhere {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        Err(format!("{seen:?} came"))
    }
}

pub(crate) async fn a_redirect_is_not_followed<P: RemotePlace>() {
    let elsewhere = Server::start(Arc::new(Elsewhere)).await;
    let to = format!("{}/stolen", elsewhere.url);
    let place = fails_in_both::<P>(Fault::Redirect(to), &[], &[Kind::Denied]).await;
    assert!(elsewhere.seen().is_empty(), "the secret must not follow");
    place.server().assert_clean();
}

pub(crate) async fn finds_a_key<P: RemotePlace>() {
    let place = P::start().await;
    place.put_by_hand(key("lost").expose());
    let (name, _) = place.settings();
    let wanted = Wanted { name: "backups".into(), secret: key("lost") };
    let mut search = Search::new(vec![wanted.clone()], 1000);
    services(&place, &[]).search(name, &mut search).await.unwrap();
    let (of, how) = if P::READABLE { ("backups", How::Holds) } else { ("", How::NamedLike) };
    let found = search.found.iter().find(|found| found.at == place.address());
    let found = found.unwrap_or_else(|| panic!("{search:?}"));
    assert_eq!((found.of.as_str(), found.how), (of, how));
    // Nothing is read beyond what was allowed.
    place.server().forget_seen();
    let mut search = Search::new(vec![wanted], 1);
    services(&place, &[]).search(name, &mut search).await.unwrap();
    assert!(search.reads == 1 && (search.is_exhausted() || !search.found.is_empty()), "{search:?}");
    place.server().assert_clean();
}

pub(crate) async fn no_secret_is_in_an_error<P: RemotePlace>() {
    let place = P::start().await;
    let destination = open(&place);
    place.put_by_hand(key("held").expose());
    let mut failures: Vec<DestinationError> = Vec::new();
    if P::READABLE {
        failures.extend(destination.confirm(&Fingerprint::of(&key("one"))).await.err());
        assert_eq!(failures.len(), 1);
    }
    for fault in
        [Fault::Status(400), Fault::Status(404), Fault::Status(409), Fault::Status(422), Fault::Status(500)]
    {
        for to in [To::All, To::Writes] {
            place.server().fail(to, fault.clone());
            failures.push(destination.deliver(&key("one")).await.unwrap_err());
            failures.extend(destination.restore(Some(&key("one"))).await.err());
        }
    }
    for failure in failures {
        assert!(!format!("{failure} {failure:?}").contains("canary"), "{failure:?}");
    }
}
