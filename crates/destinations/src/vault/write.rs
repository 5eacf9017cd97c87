//! Writing a field beside the others: a patch where that is allowed, else all of them.

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use std::collections::BTreeMap;

use super::{
    Vault,
    mount::{Mount, Version},
    read::Content,
};
use crate::http::Answer;

#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Kept(&'a RawValue),
    Ours(&'a str),
}

#[derive(Serialize)]
struct Versioned<'a> {
    options: Options,
    data: BTreeMap<&'a str, Option<Field<'a>>>,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

#[derive(Deserialize)]
struct Written {
    data: WrittenData,
}

#[derive(Deserialize)]
struct WrittenData {
    version: u64,
}

#[derive(Deserialize)]
struct Refused {
    errors: Vec<String>,
}

impl Vault {
    /// Makes a field hold that text, or takes it out, if the secret is still as it was read.
    pub(super) async fn write(
        &self,
        mount: &Mount,
        path: &str,
        field: &str,
        seen: &Content,
        value: Option<&Secret>,
    ) -> Result<(), DestinationError> {
        match mount.version {
            Version::One => self.overwrite(path, field, seen, value).await,
            Version::Two => {
                if seen.live && self.patch(mount, path, field, seen, value).await? {
                    return Ok(());
                }
                self.replace(mount, path, field, seen, value).await
            }
        }
    }

    /// Sends the field alone. `false` where that cannot be done: it is not permitted, or older than the server.
    async fn patch(
        &self,
        mount: &Mount,
        path: &str,
        field: &str,
        seen: &Content,
        value: Option<&Secret>,
    ) -> Result<bool, DestinationError> {
        let api = mount.api("data", path);
        let ours = value.map(|value| Field::Ours(value.expose()));
        let body =
            Versioned { options: Options { cas: seen.version }, data: BTreeMap::from([(field, ours)]) };
        let request = self
            .request(Method::PATCH, &api, format!("write `{path}`"), self.on("`patch`", &api))?
            .json_as("application/merge-patch+json", &body)?;
        let answer = self.send_plainly(&request).await?;
        match answer.status {
            403 | 405 | 415 => Ok(false),
            // It was there when it was read.
            404 => Err(changed(&answer)),
            _ => made(&answer, seen).map(|()| true),
        }
    }

    /// Sends all fields as a new version.
    async fn replace(
        &self,
        mount: &Mount,
        path: &str,
        field: &str,
        seen: &Content,
        value: Option<&Secret>,
    ) -> Result<(), DestinationError> {
        let api = mount.api("data", path);
        let fields = seen.fields()?;
        let data = together(&fields, field, value).map(|(name, field)| (name, Some(field))).collect();
        let body = Versioned { options: Options { cas: seen.version }, data };
        let capability = if seen.version == 0 { "`create`" } else { "`update`" };
        let request = self
            .request(Method::POST, &api, format!("write `{path}`"), self.on(capability, &api))?
            .json(&body)?;
        let answer = self.send(&request).await?;
        if answer.status == 204 {
            return Err(self.taken_for_another(&answer, &api, path).await);
        }
        made(&answer, seen)
    }

    /// Version 1 takes any body as fields, and answers nothing. There was nothing at that path before.
    async fn taken_for_another(&self, answer: &Answer, api: &str, path: &str) -> DestinationError {
        let request = self.request(Method::DELETE, api, format!("undo a write to `{path}`"), "`delete`");
        let undone = match request {
            Ok(request) => self.send_plainly(&request).await.is_ok_and(|answer| answer.is_ok()),
            Err(_unmade) => false,
        };
        let left =
            if undone { "what was written was taken out again" } else { "what was written is still there" };
        answer.error(
            Kind::BadAddress,
            format!("the KV engine there is not of version 2: it took `{api}` for a path; {left}"),
            format!(
                "set `kv_version = \"1\"`, or take `mount` and `kv_version` out; see whether `{api}` is gone"
            ),
        )
    }

    /// Writes all fields over a secret of version 1, and looks whether they stayed.
    async fn overwrite(
        &self,
        path: &str,
        field: &str,
        seen: &Content,
        value: Option<&Secret>,
    ) -> Result<(), DestinationError> {
        let fields = seen.fields()?;
        let data: BTreeMap<&str, Field<'_>> = together(&fields, field, value).collect();
        let purpose = format!("write `{path}`");
        let request = if data.is_empty() {
            // One without fields is refused. What others wrote since it was seen must not go with it.
            let now = self.read(&Mount { path: String::new(), version: Version::One }, path, None).await?;
            if now.fields()?.keys().any(|name| name != field) || now.held(field)? != seen.held(field)? {
                return Err(now.changed());
            }
            self.request(Method::DELETE, path, purpose, self.on("`delete`", path))?.repeatable()
        } else {
            let capability = if seen.live { "`update`" } else { "`create`" };
            self.request(Method::POST, path, purpose, self.on(capability, path))?.json(&data)?
        };
        let answer = self.send(&request).await?.ok()?;
        let mount = Mount { path: String::new(), version: Version::One };
        let now = self.read(&mount, path, None).await?.held(field)?;
        if now == value.map_or(model::Held::Absent, |value| model::Held::Value(value.clone())) {
            return Ok(());
        }
        Err(answer.error(
            Kind::Changed,
            "what was written was written over at once by somebody else; KV version 1 has no lock",
            "try again, and see what else writes there",
        ))
    }

    /// The token may do one of `capabilities` on each path, as far as the server tells.
    pub(super) async fn may(&self, path: &str, needed: &[(String, &[&str])]) -> Result<(), DestinationError> {
        let paths: Vec<&str> = needed.iter().map(|(path, _)| path.as_str()).collect();
        let purpose = format!("write `{path}`");
        let request = self
            .request(Method::POST, "sys/capabilities-self", purpose, "the policy `default`")?
            .json(&json!({"paths": paths}))?
            .repeatable();
        let answer = self.send_plainly(&request).await?;
        if matches!(answer.status, 403..=405) {
            return Ok(());
        }
        let answer = answer.ok()?;
        let told: serde_json::Map<String, serde_json::Value> = answer.json()?;
        for (path, capabilities) in needed {
            let of =
                |map: &serde_json::Map<_, _>| map.get(path).and_then(serde_json::Value::as_array).cloned();
            let nested = told.get("data").and_then(serde_json::Value::as_object).and_then(of);
            let Some(has) = nested.or_else(|| of(&told)) else { continue };
            let has: Vec<&str> = has.iter().filter_map(serde_json::Value::as_str).collect();
            if !has.contains(&"root") && !capabilities.iter().any(|one| has.contains(one)) {
                let wanted = capabilities.join("` or `");
                return Err(answer.error(
                    Kind::Denied,
                    format!("{} is missing", self.on(&format!("`{wanted}`"), path)),
                    format!(
                        "give it by a policy: `path \"{path}\" {{ capabilities = [\"{}\"] }}`",
                        capabilities.join("\", \"")
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The other fields as they were, and ours.
fn together<'a>(
    fields: &'a BTreeMap<String, &'a RawValue>,
    field: &'a str,
    value: Option<&'a Secret>,
) -> impl Iterator<Item = (&'a str, Field<'a>)> {
    let others = fields.iter().filter(move |(name, _)| name.as_str() != field);
    others
        .map(|(name, raw)| (name.as_str(), Field::Kept(raw)))
        .chain(value.map(|value| (field, Field::Ours(value.expose()))))
}

pub(super) fn changed(answer: &Answer) -> DestinationError {
    answer.error(Kind::Changed, "somebody changed it meanwhile; nothing was written", "try again")
}

/// A new version was made, and it comes after the one that was seen.
fn made(answer: &Answer, seen: &Content) -> Result<(), DestinationError> {
    if answer.status == 400
        && answer
            .json()
            .is_ok_and(|Refused { errors }| errors.iter().any(|line| line.contains("check-and-set")))
    {
        return Err(changed(answer));
    }
    if !answer.is_ok() {
        return Err(answer.refusal());
    }
    let Written { data } = answer.json()?;
    if data.version > seen.version {
        Ok(())
    } else {
        Err(answer.misshapen("a version that is not after the one before"))
    }
}
