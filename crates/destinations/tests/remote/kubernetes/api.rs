//! The API of Kubernetes, as its reference describes it and as its source does it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Mutex,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::store::{Apply, Store, forbidden, missing, status};
use crate::server::{Reply, Seen, Shape};

pub(crate) const TOKEN: &str = "canary-service-account-token";

pub(crate) struct State {
    pub(crate) store: Store,
    /// Verbs that the role does not have.
    pub(crate) denied: BTreeSet<&'static str>,
    pub(crate) token: String,
    /// Answers to the next lists that go on; then they go on.
    pub(crate) expiries: VecDeque<Option<&'static str>>,
    pub(crate) cluster_wide: bool,
    /// What a deployment is answered with, one after the other; the last one again and again.
    pub(crate) workload: VecDeque<Value>,
    pub(crate) restarts: Vec<String>,
    /// Answered to every patch, if it is there.
    pub(crate) refusal: Option<Reply>,
}

pub(crate) struct Kubernetes(pub(crate) Mutex<State>);

impl Default for Kubernetes {
    fn default() -> Self {
        let mut store = Store::default();
        store.namespaces.insert("backups".to_owned());
        Self(Mutex::new(State {
            store,
            denied: BTreeSet::new(),
            token: TOKEN.to_owned(),
            expiries: VecDeque::new(),
            cluster_wide: true,
            workload: VecDeque::new(),
            restarts: Vec::new(),
            refusal: None,
        }))
    }
}

/// Exactly these parameters, each once; those with a `?` may be missing.
fn only(seen: &Seen, names: &[&str]) -> Result<(), String> {
    let given: Vec<&str> = seen.query.iter().map(|(name, _)| name.as_str()).collect();
    let known: Vec<&str> = names.iter().map(|name| name.trim_end_matches('?')).collect();
    let missing = names.iter().any(|name| !name.ends_with('?') && !given.contains(name));
    let odd = given.iter().any(|name| !known.contains(name));
    if missing || odd || given.iter().collect::<BTreeSet<_>>().len() != given.len() {
        return Err(format!("parameters {given:?}"));
    }
    Ok(())
}

fn fields<'v>(value: &'v Value, names: &[&str]) -> Result<&'v serde_json::Map<String, Value>, String> {
    let object = value.as_object().ok_or("no object")?;
    match object.keys().find(|key| !names.contains(&key.as_str())) {
        Some(odd) => Err(format!("field {odd}")),
        None => Ok(object),
    }
}

impl State {
    /// Makes an empty Secret, if there is none.
    fn create(&mut self, seen: &Seen, namespace: &str) -> Result<Reply, String> {
        only(seen, &["fieldManager", "dryRun?"])?;
        let trial = seen.query("dryRun") == Some("All");
        if seen.query("fieldManager") != Some("keywright") || seen.query("dryRun").is_some() != trial {
            return Err(format!("parameters {:?}", seen.query));
        }
        let body = seen.json()?;
        let name = body["metadata"]["name"].as_str().ok_or("no name")?;
        let metadata = json!({"name": name, "namespace": namespace});
        if body != json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque"}) {
            return Err(format!("{body}"));
        }
        // Who may make one is asked before its name is known.
        if self.denied.contains("create") {
            return Ok(forbidden("create", ""));
        }
        let at = (namespace.to_owned(), name.to_owned());
        Ok(if trial { self.store.clone().create(&at) } else { self.store.create(&at) })
    }

    fn apply(&mut self, seen: &Seen, at: &(String, String)) -> Result<Reply, String> {
        only(seen, &["fieldManager", "force", "dryRun?"])?;
        let force = seen.query("force") == Some("true");
        let trial = seen.query("dryRun") == Some("All");
        if seen.query("fieldManager") != Some("keywright") || seen.query("dryRun").is_some() != trial {
            return Err(format!("parameters {:?}", seen.query));
        }
        let body: Value = serde_json::from_slice(&seen.body).map_err(|error| error.to_string())?;
        fields(&body, &["apiVersion", "kind", "metadata", "data"])?;
        fields(&body["metadata"], &["name", "namespace", "resourceVersion", "uid"])?;
        if body["apiVersion"] != "v1" || body["kind"] != "Secret" || body["metadata"]["name"] != at.1.as_str()
        {
            return Err("another object".into());
        }
        let mut data = BTreeMap::new();
        for (key, value) in body["data"].as_object().ok_or("no data")? {
            let value = value.as_str().ok_or("no text")?;
            STANDARD.decode(value).map_err(|error| error.to_string())?;
            data.insert(key.clone(), value.to_owned());
        }
        let version = body["metadata"]["resourceVersion"].as_str();
        if !trial && (version.is_none() || body["metadata"]["uid"].is_null()) {
            return Err("written without a lock".into());
        }
        if self.denied.contains("patch") {
            return Ok(forbidden("patch", &at.1));
        }
        let ask = Apply {
            data,
            version,
            uid: body["metadata"]["uid"].as_str(),
            force,
            may_create: !self.denied.contains("create"),
        };
        if trial { Ok(self.store.clone().apply(at, &ask)) } else { Ok(self.store.apply(at, &ask)) }
    }

    fn merge(&mut self, seen: &Seen, at: &(String, String)) -> Result<Reply, String> {
        only(seen, &["fieldManager"])?;
        let body = seen.json()?;
        fields(&body, &["metadata", "data"])?;
        fields(&body["metadata"], &["resourceVersion"])?;
        let version = body["metadata"]["resourceVersion"].as_str().ok_or("no lock")?;
        let data = body["data"].as_object().ok_or("no data")?;
        let [(key, Value::Null)] = data.iter().collect::<Vec<_>>()[..] else {
            return Err("another key".into());
        };
        if self.denied.contains("patch") {
            return Ok(forbidden("patch", &at.1));
        }
        Ok(self.store.remove(at, version, key))
    }

    fn list(&mut self, seen: &Seen, namespace: Option<&str>) -> Result<Reply, String> {
        only(seen, &["limit", "fieldSelector", "continue?"])?;
        if seen.query("fieldSelector") != Some("type!=helm.sh/release.v1") {
            return Err("fieldSelector".into());
        }
        if self.denied.contains("list") || (namespace.is_none() && !self.cluster_wide) {
            return Ok(forbidden("list", ""));
        }
        let limit: usize = seen.query("limit").and_then(|limit| limit.parse().ok()).ok_or("limit")?;
        let from = seen.query("continue").map_or(Some(0), |next| next.parse().ok()).ok_or("no such token")?;
        if from > 0
            && let Some(onward) = self.expiries.pop_front()
        {
            let mut reply =
                status(410, "Expired", "The provided continue parameter is too old", &json!(null));
            if let Some(onward) = onward {
                let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
                body["metadata"]["continue"] = json!(onward);
                reply.body = serde_json::to_vec(&body).unwrap();
            }
            return Ok(reply);
        }
        let all: Vec<Value> = self
            .store
            .secrets
            .iter()
            .filter(|((of, _), stored)| {
                namespace.is_none_or(|namespace| namespace == of) && stored.kind != "helm.sh/release.v1"
            })
            .map(|(at, stored)| stored.json(at))
            .collect();
        let items: Vec<Value> = all.iter().skip(from).take(limit).cloned().collect();
        let mut metadata = json!({"resourceVersion": "1"});
        if all.len() > from + limit {
            metadata["continue"] = json!((from + limit).to_string());
        }
        Ok(Reply::json(
            200,
            &json!({"kind": "SecretList", "apiVersion": "v1", "metadata": metadata, "items": items}),
        ))
    }

    fn restart(&mut self, seen: &Seen, name: &str) -> Result<Reply, String> {
        only(seen, &["fieldManager", "dryRun?"])?;
        if seen.header("content-type") != Some("application/strategic-merge-patch+json") {
            return Err(format!("content-type {:?}", seen.header("content-type")));
        }
        let body = seen.json()?;
        let now = &body["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"];
        let now = now.as_str().ok_or("no time")?;
        now.parse::<model::Timestamp>().map_err(|error| error.to_string())?;
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": now, "keywright.io/rotation": super::rollouts::ROTATION});
        if body != json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}) {
            return Err(format!("{body}"));
        }
        if self.denied.contains("patch") {
            return Ok(forbidden("patch", name));
        }
        if seen.query("dryRun").is_none() {
            self.restarts.push(name.to_owned());
        }
        Ok(Reply::json(200, self.workload.front().ok_or("no workload")?))
    }
}

impl Shape for Kubernetes {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        if seen.header("accept") != Some("application/json") {
            return Err("accept".into());
        }
        if seen.header("authorization") != Some(&format!("Bearer {}", state.token)) {
            return Ok(status(401, "Unauthorized", "Unauthorized", &json!(null)));
        }
        if let (true, Some(reply)) = (seen.method == "PATCH", &state.refusal) {
            return Ok(reply.clone());
        }
        let parts: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "v1", "secrets"]) => state.list(seen, None),
            ("GET", ["api", "v1", "namespaces", namespace, "secrets"]) => state.list(seen, Some(namespace)),
            ("GET", ["api", "v1", "namespaces", namespace, "secrets", name]) => {
                only(seen, &[])?;
                if state.denied.contains("get") {
                    return Ok(forbidden("get", name));
                }
                let at = ((*namespace).to_owned(), (*name).to_owned());
                Ok(match state.store.secrets.get(&at) {
                    Some(stored) => Reply::json(200, &stored.json(&at)),
                    None => missing("secrets", name),
                })
            }
            ("POST", ["api", "v1", "namespaces", namespace, "secrets"]) => state.create(seen, namespace),
            ("PATCH", ["api", "v1", "namespaces", namespace, "secrets", name]) => {
                let at = ((*namespace).to_owned(), (*name).to_owned());
                match seen.header("content-type") {
                    Some("application/apply-patch+yaml") => state.apply(seen, &at),
                    Some("application/merge-patch+json") => state.merge(seen, &at),
                    media => Err(format!("content-type {media:?}")),
                }
            }
            (
                "GET",
                ["apis", "apps", "v1", "namespaces", _, "deployments" | "statefulsets" | "daemonsets", name],
            ) => {
                only(seen, &[])?;
                let next = if state.workload.len() > 1 {
                    state.workload.pop_front()
                } else {
                    state.workload.front().cloned()
                };
                Ok(next.map_or_else(|| missing("deployments", name), |workload| Reply::json(200, &workload)))
            }
            (
                "PATCH",
                ["apis", "apps", "v1", "namespaces", _, "deployments" | "statefulsets" | "daemonsets", name],
            ) => state.restart(seen, name),
            _ => Err("no such route".into()),
        }
    }

    fn writes(&self, seen: &Seen) -> bool {
        seen.writes() && seen.query("dryRun").is_none()
    }
}
