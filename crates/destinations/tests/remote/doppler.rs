//! Doppler as its API reference describes it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use model::DestinationErrorKind as Kind;
use serde_json::{Value, json};

use crate::{
    place::{RemotePlace, key, open},
    server::{Reply, Seen, Server, Shape},
};

const TOKEN: &str = "canary-doppler-token";
const NAME: &str = "N8N_API_KEY";

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a test turns")]
struct State {
    secrets: BTreeMap<String, String>,
    changes: u32,
    restricted: bool,
    gone: bool,
    read_only: bool,
    locked_out: bool,
}

#[derive(Default)]
struct Doppler(Mutex<State>);

pub(crate) struct DopplerPlace {
    server: Server,
    state: Arc<Doppler>,
}

fn value(text: &str) -> Value {
    json!({"raw": text, "computed": text, "rawVisibility": "masked", "computedVisibility": "masked", "note": ""})
}

impl Shape for Doppler {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let refused =
            |status: u16| Ok(Reply::json(status, &json!({"messages": ["canary"], "success": false})));
        if seen.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Err("authorization".into());
        }
        if state.locked_out {
            return refused(401);
        }
        let known = |project: Option<&str>, config: Option<&str>| {
            project == Some("backups") && config == Some("prd") && !state.gone
        };
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/v3/projects") => Ok(Reply::json(
                200,
                &json!({"page": 1, "projects": [{"id": "backups", "slug": "backups", "name": "backups"}]}),
            )),
            ("GET", "/v3/configs") => Ok(Reply::json(
                200,
                &json!({"page": 1, "configs": [{"name": "prd", "project": "backups", "locked": false}]}),
            )),
            ("GET", "/v3/configs/config") if known(seen.query("project"), seen.query("config")) => {
                Ok(Reply::json(200, &json!({"config": {"name": "prd", "project": "backups"}})))
            }
            ("GET", "/v3/configs/config/secret") if known(seen.query("project"), seen.query("config")) => {
                let name = seen.query("name").ok_or("name is required")?;
                if state.restricted {
                    let value =
                        json!({"raw": null, "computed": null, "rawVisibility": "restricted", "note": ""});
                    return Ok(Reply::json(200, &json!({"name": name, "value": value, "success": true})));
                }
                match state.secrets.get(name) {
                    Some(text) => {
                        Ok(Reply::json(200, &json!({"name": name, "value": value(text), "success": true})))
                    }
                    None => refused(404),
                }
            }
            ("GET", "/v3/configs/config/secrets") if known(seen.query("project"), seen.query("config")) => {
                let all: BTreeMap<_, _> =
                    state.secrets.iter().map(|(name, text)| (name, value(text))).collect();
                Ok(Reply::json(200, &json!({"secrets": all})))
            }
            ("POST", "/v3/configs/config/secrets") => {
                let body = seen.json()?;
                let fields: Vec<&str> =
                    body.as_object().ok_or("no object")?.keys().map(String::as_str).collect();
                if fields != ["change_requests", "config", "project"] {
                    return Err(format!("fields {fields:?}"));
                }
                if state.read_only {
                    return refused(403);
                }
                if !known(body["project"].as_str(), body["config"].as_str()) {
                    return refused(404);
                }
                for change in body["change_requests"].as_array().ok_or("no list")? {
                    let allowed = ["name", "originalName", "value", "originalValue", "shouldDelete"];
                    let object = change.as_object().ok_or("no object")?;
                    if let Some(odd) = object.keys().find(|key| !allowed.contains(&key.as_str())) {
                        return Err(format!("field {odd}"));
                    }
                    let name = change["name"].as_str().ok_or("no name")?.to_owned();
                    let held = state.secrets.get(&name).cloned();
                    let expected = change["originalValue"].as_str().map(str::to_owned);
                    if change["originalName"].as_str() != held.as_ref().map(|_| name.as_str())
                        || expected != held
                    {
                        return refused(400);
                    }
                    match change["value"].as_str() {
                        Some(text) => drop(state.secrets.insert(name, text.to_owned())),
                        None if change["shouldDelete"] == json!(true) => drop(state.secrets.remove(&name)),
                        None => return Err("neither value nor deletion".into()),
                    }
                }
                Ok(Reply::json(200, &json!({"secrets": {}})))
            }
            ("GET", "/v3/configs/config" | "/v3/configs/config/secret" | "/v3/configs/config/secrets") => {
                refused(404)
            }
            _ => Err("no such route".into()),
        }
    }
}

impl RemotePlace for DopplerPlace {
    const TELLS_PERMISSION: bool = false;

    async fn start() -> Self {
        let state = Arc::new(Doppler::default());
        Self { server: Server::start(state.clone()).await, state }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        ("doppler", vec![("url", self.server.url.clone()), ("token", "env:TOKEN".to_owned())])
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("TOKEN", TOKEN.to_owned())]
    }

    fn address(&self) -> String {
        format!("doppler:backups/prd#{NAME}")
    }

    fn put_by_hand(&self, key: &str) {
        let mut state = self.state.0.lock().unwrap();
        state.secrets.insert(NAME.to_owned(), key.to_owned());
        state.secrets.insert("OTHER".to_owned(), "other".to_owned());
    }

    fn look(&self) -> Option<String> {
        self.state.0.lock().unwrap().secrets.get(NAME).cloned()
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        let others: BTreeMap<_, _> = state.secrets.iter().filter(|(name, _)| *name != NAME).collect();
        format!("{others:?}")
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.changes += 1;
            let by_hand = format!("{}-by-hand", state.changes);
            state.secrets.insert(NAME.to_owned(), by_hand);
            state.secrets.insert("OTHER".to_owned(), "by-hand".to_owned());
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
}

#[tokio::test]
async fn a_restricted_secret_is_refused_before_anything_is_written() {
    let place = DopplerPlace::start().await;
    place.put_by_hand("old");
    place.state.0.lock().unwrap().restricted = true;
    let destination = open(&place);
    for failure in [
        destination.check().await.unwrap_err(),
        destination.read().await.unwrap_err(),
        destination.deliver(&key("one")).await.unwrap_err(),
    ] {
        assert_eq!(failure.kind, Kind::Denied, "{failure}");
        assert!(failure.report.because.concat().contains("restricted"), "{failure}");
    }
    assert_eq!((place.look().as_deref(), place.server.writes()), (Some("old"), 0));
    place.server.assert_clean();
}
