//! Logging in by `AppRole` and by Kubernetes.

use serde_json::json;

use super::{State, refused};
use crate::server::{Reply, Seen};

impl State {
    pub(super) fn log_in(&mut self, seen: &Seen, path: &str) -> Result<Reply, String> {
        if seen.header("x-vault-namespace") != self.login_namespace.as_deref() {
            return Ok(refused(404, "namespace not found"));
        }
        if seen.header("x-vault-token").is_some() {
            return Err("a token at a login".into());
        }
        let body = seen.json()?;
        let names: Vec<&str> = body.as_object().ok_or("no object")?.keys().map(String::as_str).collect();
        let (given, wrong) = match (path, names.as_slice()) {
            ("auth/approle/login", ["role_id", "secret_id"]) => {
                ((&body["role_id"], &body["secret_id"]), (400, "invalid role or secret ID"))
            }
            ("auth/k8s-eu/login", ["jwt", "role"]) => {
                ((&body["role"], &body["jwt"]), (403, "permission denied, canary"))
            }
            _ => return Err(format!("{path} {names:?}")),
        };
        let Some((role, secret)) = &self.role else { return Ok(refused(wrong.0, wrong.1)) };
        if given != (&json!(role), &json!(secret)) {
            return Ok(refused(wrong.0, wrong.1));
        }
        self.logins += 1;
        let token = format!("canary-session-{}", self.logins);
        self.tokens.insert(token.clone());
        Ok(Reply::json(
            200,
            &json!({"auth": {"client_token": token, "lease_duration": self.lease, "renewable": true}, "data": null}),
        ))
    }
}
