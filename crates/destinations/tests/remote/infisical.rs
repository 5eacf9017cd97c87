//! Infisical as its API reference describes it: secrets v4, folders v2, Universal Auth.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::{
    place::RemotePlace,
    server::{Reply, Seen, Server, Shape},
};

const PROJECT: &str = "7d1b0e3c-5c0e-4a55-9c0a-2f3f0a8d1c11";
const NAME: &str = "N8N_API_KEY";
const CLIENT_SECRET: &str = "canary-client-secret";

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a test turns")]
struct State {
    secrets: BTreeMap<String, Value>,
    changes: u32,
    logins: u32,
    /// The session that is good; a login makes the next.
    session: u32,
    gone: bool,
    read_only: bool,
    locked_out: bool,
    approvals: bool,
    old_server: bool,
}

#[derive(Default)]
struct Infisical(Mutex<State>);

pub(crate) struct InfisicalPlace {
    server: Server,
    state: Arc<Infisical>,
}

fn refused(status: u16) -> Reply {
    Reply::json(status, &json!({"reqId": "r", "statusCode": status, "message": "canary", "error": "E"}))
}

fn secret(name: &str, value: &str, version: u64) -> Value {
    json!({
        "id": name, "_id": name, "workspace": PROJECT, "environment": "prod", "version": version, "type": "shared",
        "secretKey": name, "secretValue": value, "secretComment": "by hand", "secretValueHidden": false,
        "secretPath": "/backups/n8n", "tags": [{"id": "t", "slug": "ops"}], "skipMultilineEncoding": false
    })
}

impl State {
    fn knows(project: Option<&str>, environment: Option<&str>) -> bool {
        project == Some(PROJECT) && environment == Some("prod")
    }

    fn write(&mut self, seen: &Seen, name: &str) -> Result<Reply, String> {
        let body = seen.json()?;
        let object = body.as_object().ok_or("no object")?;
        let mut allowed = vec!["environment", "projectId", "secretPath", "type"];
        if seen.method != "DELETE" {
            allowed.push("secretValue");
        }
        let mut fields: Vec<&str> = object.keys().map(String::as_str).collect();
        allowed.sort_unstable();
        fields.sort_unstable();
        if fields != allowed || body["type"] != "shared" {
            return Err(format!("fields {fields:?}"));
        }
        if self.read_only {
            return Ok(refused(403));
        }
        if !Self::knows(body["projectId"].as_str(), body["environment"].as_str())
            || body["secretPath"] != "/backups/n8n"
            || self.gone
        {
            return Ok(refused(404));
        }
        if self.approvals {
            return Ok(Reply::json(200, &json!({"approval": {"id": "a", "status": "open"}})));
        }
        let done = |secret: &Value| Ok(Reply::json(200, &json!({"secret": secret})));
        match (seen.method.as_str(), self.secrets.get_mut(name)) {
            ("POST", Some(_)) => Ok(refused(400)),
            ("POST", None) => {
                let made = secret(name, body["secretValue"].as_str().ok_or("no value")?, 1);
                self.secrets.insert(name.to_owned(), made.clone());
                done(&made)
            }
            ("PATCH", Some(held)) => {
                held["secretValue"] = body["secretValue"].clone();
                held["version"] = json!(held["version"].as_u64().unwrap() + 1);
                done(held)
            }
            ("DELETE", Some(_)) => done(&self.secrets.remove(name).unwrap()),
            _ => Ok(refused(404)),
        }
    }

    fn read(&self, seen: &Seen, name: Option<&str>) -> Result<Reply, String> {
        for (wanted, value) in
            [("viewSecretValue", "true"), ("expandSecretReferences", "false"), ("include_imports", "false")]
        {
            if seen.query(wanted) != Some(value) {
                return Err(format!("{wanted} is not {value}"));
            }
        }
        if !Self::knows(seen.query("projectId"), seen.query("environment")) {
            return Ok(refused(404));
        }
        match name {
            None if seen.query("recursive") == Some("true") && seen.query("secretPath") == Some("/") => {
                let all: Vec<&Value> = self.secrets.values().collect();
                Ok(Reply::json(200, &json!({"secrets": all, "imports": []})))
            }
            None => Err("not all of it".into()),
            Some(name) => match self.secrets.get(name).filter(|_| !self.gone) {
                Some(held)
                    if seen.query("secretPath") == Some("/backups/n8n")
                        && seen.query("type") == Some("shared") =>
                {
                    Ok(Reply::json(200, &json!({"secret": held})))
                }
                _ => Ok(refused(404)),
            },
        }
    }
}

impl Shape for Infisical {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        if self.is_login(seen) {
            let wanted = match seen.path.as_str() {
                "/api/v1/auth/universal-auth/login" => {
                    json!({"clientId": "backups", "clientSecret": CLIENT_SECRET})
                }
                _ => json!({"identityId": "pod", "jwt": "canary-jwt"}),
            };
            if seen.json()? != wanted {
                return Err("credentials".into());
            }
            (state.logins, state.session) = (state.logins + 1, state.session + 1);
            let token = format!("canary-session-{}", state.session);
            return Ok(Reply::json(
                200,
                &json!({
                    "accessToken": token, "expiresIn": 7200, "accessTokenMaxTTL": 7200, "tokenType": "Bearer"
                }),
            ));
        }
        let session = format!("Bearer canary-session-{}", state.session);
        if state.locked_out || seen.header("authorization") != Some(&session) {
            return Ok(refused(401));
        }
        if state.old_server {
            let message = format!("Route {}:{} not found", seen.method, seen.path);
            return Ok(Reply::json(
                404,
                &json!({"message": message, "error": "Not Found", "statusCode": 404}),
            ));
        }
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/api/v1/projects") => Ok(Reply::json(
                200,
                &json!({"projects": [{"id": PROJECT, "name": "p", "environments": [{"id": "e", "name": "Prod", "slug": "prod"}]}]}),
            )),
            ("GET", "/api/v2/folders") => {
                if !State::knows(seen.query("projectId"), seen.query("environment")) {
                    return Ok(refused(404));
                }
                if seen.query("path") != Some("/backups") {
                    return Err(format!("path {:?}", seen.query("path")));
                }
                let folders = if state.gone { json!([]) } else { json!([{"id": "f", "name": "n8n"}]) };
                Ok(Reply::json(200, &json!({"folders": folders})))
            }
            ("GET", "/api/v4/secrets") => state.read(seen, None),
            (method, path) => match path.strip_prefix("/api/v4/secrets/") {
                Some(name) if method == "GET" => state.read(seen, Some(name)),
                Some(name) if matches!(method, "POST" | "PATCH" | "DELETE") => state.write(seen, name),
                _ => Err("no such route".into()),
            },
        }
    }

    fn is_login(&self, seen: &Seen) -> bool {
        let way = seen.path.strip_prefix("/api/v1/auth/").and_then(|path| path.strip_suffix("/login"));
        seen.method == "POST" && matches!(way, Some("universal-auth" | "kubernetes-auth" | "oidc-auth"))
    }
}

impl RemotePlace for InfisicalPlace {
    const LOCKED: bool = false;
    const TELLS_PERMISSION: bool = false;

    async fn start() -> Self {
        let state = Arc::new(Infisical::default());
        Self { server: Server::start(state.clone()).await, state }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let secret = "env:CLIENT_SECRET".to_owned();
        let url = format!("{}/api", self.server.url);
        ("infisical", vec![("url", url), ("client_id", "backups".to_owned()), ("client_secret", secret)])
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("CLIENT_SECRET", CLIENT_SECRET.to_owned())]
    }

    fn address(&self) -> String {
        format!("infisical:{PROJECT}/prod/backups/n8n#{NAME}")
    }

    fn put_by_hand(&self, key: &str) {
        let mut state = self.state.0.lock().unwrap();
        state.secrets.insert(NAME.to_owned(), secret(NAME, key, 4));
        state.secrets.insert("OTHER".to_owned(), secret("OTHER", "other", 2));
    }

    fn look(&self) -> Option<String> {
        let state = self.state.0.lock().unwrap();
        Some(state.secrets.get(NAME)?["secretValue"].as_str().unwrap().to_owned())
    }

    fn surroundings(&self) -> String {
        let state = self.state.0.lock().unwrap();
        let held = state.secrets.get(NAME).map(|held| (held["secretComment"].clone(), held["tags"].clone()));
        let held = held.unwrap_or_else(|| (json!("by hand"), json!([{"id": "t", "slug": "ops"}])));
        format!("{held:?} {:?}", state.secrets.get("OTHER"))
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.changes += 1;
            let by_hand = secret(NAME, &format!("{}-by-hand", state.changes), 9);
            state.secrets.insert(NAME.to_owned(), by_hand);
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

mod more {
    use std::io::Write as _;

    use model::{DestinationErrorKind as Kind, Held, Secret};

    use super::*;
    use crate::place::{key, open, open_as};

    #[tokio::test(flavor = "multi_thread")]
    async fn infisical_logs_in_once_and_again_when_refused() {
        let place = InfisicalPlace::start().await;
        let destination = open(&place);
        destination.deliver(&key("one")).await.unwrap();
        assert_eq!(place.state.0.lock().unwrap().logins, 1);
        place.state.0.lock().unwrap().session += 1;
        destination.deliver(&key("two")).await.unwrap();
        assert_eq!(place.state.0.lock().unwrap().logins, 2);
        assert_eq!(destination.read().await.unwrap(), Held::Value(key("two")));
        place.server().assert_clean();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn infisical_logs_in_by_a_signed_token() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"canary-jwt\n").unwrap();
        for way in ["kubernetes", "oidc"] {
            let place = InfisicalPlace::start().await;
            place.put_by_hand("old");
            let settings = [
                ("url", place.server.url.as_str()),
                ("identity", "pod"),
                ("login", way),
                ("jwt_file", file.path().to_str().unwrap()),
            ];
            let destination = open_as(&place, &settings);
            assert_eq!(destination.read().await.unwrap(), Held::Value(Secret::new("old")), "{way}");
            let login = place.server().seen().iter().find(|seen| seen.method == "POST").unwrap().path.clone();
            assert_eq!(login, format!("/api/v1/auth/{way}-auth/login"));
            place.server().assert_clean();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn infisical_tells_that_a_change_waits_for_approval() {
        let place = InfisicalPlace::start().await;
        place.put_by_hand("old");
        place.state.0.lock().unwrap().approvals = true;
        let failure = open(&place).deliver(&key("one")).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Denied);
        assert!(failure.report.because[0].contains("approves"), "{failure}");
        let writes = place.server().seen().iter().filter(|seen| seen.method == "PATCH").count();
        assert_eq!((writes, place.look().as_deref()), (1, Some("old")));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn infisical_tells_an_old_server_from_a_missing_secret() {
        let place = InfisicalPlace::start().await;
        place.state.0.lock().unwrap().old_server = true;
        let failure = open(&place).check().await.unwrap_err();
        assert_eq!(failure.kind, Kind::Failed);
        assert!(failure.report.mend[0].contains("update Infisical"), "{failure}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn infisical_does_not_take_a_hidden_value_for_one() {
        let place = InfisicalPlace::start().await;
        place.put_by_hand("<hidden-by-infisical>");
        place.state.0.lock().unwrap().secrets.get_mut(NAME).unwrap()["secretValueHidden"] = json!(true);
        let failure = open(&place).read().await.unwrap_err();
        assert_eq!(failure.kind, Kind::Denied);
        assert!(failure.report.because[0].contains("`readValue`"), "{failure}");
    }
}
