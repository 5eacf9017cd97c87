//! Azure Key Vault as its REST reference describes it (7.4), with the logins of Entra ID and of a machine.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::{
    place::RemotePlace,
    server::{Reply, Seen, Server, Shape},
};

const CLIENT_SECRET: &str = "canary-azure-secret";
const TOKEN: &str = "canary-azure-token";
const NAME: &str = "n8n-api-key";

#[derive(Clone)]
struct Version {
    id: u32,
    value: String,
    enabled: bool,
    rest: Value,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a test turns")]
struct State {
    versions: Vec<Version>,
    made: u32,
    deleted: bool,
    changes: u32,
    logins: Vec<String>,
    read_only: bool,
    locked_out: bool,
    walled: bool,
}

#[derive(Default)]
struct KeyVault(Mutex<State>);

pub(crate) struct KeyVaultPlace {
    server: Server,
    state: Arc<KeyVault>,
}

fn refused(status: u16, code: &str, inner: &str) -> Reply {
    let error = json!({"code": code, "message": "canary", "innererror": {"code": inner}});
    Reply::json(status, &json!({"error": error}))
}

fn rest() -> Value {
    json!({"contentType": "text/plain", "tags": {"team": "ops"}, "exp": 4_000_000_000_u64})
}

impl Version {
    fn bundle(&self, with_value: bool) -> Value {
        let mut bundle = json!({
            "id": format!("https://team-prod.vault.azure.net/secrets/{NAME}/v{}", self.id),
            "contentType": self.rest["contentType"], "tags": self.rest["tags"],
            "attributes": {
                "enabled": self.enabled, "created": 1_700_000_000 + self.id, "updated": 1_700_000_000 + self.id,
                "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90
            }
        });
        if let Some(exp) = self.rest["exp"].as_u64() {
            bundle["attributes"]["exp"] = json!(exp);
        }
        if with_value {
            bundle["value"] = json!(self.value);
        }
        bundle
    }
}

impl State {
    fn add(&mut self, value: &str, rest: Value) -> &Version {
        self.made += 1;
        self.versions.push(Version { id: self.made, value: value.to_owned(), enabled: true, rest });
        self.versions.last().unwrap()
    }

    fn put(&mut self, seen: &Seen) -> Result<Reply, String> {
        let body = seen.json()?;
        let allowed = ["value", "contentType", "tags", "attributes"];
        if let Some(odd) =
            body.as_object().ok_or("no object")?.keys().find(|key| !allowed.contains(&key.as_str()))
        {
            return Err(format!("field {odd}"));
        }
        let attributes = body["attributes"].as_object().cloned().unwrap_or_default();
        if let Some(odd) = attributes.keys().find(|key| !matches!(key.as_str(), "enabled" | "nbf" | "exp")) {
            return Err(format!("attribute {odd}"));
        }
        if self.read_only {
            return Ok(refused(403, "Forbidden", "ForbiddenByRbac"));
        }
        if self.deleted {
            return Ok(refused(409, "Conflict", "ObjectIsDeletedButRecoverable"));
        }
        let rest =
            json!({"contentType": body["contentType"], "tags": body["tags"], "exp": attributes.get("exp")});
        let bundle = self.add(body["value"].as_str().ok_or("no value")?, rest).bundle(true);
        Ok(Reply::json(200, &bundle))
    }

    fn version(&mut self, seen: &Seen, id: &str) -> Result<Reply, String> {
        let Some(version) = self.versions.iter_mut().find(|version| format!("v{}", version.id) == id) else {
            return Ok(refused(404, "SecretNotFound", ""));
        };
        match seen.method.as_str() {
            "GET" if !version.enabled => Ok(refused(403, "Forbidden", "SecretDisabled")),
            "GET" => Ok(Reply::json(200, &version.bundle(true))),
            "PATCH" if seen.json()? == json!({"attributes": {"enabled": false}}) => {
                version.enabled = false;
                Ok(Reply::json(200, &version.bundle(false)))
            }
            _ => Err("no such change of a version".into()),
        }
    }

    /// Two versions a page, in no order.
    fn page(&self, seen: &Seen, base: &str) -> Reply {
        let skip: usize = seen.query("$skiptoken").map_or(0, |skip| skip.parse().unwrap());
        let page: Vec<Value> =
            self.versions.iter().skip(skip).take(2).map(|version| version.bundle(false)).collect();
        let next = (skip + 2 < self.versions.len())
            .then(|| format!("{base}{}?api-version=7.4&$skiptoken={}", seen.path, skip + 2));
        Reply::json(200, &json!({"value": page, "nextLink": next}))
    }
}

impl KeyVault {
    fn log_in(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let resource = seen.query("resource") == Some("https://vault.azure.net");
        let way = match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/tenant/oauth2/v2.0/token") => {
                let sound = seen.header("content-type") == Some("application/x-www-form-urlencoded")
                    && field("grant_type") == Some("client_credentials")
                    && field("client_id") == Some("application")
                    && field("scope") == Some("https://vault.azure.net/.default");
                match (field("client_secret"), field("client_assertion")) {
                    (Some(CLIENT_SECRET), None) if sound => "secret",
                    (None, Some("canary-jwt"))
                        if sound && field("client_assertion_type").unwrap().ends_with(":jwt-bearer") =>
                    {
                        "workload"
                    }
                    _ => return Err(format!("login {form:?}")),
                }
            }
            ("GET", "/metadata/identity/oauth2/token")
                if resource
                    && seen.header("metadata") == Some("true")
                    && seen.query("api-version") == Some("2018-02-01") =>
            {
                "machine"
            }
            ("GET", "/msi/token")
                if resource
                    && seen.header("x-identity-header") == Some("canary-header")
                    && seen.query("api-version") == Some("2019-08-01") =>
            {
                "service"
            }
            _ => return Err("no such login".into()),
        };
        state.logins.push(way.to_owned());
        // As a number here, as a text there.
        let answer = match way {
            "secret" | "workload" => {
                json!({"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN})
            }
            _ => json!({"token_type": "Bearer", "expires_on": "4000000000", "access_token": TOKEN}),
        };
        Ok(Reply::json(200, &answer))
    }
}

impl Shape for KeyVault {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        if self.is_login(seen) {
            return self.log_in(seen);
        }
        let mut state = self.0.lock().unwrap();
        if seen.query("api-version") != Some("7.4") {
            return Err("api-version".into());
        }
        if seen.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Err("authorization".into());
        }
        if state.locked_out {
            return Ok(refused(401, "Unauthorized", ""));
        }
        if state.walled {
            return Ok(refused(403, "Forbidden", "ForbiddenByFirewall"));
        }
        let base = format!("http://{}", seen.header("host").unwrap());
        let there = !state.deleted && !state.versions.is_empty();
        match (seen.method.as_str(), seen.path.strip_prefix("/secrets").ok_or("no such route")?) {
            ("GET", "") => {
                let mut all: Vec<Value> =
                    state.versions.last().map(|last| last.bundle(false)).into_iter().collect();
                for one in &mut all {
                    one["id"] = json!(format!("https://team-prod.vault.azure.net/secrets/{NAME}"));
                }
                Ok(Reply::json(200, &json!({"value": all, "nextLink": null})))
            }
            ("GET", "/n8n-api-key") if there => {
                let last = state.versions.last().unwrap();
                if last.enabled {
                    Ok(Reply::json(200, &last.bundle(true)))
                } else {
                    Ok(refused(403, "Forbidden", "SecretDisabled"))
                }
            }
            ("GET", "/n8n-api-key/versions") if there => Ok(state.page(seen, &base)),
            ("PUT", "/n8n-api-key") => state.put(seen),
            ("DELETE", "/n8n-api-key") if there => {
                if state.read_only {
                    return Ok(refused(403, "Forbidden", "ForbiddenByRbac"));
                }
                state.deleted = true;
                Ok(Reply::json(200, &json!({"recoveryId": "r", "deletedDate": 1})))
            }
            (_, path) if there && path.starts_with("/n8n-api-key/") => {
                let id = path.trim_start_matches("/n8n-api-key/").to_owned();
                state.version(seen, &id)
            }
            ("GET" | "DELETE", _) => Ok(refused(404, "SecretNotFound", "")),
            _ => Err("no such route".into()),
        }
    }

    fn is_login(&self, seen: &Seen) -> bool {
        matches!(
            seen.path.as_str(),
            "/tenant/oauth2/v2.0/token" | "/metadata/identity/oauth2/token" | "/msi/token"
        )
    }
}

impl RemotePlace for KeyVaultPlace {
    const LOCKED: bool = false;
    const TELLS_PERMISSION: bool = false;
    const OLD_VERSIONS: &'static [&'static str] = &["disable"];

    async fn start() -> Self {
        let state = Arc::new(KeyVault::default());
        Self { server: Server::start(state.clone()).await, state }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let url = self.server.url.clone();
        ("azure-key-vault", vec![("url", url), ("vaults", "team-prod".to_owned())])
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AZURE_TENANT_ID", "tenant".to_owned()),
            ("AZURE_CLIENT_ID", "application".to_owned()),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("AZURE_AUTHORITY_HOST", format!("{}/", self.server.url)),
        ]
    }

    fn address(&self) -> String {
        format!("azure-key-vault:team-prod/{NAME}")
    }

    fn put_by_hand(&self, key: &str) {
        self.state.0.lock().unwrap().add(key, rest());
    }

    fn look(&self) -> Option<String> {
        let state = self.state.0.lock().unwrap();
        state.versions.last().filter(|_| !state.deleted).map(|version| version.value.clone())
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        state
            .versions
            .last()
            .filter(|_| !state.deleted)
            .map_or_else(rest, |version| version.rest.clone())
            .to_string()
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.changes += 1;
            let by_hand = format!("{}-by-hand", state.changes);
            state.add(&by_hand, rest());
        })
    }

    fn take_away(&self) -> bool {
        false
    }

    fn forbid(&self) {
        self.state.0.lock().unwrap().read_only = true;
    }

    fn lock_out(&self) {
        self.state.0.lock().unwrap().locked_out = true;
    }

    fn old_copies(&self, key: &str) -> usize {
        let state = self.state.0.lock().unwrap();
        state.versions.iter().rev().skip(1).filter(|version| version.enabled && version.value == key).count()
    }
}

mod more {
    use std::io::Write as _;

    use model::{DestinationErrorKind as Kind, Held};

    use super::*;
    use crate::place::{key, open, open_in, open_with};

    #[tokio::test(flavor = "multi_thread")]
    async fn azure_says_how_a_deleted_secret_comes_back() {
        let place = KeyVaultPlace::start().await;
        let destination = open(&place);
        destination.deliver(&key("one")).await.unwrap();
        destination.restore(None).await.unwrap();
        let failure = destination.deliver(&key("two")).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Denied, "{failure}");
        assert!(
            failure.report.mend[0]
                .contains("az keyvault secret recover --vault-name team-prod --name n8n-api-key")
        );
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
            let destination = open_in(&place, &[], variables);
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
            let failure = open_in(&place, &[], variables).read().await.unwrap_err();
            assert_eq!(failure.kind, Kind::Denied);
            assert!(failure.report.because[0].contains(wanted), "{failure}");
        };
        check(vec![("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem".to_owned())], "certificate").await;
        check(vec![("AZURE_CLIENT_SECRET", "canary".to_owned())], "`tenant_id`").await;
        check(vec![("IDENTITY_ENDPOINT", "http://localhost:1".to_owned())], "Arc").await;
        check(vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://198.51.100.1".to_owned())], "not beside")
            .await;
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
                    let next = if self.0.is_empty() {
                        format!("{base}{}?again", seen.path)
                    } else {
                        self.0.to_owned()
                    };
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
}
