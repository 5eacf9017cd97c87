//! What is Kubernetes' own.

use destinations::{How, Search, Wanted};
use model::{Blame, DestinationErrorKind as Kind, Held, Retry, Secret};
use serde_json::json;

use super::{
    AT, KEY, KubernetesPlace, others,
    store::{set, status},
};
use crate::{
    place::{RemotePlace, key, open, open_at, open_with, services},
    server::Reply,
};

type Place = KubernetesPlace<false>;

#[tokio::test]
async fn a_key_of_another_manager_is_not_taken_from_it() {
    let place = Place::start().await;
    let destination = open(&place);
    set(&mut place.api.0.lock().unwrap().store, AT, others(), KEY, "theirs");
    for failure in
        [destination.check().await.unwrap_err(), destination.deliver(&key("one")).await.unwrap_err()]
    {
        assert_eq!((failure.kind, failure.report.retry), (Kind::Denied, Retry::AfterFix), "{failure}");
        assert!(failure.report.because[0].contains("`kubectl-edit`"), "{failure}");
        assert!(failure.report.mend[0].contains("force = true"), "{:?}", failure.report.mend);
    }
    assert_eq!(place.look().as_deref(), Some("theirs"));
    let forced = open_with(&place, &[("force", "true")]);
    forced.check().await.unwrap();
    assert_eq!(place.look().as_deref(), Some("theirs"), "checking changes nothing");
    forced.deliver(&key("one")).await.unwrap();
    // Ours from now on.
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("two").expose()));
    place.server().assert_clean();
}

#[tokio::test]
async fn two_of_our_keys_live_in_one_secret() {
    let place = Place::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    let other = open_at(services(&place, &[]), "kubernetes:backups/n8n#SECOND");
    other.deliver(&key("second")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()), "an apply takes away what it leaves out");
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(other.read().await.unwrap(), Held::Value(key("second")));
    destination.restore(None).await.unwrap();
    assert_eq!(other.read().await.unwrap(), Held::Value(key("second")));
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    place.server().assert_clean();
}

#[tokio::test]
async fn a_secret_that_came_meanwhile_is_not_overruled() {
    let place = KubernetesPlace::<true>::start().await;
    let api = place.api.clone();
    place.server().before_write(move || {
        set(&mut api.0.lock().unwrap().store, AT, others(), KEY, "theirs");
    });
    // It is not made; the second try knows what it takes over.
    open(&place).deliver(&key("one")).await.unwrap();
    let writes: Vec<_> = place.server().seen().into_iter().filter(|seen| seen.method != "GET").collect();
    let forced: Vec<_> = writes.iter().map(|seen| (seen.method.as_str(), seen.query("force"))).collect();
    assert_eq!(forced, [("POST", None), ("PATCH", Some("true"))]);
    place.server().assert_clean();
}

#[tokio::test]
async fn two_of_our_keys_come_to_a_new_secret_at_once() {
    // The other one is there before ours is made, or before it is written into what was made.
    for before in [0, 1] {
        let place = Place::start().await;
        for write in 0..=before {
            let api = place.api.clone();
            place.server().before_write(move || {
                if write == before {
                    let us = ("keywright".to_owned(), "Apply");
                    set(&mut api.0.lock().unwrap().store, AT, us, "SECOND", "ours");
                }
            });
        }
        open(&place).deliver(&key("one")).await.unwrap();
        assert_eq!(place.look().as_deref(), Some(key("one").expose()));
        assert!(place.surroundings().contains("SECOND=ours"), "{before}: {}", place.surroundings());
        place.server().assert_clean();
    }
}

#[tokio::test]
async fn a_secret_that_went_meanwhile_is_not_made_of_what_it_held() {
    let place = Place::start().await;
    place.put_by_hand("old");
    let api = place.api.clone();
    place.server().before_write(move || api.0.lock().unwrap().store.secrets.clear());
    open(&place).deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    assert_eq!(place.surroundings(), "", "OTHER_KEY stays deleted");
    place.server().assert_clean();
}

#[tokio::test]
async fn an_immutable_secret_is_told_before() {
    let place = Place::start().await;
    place.put_by_hand("old");
    place.api.0.lock().unwrap().store.secrets.values_mut().for_each(|stored| stored.immutable = true);
    let destination = open(&place);
    for failure in [
        destination.check().await.unwrap_err(),
        destination.deliver(&key("one")).await.unwrap_err(),
        destination.restore(None).await.unwrap_err(),
    ] {
        assert_eq!((failure.kind, failure.report.retry), (Kind::Denied, Retry::AfterFix));
        assert!(failure.to_string().contains("immutable"), "{failure}");
    }
    place.server().assert_clean();
}

#[tokio::test]
async fn a_missing_verb_is_named_with_its_resource() {
    for (verb, put, what) in [
        ("get", true, "`secrets` `n8n`"),
        ("create", false, "`secrets`"),
        ("patch", false, "`secrets` `n8n`"),
    ] {
        let place = Place::start().await;
        if put {
            place.put_by_hand("old");
        }
        place.api.0.lock().unwrap().denied.insert(verb);
        let failure = open(&place).check().await.unwrap_err();
        assert_eq!((failure.kind, failure.report.blame), (Kind::Denied, Blame::Operator));
        let because = &failure.report.because[0];
        assert!(
            because.contains(&format!("`{verb}` on {what} in namespace `backups` is missing")),
            "{because}"
        );
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        place.server().assert_clean();
    }
}

#[tokio::test]
async fn what_the_cluster_refuses_is_told_apart() {
    let causes = json!({"causes": [{"reason": "NamespaceTerminating", "message": "canary"}]});
    for (reply, kind, said) in [
        (
            status(403, "Forbidden", "canary is forbidden: exceeded quota: canary", &json!(null)),
            Kind::Denied,
            "quota",
        ),
        (status(403, "Forbidden", "canary", &causes), Kind::Denied, "being deleted"),
        (
            status(403, "Forbidden", "admission webhook \"canary\" denied it", &json!(null)),
            Kind::Denied,
            "webhook",
        ),
        (
            status(400, "BadRequest", "admission webhook \"canary\" denied it", &json!(null)),
            Kind::Denied,
            "webhook",
        ),
        (status(422, "Invalid", "canary", &json!(null)), Kind::Denied, "invalid"),
        (Reply::empty(415), Kind::Failed, "415"),
    ] {
        let place = Place::start().await;
        place.put_by_hand("old");
        place.api.0.lock().unwrap().refusal = Some(reply);
        let failure = open(&place).deliver(&key("one")).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(
            failure.to_string().contains(said) && !format!("{failure:?}").contains("canary"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn where_a_webhook_takes_no_trials_nothing_can_be_told() {
    let place = Place::start().await;
    let message = "admission webhook \"x\" does not support dry run";
    place.api.0.lock().unwrap().refusal = Some(status(400, "BadRequest", message, &json!(null)));
    open(&place).check().await.unwrap();
    place.server().assert_clean();
}

#[tokio::test]
async fn what_is_no_text_is_left_alone() {
    let place = Place::start().await;
    place.put_by_hand("old");
    for stored in place.api.0.lock().unwrap().store.secrets.values_mut() {
        stored.data.insert(KEY.to_owned(), "/w==".to_owned());
    }
    let failure = open(&place).deliver(&key("one")).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Malformed, "{failure}");
    place.server().assert_clean();
}

fn wanted() -> Vec<Wanted> {
    vec![Wanted { name: "backups".into(), secret: key("lost") }]
}

fn fill(place: &Place, count: usize) {
    let mut state = place.api.0.lock().unwrap();
    for number in 0..count {
        set(&mut state.store, ("backups", &format!("s{number:04}")), others(), "k", "nothing");
    }
    set(&mut state.store, ("agents", "config"), others(), "env", &format!("KEY={}", key("lost").expose()));
    set(&mut state.store, ("backups", "s0007"), others(), "k", key("lost").expose());
    set(&mut state.store, ("backups", "release"), others(), "k", key("lost").expose());
    let release = ("backups".to_owned(), "release".to_owned());
    state.store.secrets.get_mut(&release).unwrap().kind = "helm.sh/release.v1";
}

async fn found(place: &Place, more: &[(&str, &str)]) -> Search {
    let mut search = Search::new(wanted(), 1000);
    services(place, more).search("kubernetes", &mut search).await.unwrap();
    place.server().assert_clean();
    search
}

#[tokio::test]
async fn a_search_goes_through_all_pages_once() {
    // Whether a list expires, and with a way to go on or without.
    for expiries in [vec![], vec![Some("0100")], vec![None], vec![None, Some("0100")]] {
        let place = Place::start().await;
        fill(&place, 250);
        place.api.0.lock().unwrap().expiries = expiries.clone().into();
        let search = found(&place, &[]).await;
        let found: Vec<_> = search.found.iter().map(|found| (found.at.as_str(), found.how)).collect();
        let expected =
            [("kubernetes:agents/config#env", How::Within), ("kubernetes:backups/s0007#k", How::Holds)];
        assert_eq!(found, expected, "{expiries:?}");
        assert!(search.left_out[0].contains("Helm"));
    }
}

#[tokio::test]
async fn a_list_that_expires_again_and_again_is_given_up() {
    let place = Place::start().await;
    fill(&place, 250);
    place.api.0.lock().unwrap().expiries = vec![None; 50].into();
    let mut search = Search::new(wanted(), 1000);
    let failure = services(&place, &[]).search("kubernetes", &mut search).await.unwrap_err();
    assert_eq!(failure.kind, Kind::NotFound, "{failure}");
    assert!(search.reads < 10, "{}", search.reads);
}

#[tokio::test]
async fn a_search_keeps_to_the_namespace_that_it_is_given() {
    let place = Place::start().await;
    fill(&place, 10);
    place.api.0.lock().unwrap().cluster_wide = false;
    let search = found(&place, &[("namespace", "backups")]).await;
    assert_eq!(search.found.len(), 1, "{search:?}");
    // Without one, and where nobody says where it is at home, the missing verb is told.
    let mut search = Search::new(wanted(), 1000);
    let failure = services(&place, &[]).search("kubernetes", &mut search).await.unwrap_err();
    assert!(failure.to_string().contains("`list` on `secrets` in all namespaces"), "{failure}");
    assert_eq!(search.left_out, [""; 0], "nothing was looked through");
}

#[tokio::test]
async fn pages_that_are_too_large_are_asked_for_in_smaller_ones() {
    let place = Place::start().await;
    {
        let mut state = place.api.0.lock().unwrap();
        let large = "x".repeat(900_000);
        for number in 0..24 {
            set(&mut state.store, ("backups", &format!("s{number:04}")), others(), "k", &large);
        }
        set(&mut state.store, AT, others(), KEY, key("lost").expose());
    }
    let search = found(&place, &[]).await;
    assert_eq!(search.found.len(), 1);
    let limits: Vec<_> =
        place.server().seen().iter().map(|seen| seen.query("limit").unwrap().to_owned()).collect();
    assert_eq!(limits, ["100", "10", "10", "10"]);
}

#[tokio::test]
async fn a_value_that_is_there_already_is_not_written() {
    let place = Place::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    place.server().forget_seen();
    destination.deliver(&key("one")).await.unwrap();
    destination.restore(Some(&Secret::new(key("one").expose()))).await.unwrap();
    assert!(place.server().seen().iter().all(|seen| seen.method == "GET"));
}
