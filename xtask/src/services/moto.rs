//! AWS, as moto plays it: once with real signatures and permissions, once taking everything.
use super::python;
use super::server::Server;
use crate::n8n::{Cache, http};
use crate::{Fault, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FOLDER: &str = "moto-5.2.5";
/// Only the services that tests use: all of moto is twice as large.
const REQUIREMENTS: &str = include_str!("moto/requirements.txt");
const REGION: &str = "us-east-1";
const ACCOUNT: &str = "123456789012";
const ROLE: &str = "keywright";
/// What the AWS destinations need, and nothing else. Resources are `*`: moto matches no other.
const POLICY: &str = include_str!("moto/policy.json");
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}},
    {"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"*"}}]}"#;

/// One that checks signatures and permissions, with users to sign as: one that may do what destinations do, one that
/// may do nothing, and one that may do all, for what a test needs to be there before.
pub(super) fn begin_signed(cache: &Cache, run: &Path, name: &str) -> Result<Value> {
    let server = start(cache, run, name)?;
    let port = server.port;
    let entry = json!({
        "url": server.url(), "region": REGION, "account": ACCOUNT, "role_arn": make_role(port)?,
        "allowed": make_user(port, "allowed", Some(POLICY))?,
        "denied": make_user(port, "denied", None)?,
        "admin": make_user(port, "admin", Some(EVERYTHING))?,
    });
    // From the next request on. As a form it would not be understood.
    let answer = http::ask(port, "POST", "/moto-api/reset-auth", &[("content-type", "text/plain")], "0");
    match answer {
        Ok(answer) if answer.status == 200 => Ok(entry),
        other => Err(refused("check signatures", other)),
    }
}

/// One that takes every request, also those that AWS wants unsigned: web identities and instance metadata.
pub(super) fn begin_open(cache: &Cache, run: &Path, name: &str) -> Result<Value> {
    let server = start(cache, run, name)?;
    Ok(json!({
        "url": server.url(), "region": REGION, "account": ACCOUNT, "role_arn": make_role(server.port)?,
    }))
}

fn start(cache: &Cache, run: &Path, name: &str) -> Result<Server> {
    let program = ensure(cache)?;
    Server::start(run, name, &program, "/moto-api/", |port, command| {
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        Ok(())
    })
}

fn ensure(cache: &Cache) -> Result<PathBuf> {
    let folder = python::ensure(cache, FOLDER, REQUIREMENTS, |_| Ok(()))?;
    Ok(folder.join("bin/moto_server"))
}

fn make_user(port: u16, name: &str, policy: Option<&str>) -> Result<Value> {
    iam(port, &[("Action", "CreateUser"), ("UserName", name)])?;
    if let Some(policy) = policy {
        let what = [("UserName", name), ("PolicyName", "keywright"), ("PolicyDocument", policy)];
        iam(port, &[&[("Action", "PutUserPolicy")], &what[..]].concat())?;
    }
    let made = iam(port, &[("Action", "CreateAccessKey"), ("UserName", name)])?;
    let (id, secret) =
        element(&made, "AccessKeyId").zip(element(&made, "SecretAccessKey")).ok_or_else(|| {
            Fault::new(format!("moto gave `{name}` no access key"), "report this")
                .because("its answer has no `AccessKeyId` and `SecretAccessKey`")
        })?;
    Ok(json!({"id": id, "secret": secret}))
}

/// A role that anybody may take on, with what the destinations need.
fn make_role(port: u16) -> Result<String> {
    iam(port, &[("Action", "CreateRole"), ("RoleName", ROLE), ("AssumeRolePolicyDocument", TRUST)])?;
    let what = [("RoleName", ROLE), ("PolicyName", "keywright"), ("PolicyDocument", POLICY)];
    iam(port, &[&[("Action", "PutRolePolicy")], &what[..]].concat())?;
    Ok(format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}"))
}

/// Asks its IAM, before signatures count: only the region and the service are read from this one.
fn iam(port: u16, form: &[(&str, &str)]) -> Result<String> {
    let scope = format!("canary/20260101/{REGION}/iam/aws4_request");
    let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
    let headers = [("authorization", signed.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let body: Vec<String> = [&[("Version", "2010-05-08")], form]
        .concat()
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    match http::ask(port, "POST", "/", &headers, &body.join("&")) {
        Ok(answer) if answer.status == 200 => Ok(answer.body),
        other => Err(refused("set up its users", other)),
    }
}

fn refused(what: &str, answer: std::io::Result<http::Answer>) -> Fault {
    let fault = Fault::new(format!("moto did not {what}"), "look at its log in the run folder");
    match answer {
        Ok(answer) => fault.because(format!("it answered with status {}", answer.status)),
        Err(e) => fault.because(e),
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The text of the first element of that name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_and_elements_found() {
        assert_eq!(encoded("a b:{\"*\"}é"), "a%20b%3A%7B%22%2A%22%7D%C3%A9");
        assert_eq!(element("<a><b>x</b><b>y</b></a>", "b"), Some("x".into()));
        assert_eq!(element("<a><b>x</a>", "b"), None);
    }

    #[test]
    fn policies_are_json_and_every_requirement_is_pinned() {
        for policy in [POLICY, EVERYTHING, TRUST] {
            let policy: Value = serde_json::from_str(policy).unwrap();
            assert_eq!(policy["Version"], "2012-10-17");
        }
        assert!(REQUIREMENTS.lines().all(|line| line.split("==").count() == 2));
        assert!(REQUIREMENTS.contains(&FOLDER.replace('-', "==")));
    }
}
