//! The server.

use std::{collections::BTreeMap, sync::Mutex};

use serde_json::{Value, json};

use super::TOKEN;
use crate::server::{Reply, Seen, Shape};

#[expect(clippy::struct_excessive_bools, reason = "what goes wrong, each by itself")]
pub(crate) struct State {
    /// The path of its project or group, as it is sent.
    pub(crate) path: &'static str,
    /// By key and scope.
    pub(crate) variables: BTreeMap<(String, String), Value>,
    pub(crate) gone: bool,
    pub(crate) read_only: bool,
    /// The token may read only, whatever its user may.
    pub(crate) read_scope: bool,
    pub(crate) locked_out: bool,
}

pub(crate) struct GitLab(pub(crate) Mutex<State>);

#[expect(clippy::unnecessary_wraps, reason = "as every answer is given")]
fn refused(status: u16) -> Result<Reply, String> {
    Ok(Reply::json(status, &json!({"message": format!("{status} canary")})))
}

/// What GitLab can mask where it does not see that a value is raw.
fn can_be_masked(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=/@:.~-".contains(&b))
}

/// One page of what GitLab lists.
fn paged(seen: &Seen, all: Vec<Value>) -> Result<Reply, String> {
    let number = |name: &str| seen.query(name).and_then(|text| text.parse::<usize>().ok());
    let (size, page) = (number("per_page").ok_or("per_page")?, number("page").ok_or("page")?);
    if size > 100 || page == 0 {
        return Err(format!("page {page} of {size}"));
    }
    let these: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    Ok(Reply::json(200, &json!(these)))
}

fn fields(body: &Value, known: &[&str]) -> Result<(), String> {
    match body.as_object().ok_or("no object")?.keys().find(|key| !known.contains(&key.as_str())) {
        Some(odd) => Err(format!("field {odd}")),
        None => Ok(()),
    }
}

impl State {
    pub(crate) fn put(&mut self, key: &str, scope: &str, more: &Value) {
        let mut variable = json!({
            "variable_type": "env_var", "key": key, "value": "", "hidden": false, "protected": false, "masked": false,
            "raw": false, "environment_scope": scope, "description": null,
        });
        let fields = variable.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        self.variables.insert((key.to_owned(), scope.to_owned()), variable);
    }

    /// As it is given: what is hidden is given without its value.
    fn shown(variable: &Value) -> Value {
        let mut shown = variable.clone();
        if shown["hidden"] == json!(true) {
            shown["value"] = Value::Null;
        }
        shown
    }

    fn variables(&mut self, seen: &Seen, key: &str) -> Result<Reply, String> {
        if self.gone {
            return refused(404);
        }
        if seen.writes() && (self.read_only || self.read_scope) {
            return refused(403);
        }
        match (seen.method.as_str(), key) {
            ("GET", "") => paged(seen, self.variables.values().map(Self::shown).collect()),
            ("POST", "") => {
                let body = seen.json()?;
                fields(&body, &["key", "value", "environment_scope", "masked", "raw"])?;
                if !seen.query.is_empty() {
                    return Err(format!("query {:?}", seen.query));
                }
                let (key, scope) =
                    (body["key"].as_str().ok_or("key")?, body["environment_scope"].as_str().ok_or("scope")?);
                let text = body["value"].as_str().ok_or("value")?;
                let there = self.variables.contains_key(&(key.to_owned(), scope.to_owned()));
                if there || (body["masked"] == json!(true) && !can_be_masked(text)) {
                    return refused(400);
                }
                self.put(key, scope, &body);
                Ok(Reply::json(201, &body))
            }
            _ => {
                let scope = seen.query("filter[environment_scope]").ok_or("no scope")?;
                if seen.query.len() != 1 {
                    return Err(format!("query {:?}", seen.query));
                }
                let at = (key.to_owned(), scope.to_owned());
                let Some(variable) = self.variables.get_mut(&at) else { return refused(404) };
                match seen.method.as_str() {
                    "GET" => Ok(Reply::json(200, &Self::shown(variable))),
                    "PUT" => {
                        let body = seen.json()?;
                        fields(&body, &["value"])?;
                        let text = body["value"].as_str().ok_or("value")?;
                        if variable["masked"] == json!(true) && !can_be_masked(text) {
                            return refused(400);
                        }
                        variable["value"] = json!(text);
                        Ok(Reply::json(200, &Self::shown(variable)))
                    }
                    "DELETE" => {
                        self.variables.remove(&at);
                        Ok(Reply::empty(204))
                    }
                    _ => Err("no such method".into()),
                }
            }
        }
    }

    fn elsewhere(&self, seen: &Seen) -> Result<Reply, String> {
        if seen.method != "GET" {
            return Err("no such route".into());
        }
        match seen.path.as_str() {
            "/api/v4/personal_access_tokens/self" => {
                let scope = if self.read_scope { "read_api" } else { "api" };
                Ok(Reply::json(200, &json!({"id": 1, "name": "keywright", "scopes": [scope]})))
            }
            "/api/v4/projects" => {
                let query: Vec<_> =
                    seen.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let wanted = "membership=true&min_access_level=40&archived=false&simple=true&pagination=keyset&order_by=id&sort=asc&per_page=100&id_after=";
                let query = query.join("&");
                let after: u64 = query.strip_prefix(wanted).and_then(|id| id.parse().ok()).ok_or(query)?;
                let all =
                    (1..=100_u64).map(|id| json!({"id": id, "path_with_namespace": format!("others/p{id}")}));
                let all = all.chain([json!({"id": 205, "path_with_namespace": "acme/site"})]);
                let these: Vec<_> =
                    all.filter(|project| project["id"].as_u64() > Some(after)).take(100).collect();
                Ok(Reply::json(200, &json!(these)))
            }
            "/api/v4/groups" => paged(seen, vec![json!({"id": 3, "full_path": "acme/platform"})]),
            path if self.gone && path == self.path => refused(404),
            "/api/v4/projects/acme%2Fsite" => {
                let level = if self.read_only { 30 } else { 40 };
                let access = json!({"access_level": level, "notification_level": 3});
                Ok(Reply::json(
                    200,
                    &json!({
                        "id": 205, "path_with_namespace": "acme/site", "archived": false,
                        "permissions": {"project_access": null, "group_access": access},
                    }),
                ))
            }
            "/api/v4/groups/acme%2Fplatform" => {
                Ok(Reply::json(200, &json!({"id": 3, "full_path": "acme/platform"})))
            }
            path if path.ends_with("/variables") && path.contains("others%2F") => refused(403),
            path if path.ends_with("/variables") => Ok(Reply::json(200, &json!([]))),
            _ => Err("no such route".into()),
        }
    }
}

impl Shape for GitLab {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        if seen.header("private-token") != Some(TOKEN) || seen.header("authorization").is_some() {
            return Err("private-token".into());
        }
        if state.locked_out {
            return refused(401);
        }
        let rest = seen.path.strip_prefix(state.path).and_then(|rest| rest.strip_prefix("/variables"));
        match rest.map(|key| key.trim_start_matches('/').to_owned()) {
            Some(key) => state.variables(seen, &key),
            None => state.elsewhere(seen),
        }
    }
}
