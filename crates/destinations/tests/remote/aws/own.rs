//! What no other service does.

use destinations::{How, Search, Wanted};
use model::{DestinationErrorKind as Kind, Fingerprint, Held, Retry};
use serde_json::{Value, json};

use super::{
    SecretPlace,
    parameters::{self, Parameter, ParameterPlace},
    refused,
    secrets::{self, ID},
};
use crate::{
    place::{RemotePlace, key, open, open_with, services},
    server::{Fault, Reply, Server, To},
};

/// Bodies of the calls of one action.
fn bodies(server: &Server, action: &str) -> Vec<Value> {
    let calls = server.seen().into_iter();
    let calls = calls.filter(|seen| seen.header("x-amz-target").unwrap_or_default().ends_with(action));
    calls.map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
}

fn with_secret<const F: bool>(place: &SecretPlace<F>, change: impl FnOnce(&mut secrets::Secret)) {
    change(place.state.0.lock().unwrap().secret.get_or_insert_default());
}

#[tokio::test]
async fn a_secret_is_made_under_the_key_that_was_given() {
    let place = SecretPlace::<true>::start().await;
    open_with(&place, &[("kms_key", "alias/mine")]).deliver(&key("one")).await.unwrap();
    with_secret(&place, |secret| {
        assert_eq!(secret.kms_key.as_deref(), Some("alias/mine"));
        let texts: Vec<&String> = secret.versions.values().map(|(text, _)| text).collect();
        assert_eq!(texts, [&format!("{{\"N8N_API_KEY\":\"{}\"}}", key("one").expose())]);
    });
}

#[tokio::test]
async fn a_delivery_leaves_no_label_of_its_own() {
    let place = SecretPlace::<true>::start().await;
    place.put_by_hand("old");
    place.server.before_write(place.change_by_hand());
    open(&place).deliver(&key("one")).await.unwrap();
    with_secret(&place, |secret| {
        let mut labels: Vec<&String> = secret.versions.values().flat_map(|(_, labels)| labels).collect();
        labels.sort();
        assert_eq!(labels, ["AWSCURRENT", "AWSPREVIOUS"]);
    });
}

#[tokio::test]
async fn labels_of_others_keep_their_versions() {
    let place = SecretPlace::<true>::start().await;
    for name in ["dead", "dead", "dead", "dead", "one"] {
        place.put_by_hand(key(name).expose());
    }
    let labels = || {
        let secret = place.state.0.lock().unwrap().secret.clone().unwrap();
        secret.versions.into_values().map(|(_, labels)| Vec::from_iter(labels)).collect::<Vec<_>>()
    };
    with_secret(&place, |secret| {
        let mut versions = secret.versions.values_mut().map(|(_, labels)| labels);
        for label in ["AWSPENDING", "KEYWRIGHT_PENDING", "theirs", "theirs-too"] {
            versions.next().unwrap().insert(label.to_owned());
        }
    });
    let destination = open_with(&place, &[("old_versions", "destroy")]);
    let said = destination.discard(&[Fingerprint::of(&key("dead"))]).await.unwrap().unwrap();
    let theirs: [&[&str]; 5] =
        [&["AWSPENDING"], &[], &["theirs"], &["AWSPREVIOUS", "theirs-too"], &["AWSCURRENT"]];
    assert_eq!(labels(), theirs);
    let (two, three) = (format!("{:032}", 2), format!("{:032}", 3));
    assert!(said.contains("1 older version,") && said.contains(&two) && said.contains(&three), "{said}");
    place.server.assert_clean();
}

#[tokio::test]
async fn what_an_undone_delivery_deleted_comes_back_with_the_next() {
    let place = SecretPlace::<false>::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    destination.restore(None).await.unwrap();
    with_secret(&place, |secret| assert!(secret.deleted));
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.deliver(&key("two")).await.unwrap();
    with_secret(&place, |secret| assert!(!secret.deleted));
    assert_eq!(place.look().as_deref(), Some(key("two").expose()));
    place.server.assert_clean();
}

#[tokio::test]
async fn a_secret_that_was_there_without_a_value_is_not_deleted() {
    let place = SecretPlace::<false>::start().await;
    let destination = open(&place);
    with_secret(&place, |_| {});
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.check().await.unwrap();
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    destination.restore(None).await.unwrap();
    with_secret(&place, |secret| assert!(!secret.deleted));
    assert_eq!((destination.read().await.unwrap(), place.look()), (Held::Absent, None));
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("two").expose()));
    place.server.assert_clean();
}

#[tokio::test]
async fn what_somebody_else_deletes_stays_deleted() {
    let place = SecretPlace::<true>::start().await;
    place.put_by_hand("old");
    with_secret(&place, |secret| secret.deleted = true);
    let failure = open(&place).deliver(&key("one")).await.unwrap_err();
    assert_eq!((failure.kind, failure.report.retry), (Kind::NotFound, Retry::AfterFix), "{failure}");
    assert!(failure.report.mend[0].contains(&format!("restore-secret --secret-id {ID}")), "{failure:?}");
    with_secret(&place, |secret| assert!(secret.deleted));
}

#[tokio::test]
async fn a_secret_of_another_shape_is_not_touched() {
    let place = SecretPlace::<true>::start().await;
    for odd in ["text", "{\"N8N_API_KEY\":{}}", "{\"N8N_API_KEY\":\"a\",\"N8N_API_KEY\":\"b\"}"] {
        with_secret(&place, |secret| secret.put(odd));
        let failure = open(&place).deliver(&key("one")).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Malformed, "{odd}");
    }
    assert!(bodies(&place.server, "PutSecretValue").is_empty());
}

#[tokio::test]
async fn a_check_asks_for_what_cannot_come_about() {
    let place = SecretPlace::<true>::start().await;
    place.put_by_hand("old");
    let before = place.state.0.lock().unwrap().secret.clone().unwrap().versions;
    open(&place).check().await.unwrap();
    assert_eq!(place.state.0.lock().unwrap().secret.clone().unwrap().versions, before);
    let [put] = bodies(&place.server, "PutSecretValue").try_into().unwrap();
    assert!(before.contains_key(put["ClientRequestToken"].as_str().unwrap()));
    let [moved] = bodies(&place.server, "UpdateSecretVersionStage").try_into().unwrap();
    assert!(!before.contains_key(moved["RemoveFromVersionId"].as_str().unwrap()));
    assert_eq!(moved.get("MoveToVersionId"), None);
}

#[tokio::test]
async fn aws_asks_to_wait_in_words() {
    let place = SecretPlace::<true>::start().await;
    let answer = refused("ThrottlingException");
    place.server.fail_once(To::All, Fault::Answer(answer.clone()));
    open(&place).deliver(&key("one")).await.unwrap();
    place.server.fail(To::Writes, Fault::Answer(answer));
    let failure = open(&place).deliver(&key("two")).await.unwrap_err();
    assert_eq!((failure.kind, failure.report.retry), (Kind::Throttled, Retry::Later(None)));
}

#[tokio::test]
async fn refusals_say_what_is_missing() {
    let place = SecretPlace::<true>::start().await;
    place.put_by_hand("old");
    let denied =
        json!({"__type": "AccessDeniedException", "Message": "Access to KMS is not allowed: canary"});
    let old = "Thu, 01 Jan 1970 00:00:00 GMT".to_owned();
    let mut late = refused("InvalidSignatureException");
    late.headers.push(("date".into(), old));
    let named = "AccessDeniedException:http://internal.example/canary".to_owned();
    let by_header = Reply { headers: vec![("x-amzn-errortype".into(), named)], ..Reply::empty(400) };
    for (answer, because, mend) in [
        (
            refused("AccessDeniedException"),
            "secretsmanager:GetSecretValue on n8n/backups is missing",
            "policy",
        ),
        (by_header, "secretsmanager:GetSecretValue on n8n/backups is missing", "policy"),
        (Reply::json(400, &denied), "its KMS key is missing", "kms:Decrypt"),
        (refused("ExpiredTokenException"), "have ended", "credentials that hold"),
        (refused("InvalidSignatureException"), "not that of the access key", "timedatectl"),
        (late, "s ahead", "set the clock"),
        (refused("DecryptionFailure"), "DecryptionFailure", "CloudTrail"),
        (refused("Canary"), "400", "log"),
    ] {
        place.server.fail(To::All, Fault::Answer(answer));
        let failure = open(&place).read().await.unwrap_err();
        assert!(failure.report.because.last().unwrap().contains(because), "{failure}");
        assert!(failure.report.mend.concat().contains(mend), "{:?}", failure.report.mend);
        assert!(!format!("{failure:?}").to_lowercase().contains("canary"));
        assert_eq!(failure.report.retry, Retry::AfterFix, "{failure}");
    }
}

#[tokio::test]
async fn pages_that_lead_to_themselves_end() {
    let place = SecretPlace::<true>::start().await;
    place.put_by_hand(key("lost").expose());
    place.state.0.lock().unwrap().endless = true;
    let mut search = Search::new(vec![Wanted { name: "backups".into(), secret: key("lost") }], 1000);
    services(&place, &[]).search("aws-secrets-manager", &mut search).await.unwrap();
    assert_eq!((search.reads, search.is_exhausted()), (4, false));
}

#[tokio::test]
async fn a_search_goes_on_where_a_batch_is_denied() {
    let place = ParameterPlace::start().await;
    place.put_by_hand(key("lost").expose());
    let wanted = || vec![Wanted { name: "backups".into(), secret: key("lost") }];
    let mut search = Search::new(wanted(), 1000);
    services(&place, &[]).search("aws-ssm", &mut search).await.unwrap();
    assert_eq!(search.found[0].how, How::Holds);
    place.state.0.lock().unwrap().denied = vec!["GetParameters"];
    let mut search = Search::new(wanted(), 1000);
    services(&place, &[]).search("aws-ssm", &mut search).await.unwrap();
    assert!(
        search.left_out[0].contains("ssm:GetParameters on /n8n/backups/api-key is missing"),
        "{search:?}"
    );
}

#[tokio::test]
async fn a_parameter_keeps_its_kms_key_and_its_tier() {
    let place = ParameterPlace::start().await;
    place.put_by_hand("old");
    open(&place).deliver(&key("one")).await.unwrap();
    let around = || place.state.0.lock().unwrap().parameter.clone().unwrap().around;
    assert_eq!(around(), parameters::around());
    // Another key, where one is given; then it need not be known which it was.
    place.state.0.lock().unwrap().denied = vec!["DescribeParameters"];
    for failure in
        [open(&place).deliver(&key("two")).await.unwrap_err(), open(&place).check().await.unwrap_err()]
    {
        assert!(failure.report.because[0].contains("ssm:DescribeParameters on * is missing"), "{failure}");
    }
    open_with(&place, &[("kms_key", "alias/new")]).check().await.unwrap();
    open_with(&place, &[("kms_key", "alias/new")]).deliver(&key("two")).await.unwrap();
    assert_eq!(around(), json!({"KeyId": "alias/new"}));
    place.server.assert_clean();
}

#[tokio::test]
async fn what_another_wrote_meanwhile_is_not_deleted() {
    let place = ParameterPlace::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    place.server.before_read(1, place.change_by_hand());
    let failure = destination.restore(None).await.unwrap_err();
    assert_eq!((failure.kind, place.look().as_deref()), (Kind::Changed, Some("1-by-hand")), "{failure}");
    let place = SecretPlace::<false>::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    place.server.before_write(place.change_by_hand());
    let failure = destination.restore(None).await.unwrap_err();
    assert_eq!((failure.kind, place.look().as_deref()), (Kind::Changed, Some("1-changed")), "{failure}");
    assert!(bodies(&place.server, "DeleteSecret").is_empty());
    place.server.assert_clean();
}

#[tokio::test]
async fn a_parameter_in_the_clear_is_refused() {
    let place = ParameterPlace::start().await;
    let (form, value) = ("String".to_owned(), "old".to_owned());
    let parameter = Parameter { form, value, version: 1, around: json!({}) };
    place.state.0.lock().unwrap().parameter = Some(parameter);
    let failure = open(&place).deliver(&key("one")).await.unwrap_err();
    assert_eq!((failure.kind, place.look().as_deref()), (Kind::Malformed, Some("old")));
}

#[tokio::test]
async fn who_wrote_a_parameter_in_between_is_looked_at_again() {
    let place = ParameterPlace::start().await;
    place.put_by_hand("old");
    place.server.before_write(place.change_by_hand());
    open(&place).deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    // Looked at, written, and looked at once more.
    assert_eq!(bodies(&place.server, "GetParameter").len(), 2);
}
