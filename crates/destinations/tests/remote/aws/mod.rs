//! AWS as its API references describe it: JSON 1.1, signed.

mod logins;
mod own;
mod parameters;
mod secrets;

use serde_json::{Value, json};

use crate::server::{Reply, Seen};

pub(crate) use parameters::ParameterPlace;
pub(crate) use secrets::SecretPlace;

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "canary-secret-access-key";
const REGION: &str = "eu-central-1";

/// A call of one action, if it is what AWS takes: the action and its body.
fn call(seen: &Seen, service: &str, target: &str) -> Result<(String, Value), String> {
    if (seen.method.as_str(), seen.path.as_str(), seen.query.len()) != ("POST", "/", 0) {
        return Err("no call".into());
    }
    if seen.header("content-type") != Some("application/x-amz-json-1.1") {
        return Err("content-type".into());
    }
    let action = seen.header("x-amz-target").and_then(|text| text.strip_prefix(target)?.strip_prefix('.'));
    let action = action.ok_or("x-amz-target")?;
    signed(seen, service, "content-type;host;", ";x-amz-target")?;
    let body: Value = serde_json::from_slice(&seen.body).map_err(|error| error.to_string())?;
    Ok((action.to_owned(), body))
}

/// Who signed it, in which region, with which session token; that a signature is right is tested elsewhere.
fn signed(seen: &Seen, service: &str, before: &str, after: &str) -> Result<(String, Option<String>), String> {
    let value = seen.header("authorization").ok_or("authorization")?;
    let rest = value.strip_prefix("AWS4-HMAC-SHA256 Credential=").ok_or("algorithm")?;
    let (scope, rest) = rest.split_once(", SignedHeaders=").ok_or("headers")?;
    let (headers, signature) = rest.split_once(", Signature=").ok_or("signature")?;
    let time = seen.header("x-amz-date").ok_or("x-amz-date")?;
    let token = seen.header("x-amz-security-token");
    let expected = format!("{before}x-amz-date{}{after}", token.map_or("", |_| ";x-amz-security-token"));
    let parts: Vec<&str> = scope.split('/').collect();
    let [id, date, REGION, named, "aws4_request"] = parts.as_slice() else {
        return Err(format!("scope {scope}"));
    };
    if headers != expected || *named != service || !time.starts_with(date) || signature.len() != 64 {
        return Err(format!("{value} is not {expected}"));
    }
    Ok(((*id).to_owned(), token.map(str::to_owned)))
}

/// What AWS says no with; its words are not for us.
fn refused(code: &str) -> Reply {
    let body = json!({"__type": format!("com.amazonaws#{code}"), "Message": "canary is denied"});
    Reply::json(400, &body)
}

/// That a body has these fields, and of the optional ones any.
fn has(body: &Value, required: &[&str], optional: &[&str]) -> Result<(), String> {
    let fields: Vec<&str> = body.as_object().ok_or("no object")?.keys().map(String::as_str).collect();
    if let Some(missing) = required.iter().find(|name| !fields.contains(name)) {
        return Err(format!("without {missing}"));
    }
    match fields.iter().find(|name| !required.contains(name) && !optional.contains(name)) {
        Some(odd) => Err(format!("field {odd}")),
        None => Ok(()),
    }
}

fn text<'v>(body: &'v Value, name: &str) -> Result<&'v str, String> {
    body[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| format!("{name} is no text"))
}
