//! A 1Password Connect server as its API reference describes it.
//!
//! Whether it refuses a stale version is not written: here are one that does and one that does not.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::{
    place::RemotePlace,
    server::{Reply, Seen, Server, Shape},
};

const TOKEN: &str = "canary-connect-token";
const VAULT: &str = "ionaiwtdvgclrixbt6ztpqcxnq";
const ITEM: &str = "p7eflcy7f5mk7vg6zrzf5rjjyu";

struct State {
    item: Option<Value>,
    changes: u32,
    read_only: bool,
    locked_out: bool,
    strict: bool,
}

struct Connect(Mutex<State>);

/// `STRICT` refuses a stale version.
pub(crate) struct ConnectPlace<const STRICT: bool> {
    server: Server,
    state: Arc<Connect>,
}

fn refused(status: u16) -> Reply {
    Reply::json(status, &json!({"status": status, "message": "canary"}))
}

fn item() -> Value {
    json!({
        "id": ITEM, "title": "n8n backups", "vault": {"id": VAULT}, "category": "API_CREDENTIAL", "version": 1,
        "tags": ["ops"], "favorite": false, "createdAt": "2026-01-02T03:04:05Z", "updatedAt": "2026-01-02T03:04:05Z",
        "lastEditedBy": "EVJUH4UGUJDGDJCZLNCWGZOYUM", "newer": {"than": ["we", 1.5, null]},
        "sections": [{"id": "add more", "label": "Prod"}],
        "fields": [
            {"id": "username", "type": "STRING", "purpose": "USERNAME", "label": "username", "value": "backup"},
            {"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain", "value": "a\nb"}
        ]
    })
}

/// The field that is delivered to.
fn key_in(item: &Value) -> Option<usize> {
    item["fields"].as_array().unwrap().iter().position(|field| field["label"] == "api key")
}

impl Connect {
    fn put(state: &mut State, seen: &Seen) -> Result<Reply, String> {
        let mut sent = seen.json()?;
        let held = state.item.clone().ok_or("put of what is not there")?;
        for member in ["id", "title", "vault", "category", "tags", "newer", "createdAt", "sections"] {
            if sent[member] != held[member] {
                return Err(format!("`{member}` is another"));
            }
        }
        for field in sent["fields"].as_array().ok_or("no fields")? {
            for member in ["id", "type"] {
                field[member].as_str().ok_or(format!("a field without {member}"))?;
            }
        }
        let version = sent["version"].as_u64().ok_or("no version")?;
        if state.read_only {
            return Ok(refused(403));
        }
        let current = held["version"].as_u64().unwrap();
        if version > current {
            return Err("a version that is not there yet".into());
        }
        if state.strict && version != current {
            return Ok(refused(409));
        }
        sent["version"] = json!(current + 1);
        state.item = Some(sent.clone());
        Ok(Reply::json(200, &sent))
    }
}

impl Shape for Connect {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        if seen.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Err("authorization".into());
        }
        if state.locked_out {
            return Ok(refused(401));
        }
        let (items, one) = (format!("/v1/vaults/{VAULT}/items"), format!("/v1/vaults/{VAULT}/items/{ITEM}"));
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/v1/vaults") => match seen.query("filter") {
                None | Some("name eq \"Automation\"") => {
                    Ok(Reply::json(200, &json!([{"id": VAULT, "name": "Automation", "items": 1}])))
                }
                Some(_) => Ok(Reply::json(200, &json!([]))),
            },
            ("GET", path) if path == items => match seen.query("filter") {
                None | Some("title eq \"n8n backups\"") => {
                    let mut list: Vec<Value> = state.item.iter().cloned().collect();
                    for item in &mut list {
                        let item = item.as_object_mut().unwrap();
                        item.retain(|member, _| member != "fields" && member != "sections");
                    }
                    Ok(Reply::json(200, &json!(list)))
                }
                Some(_) => Ok(Reply::json(200, &json!([]))),
            },
            ("GET", path) if path == one => match &state.item {
                Some(item) => Ok(Reply::json(200, item)),
                None => Ok(refused(404)),
            },
            ("PUT", path) if path == one => Self::put(&mut state, seen),
            _ => Err("no such route".into()),
        }
    }
}

impl<const STRICT: bool> RemotePlace for ConnectPlace<STRICT> {
    const LOCKED: bool = STRICT;
    const TELLS_PERMISSION: bool = false;

    async fn start() -> Self {
        let state =
            State { item: Some(item()), changes: 0, read_only: false, locked_out: false, strict: STRICT };
        let state = Arc::new(Connect(Mutex::new(state)));
        Self { server: Server::start(state.clone()).await, state }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        ("1password", Vec::new())
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("OP_CONNECT_HOST", self.server.url.clone()), ("OP_CONNECT_TOKEN", TOKEN.to_owned())]
    }

    fn address(&self) -> String {
        "1password:Automation/n8n backups#api key".to_owned()
    }

    fn put_by_hand(&self, key: &str) {
        let mut state = self.state.0.lock().unwrap();
        let item = state.item.as_mut().unwrap();
        match key_in(item) {
            Some(index) => item["fields"][index]["value"] = json!(key),
            None => item["fields"].as_array_mut().unwrap().push(json!({
                "id": "bbbbbbbbbbbbbbbbbbbbbbbbbb", "type": "CONCEALED", "label": "api key", "value": key,
                "section": {"id": "add more"}, "entropy": 120.436_912_3
            })),
        }
        item["version"] = json!(item["version"].as_u64().unwrap() + 1);
    }

    fn look(&self) -> Option<String> {
        let state = self.state.0.lock().unwrap();
        let item = state.item.as_ref()?;
        let fields = item["fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["label"] == "api key")?;
        Some(field["value"].as_str().unwrap().to_owned())
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        let mut item = state.item.clone().unwrap();
        item["version"] = json!(0);
        item["fields"].as_array_mut().unwrap().retain(|field| field["label"] != "api key");
        item.to_string()
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.changes += 1;
            let changes = state.changes;
            let item = state.item.as_mut().unwrap();
            item["fields"][0]["value"] = json!(format!("{changes}-by-hand"));
            item["version"] = json!(item["version"].as_u64().unwrap() + 1);
        })
    }

    fn take_away(&self) -> bool {
        self.state.0.lock().unwrap().item = None;
        true
    }

    fn forbid(&self) {
        self.state.0.lock().unwrap().read_only = true;
    }

    fn lock_out(&self) {
        self.state.0.lock().unwrap().locked_out = true;
    }
}
