//! Logins of Entra ID and of a machine.

use serde_json::json;

use super::{CLIENT_SECRET, KeyVault, TOKEN};
use crate::server::{Reply, Seen};

impl KeyVault {
    pub(super) fn log_in(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let resource = seen.query("resource") == Some("https://vault.azure.net");
        let way = match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/tenant/oauth2/v2.0/token") => {
                let sound = seen.header("content-type") == Some("application/x-www-form-urlencoded")
                    && field("grant_type") == Some("client_credentials")
                    && field("client_id") == Some("application")
                    && field("scope") == Some("https://vault.azure.net/.default");
                match (field("client_secret"), field("client_assertion")) {
                    (Some(CLIENT_SECRET), None) if sound => "secret",
                    (None, Some("canary-jwt"))
                        if sound && field("client_assertion_type").unwrap().ends_with(":jwt-bearer") =>
                    {
                        "workload"
                    }
                    _ => return Err(format!("login {form:?}")),
                }
            }
            ("GET", "/metadata/identity/oauth2/token")
                if resource
                    && seen.header("metadata") == Some("true")
                    && seen.query("api-version") == Some("2018-02-01") =>
            {
                "machine"
            }
            ("GET", "/msi/token")
                if resource
                    && seen.header("x-identity-header") == Some("canary-header")
                    && seen.query("api-version") == Some("2019-08-01") =>
            {
                "service"
            }
            _ => return Err("no such login".into()),
        };
        state.logins.push(way.to_owned());
        // As a number here, as a text there.
        let answer = match way {
            "secret" | "workload" => {
                json!({"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN})
            }
            _ => json!({"token_type": "Bearer", "expires_on": "4000000000", "access_token": TOKEN}),
        };
        Ok(Reply::json(200, &answer))
    }
}
