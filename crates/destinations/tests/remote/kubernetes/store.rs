//! Secrets as the API server keeps them: with a version, and with who manages which field.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::server::Reply;

/// Who wrote a field, and how: `Apply` or `Update`.
pub(crate) type Manager = (String, &'static str);

#[derive(Clone)]
pub(crate) struct Stored {
    /// In Base64.
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) version: u64,
    pub(crate) uid: String,
    pub(crate) immutable: bool,
    pub(crate) kind: &'static str,
    pub(crate) managers: BTreeMap<Manager, BTreeSet<String>>,
}

#[derive(Clone, Default)]
pub(crate) struct Store {
    pub(crate) secrets: BTreeMap<(String, String), Stored>,
    pub(crate) namespaces: BTreeSet<String>,
    version: u64,
}

/// What an apply asks for.
pub(crate) struct Apply<'a> {
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) version: Option<&'a str>,
    pub(crate) uid: Option<&'a str>,
    pub(crate) force: bool,
    pub(crate) may_create: bool,
}

pub(crate) fn status(code: u16, reason: &str, message: &str, details: &Value) -> Reply {
    Reply::json(
        code,
        &json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "details": details, "code": code,
        }),
    )
}

pub(crate) fn forbidden(verb: &str, name: &str) -> Reply {
    let message = format!(
        "secrets \"{name}\" is forbidden: User \"system:serviceaccount:backups:canary\" cannot {verb} resource \"secrets\" in API group \"\" in the namespace \"backups\""
    );
    status(403, "Forbidden", &message, &json!({"name": name, "kind": "secrets"}))
}

pub(crate) fn missing(kind: &str, name: &str) -> Reply {
    let message = format!("{kind} \"{name}\" not found");
    status(404, "NotFound", &message, &json!({"name": name, "kind": kind}))
}

pub(crate) fn modified(kind: &str, name: &str) -> Reply {
    let message = format!(
        "Operation cannot be fulfilled on {kind} \"{name}\": the object has been modified; please apply your changes to the latest version and try again"
    );
    status(409, "Conflict", &message, &json!({"name": name, "kind": kind}))
}

fn immutable(name: &str) -> Reply {
    let cause = "Forbidden: field is immutable when `immutable` is set";
    let message = format!("Secret \"{name}\" is invalid: data: {cause}");
    let causes = json!([{"reason": "FieldValueForbidden", "message": cause, "field": "data"}]);
    status(422, "Invalid", &message, &json!({"name": name, "kind": "Secret", "causes": causes}))
}

/// As a write that is no apply does it: what it changes is its own from then on.
pub(crate) fn set(store: &mut Store, at: (&str, &str), manager: Manager, key: &str, text: &str) {
    store.version += 1;
    let version = store.version;
    let at = (at.0.to_owned(), at.1.to_owned());
    let stored = store.secrets.entry(at).or_insert_with(|| fresh(version));
    stored.version = version;
    stored.data.insert(key.to_owned(), STANDARD.encode(text));
    for keys in stored.managers.values_mut() {
        keys.remove(key);
    }
    stored.managers.entry(manager).or_default().insert(key.to_owned());
}

fn fresh(version: u64) -> Stored {
    Stored {
        data: BTreeMap::new(),
        version,
        uid: format!("6a1c6b2e-0000-4000-8000-{version:012}"),
        immutable: false,
        kind: "Opaque",
        managers: BTreeMap::new(),
    }
}

impl Store {
    /// An empty one, by `keywright`, that applies nothing yet.
    pub(crate) fn create(&mut self, at: &(String, String)) -> Reply {
        let name = at.1.as_str();
        if !self.namespaces.contains(&at.0) {
            return missing("namespaces", &at.0);
        }
        if self.secrets.contains_key(at) {
            let message = format!("secrets \"{name}\" already exists");
            return status(409, "AlreadyExists", &message, &json!({"name": name, "kind": "secrets"}));
        }
        self.version += 1;
        let mut stored = fresh(self.version);
        stored.managers.insert(("keywright".to_owned(), "Update"), BTreeSet::new());
        let reply = Reply::json(201, &stored.json(at));
        self.secrets.insert(at.clone(), stored);
        reply
    }

    /// A server-side apply by `keywright`.
    pub(crate) fn apply(&mut self, at: &(String, String), ask: &Apply<'_>) -> Reply {
        let us: Manager = ("keywright".to_owned(), "Apply");
        let name = at.1.as_str();
        let Some(stored) = self.secrets.get(at) else {
            if !ask.may_create {
                return forbidden("create", name);
            }
            if !self.namespaces.contains(&at.0) {
                return missing("namespaces", &at.0);
            }
            if ask.uid.is_some() {
                return modified("secrets", name);
            }
            self.version += 1;
            let mut stored = fresh(self.version);
            stored.managers.insert(us, ask.data.keys().cloned().collect());
            stored.data.clone_from(&ask.data);
            let reply = Reply::json(201, &stored.json(at));
            self.secrets.insert(at.clone(), stored);
            return reply;
        };
        let mut next = stored.clone();
        let mut causes = Vec::new();
        for (key, value) in &ask.data {
            if next.data.get(key) == Some(value) {
                continue;
            }
            for (manager, keys) in &mut next.managers {
                if *manager != us && keys.remove(key) {
                    causes.push(json!({
                        "reason": "FieldManagerConflict",
                        "message": format!("conflict with {:?} using v1", manager.0),
                        "field": format!(".data.{key}"),
                    }));
                }
            }
        }
        if !causes.is_empty() && !ask.force {
            let message = format!("Apply failed with {} conflicts: canary", causes.len());
            return status(409, "Conflict", &message, &json!({"causes": causes}));
        }
        // What we applied before and leave out now is taken away, if nobody shares it.
        let before = next.managers.insert(us, ask.data.keys().cloned().collect()).unwrap_or_default();
        for key in before.iter().filter(|key| !ask.data.contains_key(*key)) {
            if !next.managers.values().any(|keys| keys.contains(key)) {
                next.data.remove(key);
            }
        }
        next.data.extend(ask.data.clone());
        let stale = ask.version.is_some_and(|version| version != stored.version.to_string());
        if stale || ask.uid.is_some_and(|uid| uid != stored.uid) {
            return modified("secrets", name);
        }
        if next.immutable && next.data != stored.data {
            return immutable(name);
        }
        self.version += 1;
        next.version = self.version;
        let reply = Reply::json(200, &next.json(at));
        self.secrets.insert(at.clone(), next);
        reply
    }

    /// A merge patch that takes a key away.
    pub(crate) fn remove(&mut self, at: &(String, String), version: &str, key: &str) -> Reply {
        self.version += 1;
        let next = self.version;
        let Some(stored) = self.secrets.get_mut(at) else { return missing("secrets", &at.1) };
        if version != stored.version.to_string() {
            return modified("secrets", &at.1);
        }
        if stored.immutable {
            return immutable(&at.1);
        }
        stored.data.remove(key);
        stored.version = next;
        for keys in stored.managers.values_mut() {
            keys.remove(key);
        }
        Reply::json(200, &stored.json(at))
    }
}

impl Stored {
    pub(crate) fn json(&self, (namespace, name): &(String, String)) -> Value {
        let managed: Vec<Value> = self
            .managers
            .iter()
            .map(|((manager, operation), keys)| {
                let fields: BTreeMap<String, Value> =
                    keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
                json!({
                    "manager": manager, "operation": operation, "apiVersion": "v1",
                    "time": "2026-11-27T10:00:00Z", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": fields},
                })
            })
            .collect();
        let mut object = json!({
            "kind": "Secret", "apiVersion": "v1", "type": self.kind,
            "metadata": {
                "name": name, "namespace": namespace, "uid": self.uid,
                "resourceVersion": self.version.to_string(),
                "creationTimestamp": "2026-11-27T10:00:00Z", "managedFields": managed,
            },
        });
        // As the real one: nothing is left out rather than empty.
        if !self.data.is_empty() {
            object["data"] = json!(self.data);
        }
        if self.immutable {
            object["immutable"] = json!(true);
        }
        object
    }
}
