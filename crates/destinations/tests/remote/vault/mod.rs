//! Vault and `OpenBao` as their API references describe them.

mod cases;
mod engine;
mod finds;
mod logins;
mod places;
mod policy;
mod refusals;
mod ways;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use serde_json::{Value, json};

pub(crate) use self::places::{BaoPlace, V1Place, V2Place};
use self::{engine::Engine, places::Place, policy::Policy};
use crate::server::{Reply, Seen, Shape};

/// What the tests know of a server, and change of it.
pub(super) struct State {
    /// By path, without the `/` at the end.
    pub(super) mounts: BTreeMap<String, Engine>,
    pub(super) policy: Policy,
    /// Tokens that hold.
    pub(super) tokens: BTreeSet<String>,
    /// Where everything is; `None` for a server that has no namespaces.
    pub(super) namespace: Option<String>,
    /// Where it is logged in.
    pub(super) login_namespace: Option<String>,
    pub(super) role: Option<(String, String)>,
    /// Seconds that a login holds.
    pub(super) lease: u32,
    pub(super) logins: u32,
    pub(super) sealed: bool,
    /// Whether it can be asked for its mounts.
    pub(super) tells_mounts: bool,
    /// Whether it knows `PATCH`.
    pub(super) patches: bool,
    /// What writes are answered with instead, though they are carried out.
    pub(super) lie: Option<Value>,
    /// What every call is answered with, as a node does that serves nothing.
    pub(super) serves_nothing: Option<u16>,
}

pub(super) struct Vault(pub(super) Mutex<State>);

impl Default for State {
    fn default() -> Self {
        Self {
            mounts: BTreeMap::new(),
            policy: Policy::default(),
            tokens: BTreeSet::new(),
            namespace: None,
            login_namespace: None,
            role: None,
            lease: 3600,
            logins: 0,
            sealed: false,
            tells_mounts: true,
            patches: true,
            lie: None,
            serves_nothing: None,
        }
    }
}

pub(super) fn refused(status: u16, line: &str) -> Reply {
    let errors: Vec<&str> = if line.is_empty() { Vec::new() } else { vec![line] };
    Reply::json(status, &json!({"errors": errors}))
}

/// A path with its names decoded.
fn decoded(path: &str) -> String {
    let query = format!("path={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).next().unwrap().1.into_owned()
}

impl State {
    /// The mount that a path lies in, and what is behind it.
    fn split<'p>(&self, path: &'p str) -> Option<(String, &'p str)> {
        self.mounts.keys().find_map(|mount| {
            let rest = path.strip_prefix(mount.as_str())?.strip_prefix('/')?;
            Some((mount.clone(), rest))
        })
    }

    fn system(&self, seen: &Seen, path: &str) -> Result<Reply, String> {
        let told = |path: &str, engine: &Engine| {
            json!({
                "path": format!("{path}/"), "type": "kv", "options": engine.options(), "accessor": "kv_1", "local": false,
            })
        };
        match (seen.method.as_str(), path) {
            ("GET", "auth/token/lookup-self") => Ok(Reply::json(200, &json!({"data": {"ttl": 3600}}))),
            ("GET", "sys/internal/ui/mounts") if self.tells_mounts => {
                let mut secret: serde_json::Map<String, Value> = self
                    .mounts
                    .iter()
                    .map(|(path, engine)| (format!("{path}/"), told(path, engine)))
                    .collect();
                secret.insert("pki/".into(), json!({"type": "pki", "options": null}));
                Ok(Reply::json(200, &json!({"data": {"secret": secret, "auth": {}}})))
            }
            ("GET", "sys/mounts") if !self.tells_mounts => {
                let mut all: serde_json::Map<String, Value> =
                    self.mounts.keys().map(|path| (format!("{path}/"), json!({"type": "kv"}))).collect();
                all.insert("request_id".into(), json!("x"));
                Ok(Reply::json(200, &Value::Object(all)))
            }
            ("GET", _) if path.starts_with("sys/internal/ui/mounts/") && self.tells_mounts => {
                let asked = path.trim_start_matches("sys/internal/ui/mounts/");
                if asked.starts_with("pki/") {
                    return Ok(Reply::json(
                        200,
                        &json!({"data": {"path": "pki/", "type": "pki", "options": null}}),
                    ));
                }
                Ok(match self.split(asked) {
                    Some((mount, _)) if self.policy.knows(&mount) => {
                        Reply::json(200, &json!({"data": told(&mount, &self.mounts[&mount])}))
                    }
                    _ => refused(403, "preflight capability check returned 403, canary"),
                })
            }
            ("POST", "sys/capabilities-self") => {
                let body = seen.json()?;
                let mut told = serde_json::Map::new();
                for path in body["paths"].as_array().ok_or("no paths")? {
                    let path = path.as_str().ok_or("no text")?;
                    told.insert(path.to_owned(), json!(self.policy.capabilities(path)));
                }
                told.insert("data".into(), Value::Object(told.clone()));
                Ok(Reply::json(200, &Value::Object(told)))
            }
            _ => Ok(refused(404, "")),
        }
    }
}

impl Shape for Vault {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let path = decoded(seen.path.strip_prefix("/v1/").ok_or("not below /v1/")?);
        if path == "sys/seal-status" {
            return Ok(Reply::json(200, &json!({"sealed": state.sealed, "initialized": true})));
        }
        if seen.header("x-vault-request") != Some("true") {
            return Err("x-vault-request".into());
        }
        if state.sealed {
            return Ok(refused(503, "Vault is sealed"));
        }
        if let Some(status) = state.serves_nothing {
            return Ok(refused(status, ""));
        }
        if path.starts_with("auth/") && path.ends_with("/login") {
            return state.log_in(seen, &path);
        }
        let wanted = if path.starts_with("auth/") { &state.login_namespace } else { &state.namespace };
        if seen.header("x-vault-namespace") != wanted.as_deref() {
            return Ok(refused(404, "namespace not found"));
        }
        if seen.header("x-vault-token").is_none_or(|token| !state.tokens.contains(token)) {
            return Ok(refused(403, "permission denied, canary"));
        }
        if path.starts_with("sys/") || path.starts_with("auth/") {
            return state.system(seen, &path);
        }
        let Some((mount, rest)) = state.split(&path) else {
            return Ok(refused(404, "no handler for route, canary"));
        };
        if !state.patches && seen.method == "PATCH" {
            return Ok(refused(405, ""));
        }
        let State { mounts, policy, .. } = &mut *state;
        let engine = mounts.get_mut(&mount).unwrap();
        let needed = engine.needs(&seen.method, rest)?;
        if !policy.capabilities(&path).contains(&needed) {
            return Ok(refused(403, "permission denied, canary"));
        }
        let reply = engine.answer(seen, rest)?;
        Ok(match &state.lie {
            Some(lie) if self.writes(seen) => Reply::json(200, lie),
            _ => reply,
        })
    }

    fn is_login(&self, seen: &Seen) -> bool {
        seen.path.starts_with("/v1/auth/")
    }

    fn writes(&self, seen: &Seen) -> bool {
        seen.writes() && !self.is_login(seen) && !seen.path.starts_with("/v1/sys/")
    }
}

fn change(place: &Place, how: impl FnOnce(&mut State)) {
    how(&mut place.vault.0.lock().unwrap());
}

/// Methods and paths of the calls that changed something.
fn writes(place: &Place) -> Vec<String> {
    let seen = place.server.seen();
    let writes = seen.iter().filter(|seen| seen.writes() && !seen.path.starts_with("/v1/sys/"));
    writes.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
}
