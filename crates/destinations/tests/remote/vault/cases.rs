//! What the contract does not ask of every service: versions, and what is written how.

use std::sync::Arc;

use model::{Blame, DestinationErrorKind as Kind, Fingerprint, Held};

use serde_json::json;

use super::{
    V1Place, V2Place, change,
    engine::{Engine, fields},
    places::{AROUND, Place},
    writes,
};
use crate::place::{RemotePlace, key, open, open_with};

#[tokio::test]
async fn a_patch_goes_first_and_all_fields_where_it_may_not() {
    let place = V2Place::start().await;
    place.put_by_hand("old");
    open(&place).deliver(&key("one")).await.unwrap();
    assert_eq!(writes(&place.0), ["PATCH /v1/secret/data/n8n/backups"]);
    // Not permitted, and a server that is older than patches.
    for patches in [true, false] {
        let place = V2Place::start().await;
        place.put_by_hand("old");
        change(&place.0, |state| (state.policy, state.patches) = (state.policy.without("patch"), patches));
        let around = place.surroundings();
        open(&place).deliver(&key("one")).await.unwrap();
        assert_eq!(
            writes(&place.0),
            ["PATCH /v1/secret/data/n8n/backups", "POST /v1/secret/data/n8n/backups"]
        );
        assert_eq!(place.surroundings(), around);
        assert!(around.contains("123456789012345678901234567890") && around.contains("1.50"), "{around}");
        place.server().assert_clean();
    }
}

#[tokio::test]
async fn a_deleted_secret_is_absent_and_gets_the_next_version() {
    for destroyed in [false, true] {
        let place = V2Place::start().await;
        place.put_by_hand("old");
        change(&place.0, |state| {
            let Engine::Two(secrets) = state.mounts.get_mut("secret").unwrap() else { panic!() };
            let last = secrets.get_mut("n8n/backups").unwrap().last_mut().unwrap();
            if destroyed { last.destroyed = true } else { last.deleted = true }
        });
        let destination = open(&place);
        assert_eq!(destination.read().await.unwrap(), Held::Absent);
        destination.check().await.unwrap();
        destination.deliver(&key("one")).await.unwrap();
        assert_eq!(
            (place.look().as_deref(), place.surroundings().as_str()),
            (Some(key("one").expose()), "{}")
        );
        place.server().assert_clean();
    }
}

#[tokio::test]
async fn undoing_a_first_delivery_leaves_no_fields() {
    let place = V2Place::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    destination.restore(None).await.unwrap();
    let left = Place::current(&place.0.vault.0.lock().unwrap()).unwrap();
    assert!(left.is_empty(), "version 2 keeps a version without fields");
    let place = V1Place::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    destination.restore(None).await.unwrap();
    assert!(Place::current(&place.0.vault.0.lock().unwrap()).is_none(), "version 1 has none without");
}

#[tokio::test]
async fn fields_that_came_meanwhile_stay_in_version_one() {
    let place = V1Place::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    let vault = Arc::clone(&place.0.vault);
    let both = format!(r#"{{"api_key": "{}", "theirs": 1.50}}"#, key("one").expose());
    place.server().before_read(1, move || Place::put(&mut vault.0.lock().unwrap(), fields(&both)));
    place.server().forget_seen();
    destination.restore(None).await.unwrap();
    assert_eq!(writes(&place.0), ["POST /v1/secret/n8n/backups"], "it is never deleted");
    let left = Place::current(&place.0.vault.0.lock().unwrap()).unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["theirs"]);
    place.server().assert_clean();
}

#[tokio::test]
async fn a_field_that_is_no_text_is_left_alone() {
    let place = V2Place::start().await;
    change(&place.0, |state| Place::put(state, fields(r#"{"api_key": 5}"#)));
    let failure = open(&place).deliver(&key("one")).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Malformed, "{failure}");
    change(&place.0, |state| Place::put(state, fields(r#"{"api_key": null}"#)));
    assert_eq!(open(&place).read().await.unwrap(), Held::Absent);
    assert!(writes(&place.0).is_empty());
}

#[tokio::test]
async fn what_is_written_over_at_once_is_told_in_version_one() {
    let place = V1Place::start().await;
    place.put_by_hand("old");
    let destination = open(&place);
    // After the write, somebody else's text is there when it is looked at again.
    let vault = Arc::clone(&place.0.vault);
    place.server().before_write(move || {
        let mut state = vault.0.lock().unwrap();
        state.mounts.insert("secret".to_owned(), Engine::Fixed(fields(AROUND)));
    });
    let failure = destination.deliver(&key("one")).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Changed, "{failure}");
    assert!(failure.report.line().contains("KV version 1 has no lock"), "{failure}");
}

#[tokio::test]
async fn older_versions_are_walked_back_to() {
    let dead = [Fingerprint::of(&key("dead"))];
    let place = V2Place::start().await;
    let destination = open_with(&place, &[("old_versions", "destroy")]);
    for name in ["dead", "kept", "dead", "gone", "dead"] {
        place.put_by_hand(key(name).expose());
    }
    change(&place.0, |state| {
        let Engine::Two(secrets) = state.mounts.get_mut("secret").unwrap() else { panic!() };
        secrets.get_mut("n8n/backups").unwrap()[3].deleted = true;
    });
    assert_eq!(destination.discard(&dead).await.unwrap().as_deref(), Some("destroyed versions 1, 3"));
    assert_eq!(place.look().as_deref(), Some(key("dead").expose()), "the newest is left");
    // What is not kept any more ends the walk.
    change(&place.0, |state| {
        let Engine::Two(secrets) = state.mounts.get_mut("secret").unwrap() else { panic!() };
        secrets.get_mut("n8n/backups").unwrap()[..3].iter_mut().for_each(|version| version.dropped = true);
    });
    place.server().forget_seen();
    assert_eq!(destination.discard(&dead).await.unwrap(), None);
    assert_eq!(place.server().seen().len(), 3, "5, 4, and 3 that is gone");
    // No more than a bounded number is read.
    for _ in 0..100 {
        place.put_by_hand(key("kept").expose());
    }
    place.server().forget_seen();
    assert_eq!(destination.discard(&dead).await.unwrap(), None);
    assert_eq!(place.server().seen().len(), 33);
    place.server().assert_clean();
}

#[tokio::test]
async fn a_version_that_does_not_go_up_is_not_believed() {
    for lie in [json!({"data": {"version": 1}}), json!({"data": {"version": "2"}}), json!({"data": null})] {
        let place = V2Place::start().await;
        place.put_by_hand("old");
        change(&place.0, |state| state.lie = Some(lie.clone()));
        let failure = open(&place).deliver(&key("one")).await.unwrap_err();
        assert_eq!((failure.kind, failure.report.blame), (Kind::Failed, Blame::Hostile), "{lie} {failure}");
    }
}
