//! Google Cloud Secret Manager as its REST reference describes it, with the logins of Google.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    place::RemotePlace,
    server::{Reply, Seen, Server, Shape},
};

const TOKEN: &str = "canary-gcp-token";
const PERMISSIONS: [&str; 5] =
    ["versions.add", "versions.access", "versions.list", "versions.disable", "versions.destroy"];

struct Version {
    data: String,
    sum: String,
    state: &'static str,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a test turns")]
struct State {
    versions: Vec<Version>,
    /// How many of the newest `latest` does not know yet.
    lag: usize,
    changes: u32,
    logins: Vec<String>,
    gone: bool,
    read_only: bool,
    locked_out: bool,
    checksum_off: bool,
    unused: bool,
}

#[derive(Default)]
struct SecretManager(Mutex<State>);

/// `FIELD`: the key is one field of a JSON object.
pub(crate) struct SecretManagerPlace<const FIELD: bool> {
    server: Server,
    state: Arc<SecretManager>,
}

fn refused(code: u16, status: &str) -> Reply {
    Reply::json(code, &json!({"error": {"code": code, "message": "canary", "status": status}}))
}

/// Bit by bit, as RFC 3720 has it.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0x82f6_3b78 } else { sum >> 1 };
        }
    }
    !sum
}

impl State {
    fn add(&mut self, text: &str) {
        let sum = crc32c(text.as_bytes()).to_string();
        self.versions.push(Version { data: STANDARD.encode(text), sum, state: "ENABLED" });
    }

    fn told(&self, index: usize) -> Value {
        json!({
            "name": format!("projects/123/secrets/n8n-api-key/versions/{}", index + 1), "state": self.versions[index].state,
            "etag": format!("\"{index}\""), "createTime": "2026-01-02T03:04:05Z", "clientSpecifiedPayloadChecksum": true
        })
    }

    /// The version of that name.
    fn index(&self, version: &str) -> Option<usize> {
        let index = match version {
            "latest" => self.versions.len().checked_sub(1 + self.lag)?,
            number => number.parse::<usize>().ok()?.checked_sub(1)?,
        };
        (index < self.versions.len()).then_some(index)
    }

    fn secret(&mut self, seen: &Seen, action: &str) -> Result<Reply, String> {
        let body = if seen.method == "POST" { seen.json()? } else { Value::Null };
        match (seen.method.as_str(), action) {
            ("POST", "addVersion") => {
                let fields: Vec<&String> = body["payload"].as_object().ok_or("no payload")?.keys().collect();
                if fields != ["data", "dataCrc32c"] || body.as_object().unwrap().len() != 1 {
                    return Err(format!("fields {fields:?}"));
                }
                if self.read_only {
                    return Ok(refused(403, "PERMISSION_DENIED"));
                }
                let data = body["payload"]["data"].as_str().ok_or("no data")?.to_owned();
                let sum = body["payload"]["dataCrc32c"].as_str().ok_or("an int64 is a text")?.to_owned();
                if crc32c(&STANDARD.decode(&data).map_err(|error| error.to_string())?).to_string() != sum {
                    return Err("checksum".into());
                }
                self.versions.push(Version { data, sum, state: "ENABLED" });
                Ok(Reply::json(200, &self.told(self.versions.len() - 1)))
            }
            ("POST", "testIamPermissions") => {
                let asked: Vec<&str> = body["permissions"]
                    .as_array()
                    .ok_or("no list")?
                    .iter()
                    .filter_map(Value::as_str)
                    .collect();
                let granted: Vec<&str> = asked
                    .iter()
                    .copied()
                    .filter(|asked| {
                        let known = asked
                            .strip_prefix("secretmanager.")
                            .is_some_and(|verb| PERMISSIONS.contains(&verb));
                        known && !(self.read_only && *asked == "secretmanager.versions.add")
                    })
                    .collect();
                Ok(Reply::json(200, &json!({"permissions": granted})))
            }
            _ => Err("no such action".into()),
        }
    }

    fn version(&mut self, seen: &Seen, version: &str, action: &str) -> Result<Reply, String> {
        let Some(index) = self.index(version) else { return Ok(refused(404, "NOT_FOUND")) };
        match (seen.method.as_str(), action) {
            ("GET", "access") if self.versions[index].state != "ENABLED" => {
                Ok(refused(400, "FAILED_PRECONDITION"))
            }
            ("GET", "access") => {
                let sum = if self.checksum_off { "1" } else { &self.versions[index].sum };
                let payload = json!({"data": self.versions[index].data, "dataCrc32c": sum});
                Ok(Reply::json(200, &json!({"name": self.told(index)["name"], "payload": payload})))
            }
            ("POST", "disable" | "destroy") => {
                let body = seen.json()?;
                if !body["etag"].is_null() && body["etag"] != self.told(index)["etag"] {
                    return Ok(refused(409, "ABORTED"));
                }
                let state = if action == "disable" { "DISABLED" } else { "DESTROYED" };
                self.versions[index].state = state;
                Ok(Reply::json(200, &self.told(index)))
            }
            _ => Err("no such action on a version".into()),
        }
    }
}

impl SecretManager {
    fn log_in(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let way = match seen.path.as_str() {
            "/token" if field("grant_type").ends_with(":jwt-bearer") => {
                let parts: Vec<&str> = field("assertion").split('.').collect();
                let decoded = |part: &str| -> Value {
                    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
                    serde_json::from_slice(&bytes).unwrap()
                };
                let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
                if header != json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"})
                    || claims["iss"] != "keywright@team-prod.iam.gserviceaccount.com"
                    || claims["scope"] != "https://www.googleapis.com/auth/cloud-platform"
                    || !claims["aud"].as_str().unwrap().ends_with("/token")
                    || claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() != 3600
                    || parts[2].len() != 342
                {
                    return Err(format!("{header} {claims}"));
                }
                "key"
            }
            "/token" if field("grant_type") == "refresh_token" => {
                if field("client_id") != "gcloud"
                    || field("client_secret") != "canary-c"
                    || field("refresh_token") != "canary-r"
                {
                    return Err(format!("{form:?}"));
                }
                "person"
            }
            "/v1/token" => {
                if !field("grant_type").ends_with(":token-exchange")
                    || field("audience")
                        != "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
                    || field("subject_token") != "canary-jwt"
                    || field("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt"
                    || !field("requested_token_type").ends_with(":access_token")
                {
                    return Err(format!("{form:?}"));
                }
                state.logins.push("federation".into());
                return Ok(Reply::json(
                    200,
                    &json!({"access_token": "canary-federated", "expires_in": 3599}),
                ));
            }
            "/impersonate:generateAccessToken" => {
                if seen.header("authorization") != Some("Bearer canary-federated")
                    || seen.json()? != json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"]})
                {
                    return Err("impersonation".into());
                }
                state.logins.push("impersonation".into());
                return Ok(Reply::json(
                    200,
                    &json!({"accessToken": TOKEN, "expireTime": "2099-01-02T03:04:05Z"}),
                ));
            }
            _ if seen.method == "GET" && seen.header("metadata-flavor") == Some("Google") => "machine",
            _ => return Err("no such login".into()),
        };
        state.logins.push(way.into());
        Ok(Reply::json(200, &json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})))
    }
}

impl Shape for SecretManager {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        if self.is_login(seen) {
            return self.log_in(seen);
        }
        let mut state = self.0.lock().unwrap();
        if seen.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Err("authorization".into());
        }
        if state.locked_out {
            return Ok(refused(401, "UNAUTHENTICATED"));
        }
        if state.unused {
            let details =
                json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}]);
            let error =
                json!({"code": 403, "message": "canary", "status": "PERMISSION_DENIED", "details": details});
            return Ok(Reply::json(403, &json!({"error": error})));
        }
        let path = seen.path.strip_prefix("/v1/projects/team-prod/secrets").ok_or("no such route")?;
        if path.is_empty() {
            if seen.query("pageSize") != Some("250") {
                return Err("pageSize".into());
            }
            let (secrets, next) = match seen.query("pageToken") {
                None => (json!([{"name": "projects/123/secrets/empty"}]), "two"),
                Some("two") => (json!([{"name": "projects/123/secrets/n8n-api-key"}]), ""),
                Some(_) => return Err("no such page".into()),
            };
            return Ok(Reply::json(200, &json!({"secrets": secrets, "nextPageToken": next})));
        }
        let Some(rest) = path.strip_prefix("/n8n-api-key").filter(|_| !state.gone) else {
            return Ok(refused(404, "NOT_FOUND"));
        };
        if let Some(action) = rest.strip_prefix(':') {
            return state.secret(seen, action);
        }
        if rest == "/versions" {
            let enabled = seen.query("filter") == Some("state:ENABLED");
            let all = (0..state.versions.len()).rev().map(|index| state.told(index));
            let all: Vec<Value> = all.filter(|told| !enabled || told["state"] == "ENABLED").collect();
            return Ok(Reply::json(200, &json!({"versions": all, "totalSize": all.len()})));
        }
        let version = rest.strip_prefix("/versions/").and_then(|rest| rest.split_once(':'));
        let (version, action) = version.ok_or("no such route")?;
        state.version(seen, version, action)
    }

    fn is_login(&self, seen: &Seen) -> bool {
        matches!(
            seen.path.as_str(),
            "/token"
                | "/v1/token"
                | "/impersonate:generateAccessToken"
                | "/computeMetadata/v1/instance/service-accounts/default/token"
        )
    }

    fn writes(&self, seen: &Seen) -> bool {
        seen.method == "POST" && !self.is_login(seen) && !seen.path.ends_with(":testIamPermissions")
    }
}

impl<const FIELD: bool> RemotePlace for SecretManagerPlace<FIELD> {
    const LOCKED: bool = false;
    const OLD_VERSIONS: &'static [&'static str] = &["disable", "destroy"];

    async fn start() -> Self {
        let state = Arc::new(SecretManager::default());
        Self { server: Server::start(state.clone()).await, state }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let credentials = ("credentials", "env:CREDENTIALS".to_owned());
        (
            "gcp-secret-manager",
            vec![("url", self.server.url.clone()), ("project", "team-prod".to_owned()), credentials],
        )
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let credentials = json!({
            "type": "authorized_user", "client_id": "gcloud", "client_secret": "canary-c", "refresh_token": "canary-r",
            "token_uri": format!("{}/token", self.server.url)
        });
        vec![("CREDENTIALS", credentials.to_string())]
    }

    fn address(&self) -> String {
        format!("gcp-secret-manager:team-prod/n8n-api-key{}", if FIELD { "#api key" } else { "" })
    }

    fn put_by_hand(&self, key: &str) {
        let text =
            if FIELD { format!("{{ \"api key\": \"{key}\", \"other\": 1.50 }}") } else { key.to_owned() };
        self.state.0.lock().unwrap().add(&text);
    }

    fn look(&self) -> Option<String> {
        let state = self.state.0.lock().unwrap();
        let last = state.versions.last().filter(|version| version.state == "ENABLED")?;
        let text = String::from_utf8(STANDARD.decode(&last.data).unwrap()).unwrap();
        if !FIELD {
            return Some(text);
        }
        let object: Value = serde_json::from_str(&text).unwrap();
        object.get("api key").map(|value| value.as_str().unwrap().to_owned())
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        let Some(last) = state.versions.last().filter(|_| FIELD) else { return String::new() };
        let text = String::from_utf8(STANDARD.decode(&last.data).unwrap()).unwrap();
        let mut object: Value = serde_json::from_str(&text).unwrap();
        object.as_object_mut().unwrap().remove("api key");
        object.to_string()
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.changes += 1;
            let by_hand = format!("{}-by-hand", state.changes);
            state.add(&if FIELD {
                json!({"api key": by_hand, "other": by_hand}).to_string()
            } else {
                by_hand
            });
        })
    }

    fn take_away(&self) -> bool {
        self.state.0.lock().unwrap().gone = true;
        true
    }

    fn forbid(&self) {
        self.state.0.lock().unwrap().read_only = true;
    }

    fn lock_out(&self) {
        self.state.0.lock().unwrap().locked_out = true;
    }

    fn old_copies(&self, key: &str) -> usize {
        let state = self.state.0.lock().unwrap();
        let older = state.versions.iter().rev().skip(1).filter(|version| version.state == "ENABLED");
        older
            .filter(|version| String::from_utf8_lossy(&STANDARD.decode(&version.data).unwrap()).contains(key))
            .count()
    }
}

mod more {
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
        let (der, kind) = (include_str!("../data/rfc7515-a2.txt"), "RSA PRIVATE KEY");
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
            let failure = open_in(&place, &[], vec![("CREDENTIALS", credentials.to_string())])
                .read()
                .await
                .unwrap_err();
            assert_eq!(failure.kind, Kind::Denied);
            assert!(failure.report.because[0].contains(wanted), "{failure}");
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        };
        check(json!({"type": "impersonated_service_account"}), "`impersonated_service_account`").await;
        check(json!({"type": "external_account", "credential_source": {"url": "canary"}}), "from a file")
            .await;
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
}
