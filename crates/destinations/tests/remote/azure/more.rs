//! What the suite does not ask of a vault.

use std::io::Write as _;

use model::{DestinationErrorKind as Kind, Held};

use super::*;
use crate::place::{key, open, open_in, open_with};

#[tokio::test(flavor = "multi_thread")]
async fn azure_says_how_a_deleted_secret_comes_back() {
    let place = KeyVaultPlace::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    place.state.0.lock().unwrap().deleted = true;
    let failure = destination.deliver(&key("two")).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Denied, "{failure}");
    assert!(
        failure.report.mend[0]
            .contains("az keyvault secret recover --vault-name team-prod --name n8n-api-key")
    );
    place.server().assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_takes_a_delivery_after_an_undone_one() {
    let place = KeyVaultPlace::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    destination.restore(None).await.unwrap();
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.check().await.unwrap();
    let undone = place.state.0.lock().unwrap().versions[0].clone();
    assert!(!undone.enabled && undone.rest["tags"] == json!({"keywright": "undone"}), "{:?}", undone.rest);
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("two").expose()));
    assert_eq!(
        place.state.0.lock().unwrap().versions[1].rest["tags"],
        Value::Null,
        "the tag does not go along"
    );
    // What another made after that, and disabled, is theirs.
    place.put_by_hand("theirs");
    place.state.0.lock().unwrap().versions[2].enabled = false;
    assert_eq!(destination.check().await.unwrap_err().kind, Kind::Denied);
    place.server().assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_tells_a_disabled_secret_from_a_missing_permission() {
    let place = KeyVaultPlace::start().await;
    place.put_by_hand("old");
    place.state.0.lock().unwrap().versions[0].enabled = false;
    let failure = open(&place).read().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Denied);
    assert!(failure.report.because[0].contains("disabled"), "{failure}");
    place.state.0.lock().unwrap().walled = true;
    let failure = open(&place).read().await.unwrap_err();
    assert!(failure.report.because[0].contains("firewall"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_logs_in_in_each_way() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(b"canary-jwt\n").unwrap();
    let file = file.path().to_str().unwrap();
    let ways: [(&str, &[(&str, &str)]); 4] = [
        ("secret", &[]),
        ("workload", &[("AZURE_FEDERATED_TOKEN_FILE", file)]),
        ("machine", &[]),
        ("service", &[("IDENTITY_HEADER", "canary-header")]),
    ];
    for (way, more) in ways {
        let place = KeyVaultPlace::start().await;
        let url = place.server.url.clone();
        let mut variables = place.variables();
        if way != "secret" {
            variables.retain(|(name, _)| *name != "AZURE_CLIENT_SECRET");
        }
        variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        match way {
            "machine" => variables.push(("AZURE_POD_IDENTITY_AUTHORITY_HOST", url)),
            "service" => variables.push(("IDENTITY_ENDPOINT", format!("{url}/msi/token"))),
            _ => {}
        }
        place.put_by_hand("old");
        let destination = open_in(&place, &[], &variables);
        assert_eq!(destination.read().await.unwrap(), Held::Value(model::Secret::new("old")), "{way}");
        destination.check().await.unwrap();
        assert_eq!(place.state.0.lock().unwrap().logins, [way]);
        place.server().assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_refuses_what_it_cannot_do() {
    let place = KeyVaultPlace::start().await;
    let check = async |variables: Vec<(&'static str, String)>, wanted: &str| {
        let failure = open_in(&place, &[], &variables).read().await.unwrap_err();
        assert_eq!(failure.kind, Kind::Denied);
        assert!(failure.report.because[0].contains(wanted), "{failure}");
    };
    check(vec![("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem".to_owned())], "certificate").await;
    check(vec![("AZURE_CLIENT_SECRET", "canary".to_owned())], "`tenant_id`").await;
    check(vec![("IDENTITY_ENDPOINT", "http://localhost:1".to_owned())], "Arc").await;
    check(vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://198.51.100.1".to_owned())], "not beside").await;
    assert!(place.server().seen().is_empty());
}

/// A list that never ends, and one that leads elsewhere.
struct Endless(&'static str);

impl Shape for Endless {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let base = format!("http://{}", seen.header("host").unwrap());
        Ok(match seen.path.as_str() {
            "/tenant/oauth2/v2.0/token" => {
                Reply::json(200, &json!({"expires_in": 3599, "access_token": TOKEN}))
            }
            "/secrets/n8n-api-key/versions" => {
                let next =
                    if self.0.is_empty() { format!("{base}{}?again", seen.path) } else { self.0.to_owned() };
                Reply::json(200, &json!({"value": [], "nextLink": next}))
            }
            _ => {
                let version = Version { id: 1, value: "v".to_owned(), enabled: true, rest: rest() };
                Reply::json(200, &version.bundle(true))
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_follows_no_list_in_circles_or_elsewhere() {
    for next in ["", "https://evil.example/secrets", "canary"] {
        let mut place = KeyVaultPlace::start().await;
        place.server = Server::start(Arc::new(Endless(next))).await;
        let destination = open_with(&place, &[("old_versions", "disable")]);
        let dead = [model::Fingerprint::of(&key("dead"))];
        let failure = destination.discard(&dead).await.unwrap_err();
        assert_eq!((failure.kind, failure.report.blame), (Kind::Failed, model::Blame::Hostile), "{next}");
    }
}
