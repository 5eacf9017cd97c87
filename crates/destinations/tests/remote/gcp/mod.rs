//! Google Cloud Secret Manager as its REST reference describes it, with the logins of Google.

mod logins;
mod more;

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
