//! The server.

use std::{collections::BTreeMap, sync::Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{TOKEN, open_box};
use crate::server::{Reply, Seen, Shape};

pub(crate) struct Secret {
    pub(crate) text: String,
    pub(crate) updated_at: String,
    pub(crate) visibility: String,
    pub(crate) selected: Vec<u64>,
}

#[expect(clippy::struct_excessive_bools, reason = "what goes wrong, each by itself")]
pub(crate) struct State {
    path: &'static str,
    organisation: bool,
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// How often the public key was changed.
    pub(crate) keys: u8,
    pub(crate) gone: bool,
    pub(crate) read_only: bool,
    pub(crate) locked_out: bool,
    /// Added to the time when a secret is changed.
    pub(crate) late_secs: i64,
    /// Tokens of an App's installation that were given, and what they may.
    pub(crate) issued: u32,
    pub(crate) permissions: Value,
    pub(crate) workflow: &'static str,
    /// Added to each answer of the secrets.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) runs: Vec<Value>,
    pub(crate) refused: Option<u16>,
}

pub(crate) struct GitHub(pub(crate) Mutex<State>);

#[expect(clippy::disallowed_methods, reason = "a server has a clock of its own")]
fn now() -> model::Timestamp {
    std::time::SystemTime::now().try_into().unwrap()
}

impl State {
    fn private(&self) -> [u8; 32] {
        [self.keys + 1; 32]
    }

    pub(crate) fn put(&mut self, name: &str, text: &str) -> bool {
        let at = now().checked_add(model::SignedDuration::from_secs(self.late_secs)).unwrap();
        let updated_at = format!("{at:.0}");
        let fresh = Secret {
            text: String::new(),
            updated_at: String::new(),
            visibility: "private".into(),
            selected: vec![],
        };
        let is_new = !self.secrets.contains_key(name);
        let secret = self.secrets.entry(name.to_owned()).or_insert(fresh);
        (secret.text, secret.updated_at) = (text.to_owned(), updated_at);
        is_new
    }

    fn metadata(&self, name: &str) -> Option<Value> {
        let secret = self.secrets.get(name)?;
        let mut metadata = json!({
            "name": name, "created_at": "2026-01-01T00:00:00Z", "updated_at": secret.updated_at,
        });
        if self.organisation {
            metadata["visibility"] = json!(secret.visibility);
        }
        Some(metadata)
    }

    fn write(&mut self, name: &str, body: &Value) -> Result<Reply, String> {
        let fields: Vec<&str> = body.as_object().ok_or("no object")?.keys().map(String::as_str).collect();
        let visibility = body["visibility"].as_str();
        let expected: &[&str] = match (self.organisation, visibility) {
            (false, _) => &["encrypted_value", "key_id"],
            (true, Some("selected")) => {
                &["encrypted_value", "key_id", "selected_repository_ids", "visibility"]
            }
            (true, _) => &["encrypted_value", "key_id", "visibility"],
        };
        if fields != expected {
            return Err(format!("fields {fields:?}"));
        }
        if body["key_id"] != json!(self.keys.to_string()) {
            return Ok(Reply::json(422, &json!({"message": "canary"})));
        }
        let sealed = STANDARD.decode(body["encrypted_value"].as_str().unwrap_or_default());
        let text = sealed.ok().and_then(|sealed| open_box::open(&sealed, self.private()));
        let text =
            String::from_utf8(text.ok_or("not sealed for this key")?).map_err(|odd| odd.to_string())?;
        let is_new = self.put(name, &text);
        if self.organisation {
            let secret = self.secrets.get_mut(name).ok_or("gone")?;
            visibility.ok_or("no visibility")?.clone_into(&mut secret.visibility);
            let ids = body["selected_repository_ids"].as_array().cloned().unwrap_or_default();
            secret.selected = ids.iter().filter_map(Value::as_u64).collect();
        }
        Ok(if is_new { Reply::json(201, &json!({})) } else { Reply::empty(204) })
    }

    fn secrets(&mut self, seen: &Seen, rest: &str) -> Result<Reply, String> {
        let not_found = || Ok(Reply::json(404, &json!({"message": "Not Found, canary"})));
        if self.gone {
            return not_found();
        }
        let writes = seen.writes();
        if writes && self.read_only {
            return Ok(Reply::json(403, &json!({"message": "canary"})));
        }
        match (seen.method.as_str(), rest) {
            ("GET", "") => {
                let all: Vec<_> = self.secrets.keys().filter_map(|name| self.metadata(name)).collect();
                paged(seen, "secrets", all)
            }
            ("GET", "/public-key") => {
                let key = STANDARD.encode(open_box::public(self.private()));
                Ok(Reply::json(200, &json!({"key_id": self.keys.to_string(), "key": key})))
            }
            ("GET", name) if name.ends_with("/repositories") && self.organisation => {
                let name = name.trim_start_matches('/').trim_end_matches("/repositories");
                let ids = self.secrets.get(name).ok_or("no such secret")?.selected.clone();
                paged(
                    seen,
                    "repositories",
                    ids.into_iter().map(|id| json!({"id": id, "name": "x"})).collect(),
                )
            }
            ("GET", name) => match self.metadata(name.trim_start_matches('/')) {
                Some(metadata) => Ok(Reply::json(200, &metadata)),
                None => not_found(),
            },
            ("PUT", name) => self.write(name.trim_start_matches('/'), &seen.json()?),
            ("DELETE", name) => match self.secrets.remove(name.trim_start_matches('/')) {
                Some(_) => Ok(Reply::empty(204)),
                None => not_found(),
            },
            _ => Err("no such route".into()),
        }
    }

    fn elsewhere(&mut self, seen: &Seen) -> Result<Reply, String> {
        let repository = json!({"id": 7, "name": "site", "owner": {"login": "acme"}});
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/repos/acme/site") if !self.gone => Ok(Reply::json(
                200,
                &json!({
                    "id": 7, "archived": false,
                    "permissions": {"admin": false, "push": !self.read_only, "pull": true},
                }),
            )),
            ("GET", "/orgs/acme/repos") => Ok(Reply::json(200, &json!([repository]))),
            ("GET", "/installation/repositories") => paged(seen, "repositories", vec![repository]),
            ("GET", "/repos/acme/site/environments") => {
                paged(seen, "environments", vec![json!({"id": 1, "name": "prod/eu"})])
            }
            (
                "GET",
                "/orgs/acme/actions/secrets"
                | "/repos/acme/site/actions/secrets"
                | "/repos/acme/site/environments/prod%2Feu/secrets",
            ) => paged(seen, "secrets", vec![]),
            ("POST", "/app/installations/4567890/access_tokens") if seen.body.is_empty() => {
                self.issued += 1;
                let expires_at = now().checked_add(model::SignedDuration::from_hours(1)).unwrap();
                Ok(Reply::json(
                    201,
                    &json!({
                        "token": format!("canary-installation-{}", self.issued),
                        "expires_at": format!("{expires_at:.0}"), "permissions": self.permissions,
                        "repository_selection": "selected",
                    }),
                ))
            }
            ("GET", "/repos/acme/site/actions/workflows/deploy.yml") => {
                Ok(Reply::json(200, &json!({"id": 3, "name": "deploy", "state": self.workflow})))
            }
            ("POST", "/repos/acme/site/actions/workflows/deploy.yml/dispatches") => {
                let body = seen.json()?;
                let known = ["inputs", "ref"];
                if let Some(odd) =
                    body.as_object().ok_or("no object")?.keys().find(|key| !known.contains(&key.as_str()))
                {
                    return Err(format!("field {odd}"));
                }
                if let Some(status) = self.refused {
                    return Ok(Reply::json(status, &json!({"message": "canary"})));
                }
                self.runs.push(body);
                Ok(Reply::empty(204))
            }
            ("GET", "/repos/acme/site") => Ok(Reply::json(404, &json!({"message": "canary"}))),
            _ => Err("no such route".into()),
        }
    }
}

/// One page of what GitHub lists.
fn paged(seen: &Seen, what: &str, all: Vec<Value>) -> Result<Reply, String> {
    let number = |name: &str| seen.query(name).and_then(|text| text.parse::<usize>().ok());
    let (size, page) = (number("per_page").ok_or("per_page")?, number("page").ok_or("page")?);
    if size > 100 || page == 0 {
        return Err(format!("page {page} of {size}"));
    }
    let count = all.len();
    let these: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    Ok(Reply::json(200, &json!({"total_count": count, what: these})))
}

impl GitHub {
    pub(crate) fn at(path: &'static str, organisation: bool) -> Self {
        Self(Mutex::new(State {
            path,
            organisation,
            secrets: BTreeMap::new(),
            keys: 0,
            gone: false,
            read_only: false,
            locked_out: false,
            late_secs: 0,
            issued: 0,
            permissions: json!({"secrets": "write", "actions": "write", "metadata": "read"}),
            workflow: "active",
            headers: Vec::new(),
            runs: Vec::new(),
            refused: None,
        }))
    }
}

impl Shape for GitHub {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        if seen.header("x-github-api-version") != Some("2022-11-28")
            || seen.header("accept") != Some("application/vnd.github+json")
            || seen.header("user-agent").is_none()
        {
            return Err(format!("headers {:?}", seen.headers));
        }
        let given = seen.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        let given = given.ok_or("authorization")?;
        let newest = format!("canary-installation-{}", state.issued);
        let known = if self.is_login(seen) {
            given.split('.').count() == 3
        } else {
            [TOKEN, &newest].contains(&given)
        };
        if !known && !given.starts_with("canary-installation-") {
            return Err(format!("authorization {given}"));
        }
        if state.locked_out || !known {
            return Ok(Reply::json(401, &json!({"message": "Bad credentials, canary"})));
        }
        let of_secrets = seen.path.strip_prefix(state.path).map(str::to_owned);
        let mut reply = match of_secrets {
            Some(rest) => state.secrets(seen, &rest),
            None => state.elsewhere(seen),
        }?;
        if given == TOKEN {
            let scopes = if state.read_only { "read:org" } else { "repo, admin:org" };
            reply.headers.push(("x-oauth-scopes".to_owned(), scopes.to_owned()));
        }
        if seen.writes() && !self.is_login(seen) && !state.headers.is_empty() {
            return Ok(Reply {
                headers: state.headers.clone(),
                ..Reply::json(403, &json!({"message": "canary"}))
            });
        }
        Ok(reply)
    }

    fn is_login(&self, seen: &Seen) -> bool {
        seen.path.starts_with("/app/")
    }
}
