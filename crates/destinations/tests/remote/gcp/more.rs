//! What the suite does not ask of Secret Manager.

use std::io::Write as _;

use model::{DestinationErrorKind as Kind, Held, Secret};

use super::*;
use crate::place::{key, open, open_in, open_undeclared};

type Plain = SecretManagerPlace<false>;

#[tokio::test(flavor = "multi_thread")]
async fn gcp_knows_what_it_added_while_latest_lags() {
    let place = Plain::start().await;
    place.put_by_hand("old");
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    place.state.0.lock().unwrap().lag = 1;
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(destination.read().await.unwrap(), Held::Value(key("one")));
    assert_eq!(place.state.0.lock().unwrap().versions.len(), 2);
    place.server().assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn gcp_puts_a_field_beside_what_came_in_between() {
    let place = SecretManagerPlace::<true>::start().await;
    place.put_by_hand("old");
    place.server().before_write(place.change_by_hand());
    open(&place).deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    assert_eq!(place.surroundings(), r#"{"other":"1-by-hand"}"#);
    place.server().assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn gcp_does_not_take_a_damaged_payload() {
    let place = Plain::start().await;
    place.put_by_hand("old");
    place.state.0.lock().unwrap().checksum_off = true;
    let failure = open(&place).read().await.unwrap_err();
    assert_eq!((failure.kind, failure.report.blame), (Kind::Failed, model::Blame::Hostile));
}

#[tokio::test(flavor = "multi_thread")]
async fn gcp_says_how_a_missing_secret_is_made_and_which_permission_is_missing() {
    let place = Plain::start().await;
    place.forbid();
    let failure = open(&place).check().await.unwrap_err();
    assert_eq!(failure.report.because, ["`secretmanager.versions.add` on the secret is missing"]);
    place.take_away();
    let failure = open(&place).check().await.unwrap_err();
    let command = "gcloud secrets create n8n-api-key --project team-prod --replication-policy automatic";
    assert!(failure.report.mend[0].contains(command), "{:?}", failure.report.mend);
    place.state.0.lock().unwrap().unused = true;
    let failure = open(&place).check().await.unwrap_err();
    assert!(failure.report.mend[0].starts_with("gcloud services enable"), "{:?}", failure.report.mend);
}

fn rsa_key() -> String {
    let (der, kind) = (include_str!("../../data/rfc7515-a2.txt"), "RSA PRIVATE KEY");
    format!("-----BEGIN {kind}-----\n{der}-----END {kind}-----\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn gcp_logs_in_in_each_way() {
    let mut token = tempfile::NamedTempFile::new().unwrap();
    token.write_all(br#"{"id_token": "canary-jwt"}"#).unwrap();
    for way in ["key", "person", "federation", "machine"] {
        let place = Plain::start().await;
        let url = &place.server.url;
        let credentials = match way {
            "key" => json!({
                "type": "service_account", "client_email": "keywright@team-prod.iam.gserviceaccount.com",
                "private_key": rsa_key(), "private_key_id": "key-1", "token_uri": format!("{url}/token")
            }),
            "federation" => json!({
                "type": "external_account", "token_url": format!("{url}/v1/token"),
                "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "service_account_impersonation_url": format!("{url}/impersonate:generateAccessToken"),
                "credential_source": {
                    "file": token.path(), "format": {"type": "json", "subject_token_field_name": "id_token"}
                }
            }),
            _ => serde_json::from_str(&place.variables()[0].1).unwrap(),
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(credentials.to_string().as_bytes()).unwrap();
        let variables = match way {
            "machine" => vec![("GCE_METADATA_HOST", url.trim_start_matches("http://").to_owned())],
            _ => vec![("GOOGLE_APPLICATION_CREDENTIALS", file.path().to_str().unwrap().to_owned())],
        };
        place.put_by_hand("old");
        let mut variables = variables;
        variables.push(("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", url.clone()));
        let destination = open_undeclared(&place, variables);
        assert_eq!(destination.read().await.unwrap(), Held::Value(Secret::new("old")), "{way}");
        destination.check().await.unwrap();
        let wanted = if way == "federation" { vec!["federation", "impersonation"] } else { vec![way] };
        assert_eq!(place.state.0.lock().unwrap().logins, wanted);
        place.server().assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gcp_refuses_what_it_cannot_do() {
    let place = Plain::start().await;
    let check = async |credentials: Value, wanted: &str| {
        let failure =
            open_in(&place, &[], vec![("CREDENTIALS", credentials.to_string())]).read().await.unwrap_err();
        assert_eq!(failure.kind, Kind::Denied);
        assert!(failure.report.because[0].contains(wanted), "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    };
    check(json!({"type": "impersonated_service_account"}), "`impersonated_service_account`").await;
    check(json!({"type": "external_account", "credential_source": {"url": "canary"}}), "from a file").await;
    check(
        json!({"type": "service_account", "client_email": "a", "private_key": "canary"}),
        "is no private key",
    )
    .await;
    check(json!({"type": "authorized_user", "client_id": "a"}), "no `client_secret`").await;
    check(
        json!({"type": "service_account", "client_email": "a", "private_key": "canary", "token_uri": "http://198.51.100.1/token"}),
        "in the clear",
    )
    .await;
    check(json!("canary"), "no JSON of any type").await;
    assert!(place.server().seen().is_empty());
}
