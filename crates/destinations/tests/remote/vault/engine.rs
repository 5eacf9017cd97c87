//! The KV engine in both versions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json, value::RawValue};

use super::refused;
use crate::server::{Reply, Seen};

pub(crate) type Fields = BTreeMap<String, Box<RawValue>>;

/// One version of a secret.
pub(crate) struct Version {
    pub(crate) fields: Fields,
    pub(crate) deleted: bool,
    pub(crate) destroyed: bool,
    /// Not kept any more.
    pub(crate) dropped: bool,
}

pub(crate) enum Engine {
    One(BTreeMap<String, Fields>),
    /// Versions from the first.
    Two(BTreeMap<String, Vec<Version>>),
    /// Version 1 where every secret always holds the same, whatever is written.
    Fixed(Fields),
}

pub(crate) fn fields(text: &str) -> Fields {
    serde_json::from_str(text).unwrap()
}

fn only(body: &Value, names: &[&str]) -> Result<(), String> {
    let keys: Vec<&String> = body.as_object().ok_or("no object")?.keys().collect();
    if keys == names { Ok(()) } else { Err(format!("fields {keys:?}")) }
}

/// The `data` of a body, as it was sent.
fn sent(seen: &Seen) -> Result<Fields, String> {
    let body: BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(&seen.body).map_err(|error| error.to_string())?;
    serde_json::from_str(body["data"].get()).map_err(|error| error.to_string())
}

fn listed<'n>(names: impl Iterator<Item = &'n String>, folder: &str) -> Reply {
    let keys: BTreeSet<String> = names
        .filter_map(|name| name.strip_prefix(folder))
        .map(|rest| rest.split_inclusive('/').next().unwrap().to_owned())
        .collect();
    if keys.is_empty() { refused(404, "") } else { Reply::json(200, &json!({"data": {"keys": keys}})) }
}

fn metadata(number: usize, version: &Version) -> Value {
    json!({
        "version": number, "created_time": "2026-01-01T00:00:00Z", "destroyed": version.destroyed,
        "deletion_time": if version.deleted { "2026-01-02T00:00:00Z" } else { "" },
        "custom_metadata": {"owner": "canary"},
    })
}

impl Engine {
    pub(crate) fn options(&self) -> Value {
        match self {
            Self::One(_) | Self::Fixed(_) => Value::Null,
            Self::Two(_) => json!({"version": "2"}),
        }
    }

    /// The capability that a call needs.
    pub(crate) fn needs(&self, method: &str, rest: &str) -> Result<&'static str, String> {
        let there = match self {
            Self::Fixed(_) => true,
            Self::One(secrets) => secrets.contains_key(rest),
            Self::Two(secrets) => rest.strip_prefix("data/").is_none_or(|path| secrets.contains_key(path)),
        };
        Ok(match method {
            "GET" => "read",
            "LIST" => "list",
            "PATCH" => "patch",
            "DELETE" => "delete",
            "POST" if there => "update",
            "POST" => "create",
            _ => return Err("method".into()),
        })
    }

    pub(crate) fn answer(&mut self, seen: &Seen, rest: &str) -> Result<Reply, String> {
        match self {
            Self::One(secrets) => one(secrets, seen, rest),
            Self::Fixed(fields) => one(&mut [(rest.to_owned(), fields.clone())].into(), seen, rest),
            Self::Two(secrets) => {
                let (part, path) = rest.split_once('/').ok_or("no part")?;
                if !matches!(part, "data" | "metadata" | "delete" | "destroy") {
                    let warnings = json!({"warnings": ["Invalid path for a versioned K/V secrets engine"]});
                    return Ok(Reply::json(404, &warnings));
                }
                two(secrets, seen, part, path)
            }
        }
    }
}

fn one(secrets: &mut BTreeMap<String, Fields>, seen: &Seen, path: &str) -> Result<Reply, String> {
    match seen.method.as_str() {
        "GET" => Ok(match secrets.get(path) {
            Some(fields) => {
                let body = format!(
                    r#"{{"data":{},"lease_duration":2764800}}"#,
                    serde_json::to_string(fields).unwrap()
                );
                Reply { body: body.into_bytes(), ..Reply::json(200, &json!({})) }
            }
            None => refused(404, ""),
        }),
        "LIST" => Ok(listed(secrets.keys(), path)),
        "POST" => {
            seen.json()?;
            let fields: Fields = serde_json::from_slice(&seen.body).map_err(|error| error.to_string())?;
            if fields.is_empty() {
                return Ok(refused(400, "missing data fields"));
            }
            secrets.insert(path.to_owned(), fields);
            Ok(Reply::empty(204))
        }
        "DELETE" => {
            secrets.remove(path);
            Ok(Reply::empty(204))
        }
        _ => Ok(refused(405, "")),
    }
}

fn two(
    secrets: &mut BTreeMap<String, Vec<Version>>,
    seen: &Seen,
    part: &str,
    path: &str,
) -> Result<Reply, String> {
    match (seen.method.as_str(), part) {
        ("LIST", "metadata") => return Ok(listed(secrets.keys(), path)),
        ("GET", "data") => {
            let Some(versions) = secrets.get(path) else { return Ok(refused(404, "")) };
            let number = match seen.query("version") {
                Some(number) => number.parse().map_err(|_odd| "version")?,
                None => versions.len(),
            };
            let kept = number.checked_sub(1).and_then(|index: usize| versions.get(index));
            let Some(version) = kept.filter(|version| !version.dropped) else {
                return Ok(refused(404, ""));
            };
            let (status, fields) = if version.deleted || version.destroyed {
                (404, "null".to_owned())
            } else {
                (200, serde_json::to_string(&version.fields).unwrap())
            };
            let body = format!(r#"{{"data":{{"data":{fields},"metadata":{}}}}}"#, metadata(number, version));
            return Ok(Reply { body: body.into_bytes(), ..Reply::json(status, &json!({})) });
        }
        ("POST", "delete" | "destroy") => {
            let body = seen.json()?;
            only(&body, &["versions"])?;
            for number in body["versions"].as_array().ok_or("no list")? {
                let index = usize::try_from(number.as_u64().ok_or("no number")?).unwrap() - 1;
                let version = secrets.get_mut(path).and_then(|all| all.get_mut(index)).ok_or("no version")?;
                version.deleted |= part == "delete";
                version.destroyed |= part == "destroy";
            }
            return Ok(Reply::empty(204));
        }
        ("POST" | "PATCH", "data") => {}
        ("DELETE", "data") => return Err("the newest version is never deleted".into()),
        _ => return Ok(refused(405, "")),
    }
    let body = seen.json()?;
    only(&body, &["data", "options"])?;
    only(&body["options"], &["cas"])?;
    let versions = secrets.entry(path.to_owned()).or_default();
    let kept =
        versions.last().filter(|last| !last.deleted && !last.destroyed).map(|last| last.fields.clone());
    if body["options"]["cas"] != json!(versions.len()) {
        return Ok(refused(400, "check-and-set parameter did not match the current version"));
    }
    let mut fields = sent(seen)?;
    if seen.method == "PATCH" {
        if seen.header("content-type") != Some("application/merge-patch+json") {
            return Err("content-type".into());
        }
        let Some(mut merged) = kept else { return Ok(refused(404, "")) };
        for (name, value) in fields {
            if value.get() == "null" { drop(merged.remove(&name)) } else { drop(merged.insert(name, value)) }
        }
        fields = merged;
    }
    versions.push(Version { fields, deleted: false, destroyed: false, dropped: false });
    let number = versions.len();
    Ok(Reply::json(200, &json!({"data": metadata(number, &versions[number - 1])})))
}
