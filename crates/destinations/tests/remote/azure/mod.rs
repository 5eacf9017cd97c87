//! Azure Key Vault as its REST reference describes it (7.4), with the logins of Entra ID and of a machine.

mod logins;
mod more;

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
    /// The version that counts, if it can be read.
    fn current(&self) -> Option<&Version> {
        self.versions.last().filter(|version| !self.deleted && version.enabled)
    }

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
            "PATCH" if self.read_only => Ok(refused(403, "Forbidden", "ForbiddenByRbac")),
            "PATCH" if seen.json()?["attributes"] == json!({"enabled": false}) => {
                let body = seen.json()?;
                if let Some(odd) =
                    body.as_object().unwrap().keys().find(|key| *key != "attributes" && *key != "tags")
                {
                    return Err(format!("field {odd}"));
                }
                // Tags replace all that there are.
                if body["tags"].is_object() {
                    version.rest["tags"] = body["tags"].clone();
                }
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
            (_, path) if there && path.starts_with("/n8n-api-key/") => {
                let id = path.trim_start_matches("/n8n-api-key/").to_owned();
                state.version(seen, &id)
            }
            ("GET" | "PATCH", _) => Ok(refused(404, "SecretNotFound", "")),
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
        state.current().map(|version| version.value.clone())
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        state.current().map_or_else(rest, |version| version.rest.clone()).to_string()
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
