//! What GitLab alone does.

use model::{Confirmation, DestinationErrorKind as Kind, Fingerprint, Held, Secret};
use serde_json::json;

use super::{GitLabPlace, Group, Hidden, NAME, Project, Whose as _};
use crate::place::{RemotePlace as _, key, open, services};

#[tokio::test]
async fn all_that_a_variable_has_is_kept() {
    let place = GitLabPlace::<Project>::start().await;
    place.put_by_hand("old");
    let destination = open(&place);
    let before = place.with(|state| state.variables.clone());
    destination.deliver(&key("one")).await.unwrap();
    destination.restore(Some(&Secret::new("old"))).await.unwrap();
    assert_eq!(place.with(|state| state.variables.clone()), before);
    place.server().assert_clean();
}

#[tokio::test]
async fn a_new_variable_is_masked_and_not_expanded() {
    let place = GitLabPlace::<Group>::start().await;
    let destination = open(&place);
    destination.deliver(&Secret::new("canaryHeader.canary_Body-1.canary-Signature_2")).await.unwrap();
    let made = place.with(|state| state.variables[&(NAME.to_owned(), "*".to_owned())].clone());
    assert_eq!(
        (&made["masked"], &made["raw"], &made["protected"]),
        (&json!(true), &json!(true), &json!(false))
    );
    destination.restore(None).await.unwrap();
    let failure = destination.deliver(&Secret::new("canary that has spaces")).await.unwrap_err();
    assert!(
        failure.report.because[0].contains("mask") && !failure.to_string().contains("canary"),
        "{failure}"
    );
    assert_eq!(place.look(), None);
    place.server().assert_clean();
}

#[tokio::test]
async fn one_that_was_made_meanwhile_is_written_too() {
    let place = GitLabPlace::<Project>::start().await;
    let destination = open(&place);
    place.server().before_write(place.change_by_hand());
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    // And one that was removed meanwhile is made.
    let state = std::sync::Arc::clone(&place.state);
    place.server().before_write(move || state.0.lock().unwrap().variables.clear());
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("two").expose()));
    place.server().assert_clean();
}

#[tokio::test]
async fn a_hidden_variable_is_written_and_not_read() {
    let place = GitLabPlace::<Hidden>::start().await;
    place.put_by_hand("canary-hidden");
    let destination = open(&place);
    assert_eq!(destination.read().await, Ok(Held::Unreadable));
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    assert_eq!(place.server().seen().iter().filter(|seen| seen.writes()).count(), 1, "it is written once");
    let confirmed = destination.confirm(&Fingerprint::of(&key("one"))).await;
    assert_eq!(confirmed, Ok(Confirmation::Seen("it is there, masked and hidden".to_owned())));
    let mut search = destinations::Search::new(Vec::new(), 200);
    services(&place, &[]).search("gitlab", &mut search).await.unwrap();
    let found: Vec<_> = search.found.iter().map(|found| (found.at.as_str(), found.how)).collect();
    assert!(found.contains(&(Hidden::ADDRESS, destinations::How::NamedLike)), "{found:?}");
    assert_eq!(search.left_out.len(), 100, "the projects whose variables may not be read");
    assert!(
        place
            .with(|state| state.variables[&(NAME.to_owned(), Hidden::SCOPE.to_owned())]["hidden"]
                == json!(true))
    );
    place.server().assert_clean();
}

#[tokio::test]
async fn a_token_that_may_only_read_is_told_before() {
    let (project, group) = (GitLabPlace::<Project>::start().await, GitLabPlace::<Group>::start().await);
    project.with(|state| state.read_scope = true);
    group.with(|state| state.read_scope = true);
    for checked in [open(&project).check().await, open(&group).check().await] {
        let failure = checked.unwrap_err();
        assert_eq!(failure.kind, Kind::Denied);
        assert!(failure.report.because[0].contains("the scope `api` of the token is missing"), "{failure}");
    }
}
