//! What one test has of a real `OpenBao` to itself: a mount, a policy and a token.

use std::sync::Arc;

use destinations::Services;
use serde_json::{Value, json};

use crate::{
    record::Entry,
    vault::{call, services},
};

const DOCS: &str = include_str!("../../../../docs/destinations/vault.md");

/// A mount of a test's own, with a policy and a token that may do what the documentation says after these words.
pub(crate) struct Own {
    pub(crate) server: Entry,
    pub(crate) name: String,
    pub(crate) token: String,
}

impl Own {
    pub(crate) async fn new(server: Entry, name: &str, version: &str, marks: &[&str]) -> Self {
        let name = format!("real-{name}-{}", std::process::id());
        let mut rules = String::new();
        for mark in marks {
            let block = DOCS.split(mark).nth(1).unwrap().split("```hcl\n").nth(1).unwrap();
            rules.push_str(&block.split("```").next().unwrap().replace("secret/", &format!("{name}/")));
        }
        let own = Self { server, name, token: String::new() };
        let engine = json!({"type": "kv", "options": {"version": version}});
        own.root("POST", &format!("sys/mounts/{}", own.name), engine).await;
        own.allow(&rules).await;
        let made = own.root("POST", "auth/token/create", json!({"policies": [own.name]})).await;
        let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
        // The engine is made ready in the background.
        for _ in 0..100 {
            if call(&own.server, "GET", &own.api("data"), None).await.0 == 404 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Self { token, ..own }
    }

    /// What the test's policy says.
    pub(crate) async fn allow(&self, rules: &str) {
        self.root("PUT", &format!("sys/policies/acl/{}", self.name), json!({"policy": rules})).await;
    }

    pub(crate) async fn root(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = call(&self.server, method, path, Some(body)).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) fn api(&self, part: &str) -> String {
        format!("{}/{part}/n8n/backups", self.name)
    }

    pub(crate) fn address(&self) -> String {
        format!("openbao:{}/n8n/backups#api_key", self.name)
    }

    pub(crate) fn services(&self, settings: &[(&str, &str)]) -> Arc<Services> {
        services(&self.server, "openbao", settings, &[("BAO_TOKEN", &self.token)])
    }

    /// What is there, and of which version.
    pub(crate) async fn now(&self) -> (Value, u64) {
        let data = self.root("GET", &self.api("data"), Value::Null).await["data"].take();
        (data["data"].clone(), data["metadata"]["version"].as_u64().unwrap())
    }

    pub(crate) async fn end(self) {
        self.root("DELETE", &format!("sys/mounts/{}", self.name), Value::Null).await;
        self.root("DELETE", &format!("sys/policies/acl/{}", self.name), Value::Null).await;
    }
}
