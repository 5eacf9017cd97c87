//! Logins of Google.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{SecretManager, TOKEN};
use crate::server::{Reply, Seen};

impl SecretManager {
    pub(super) fn log_in(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let way = match seen.path.as_str() {
            "/token" if field("grant_type").ends_with(":jwt-bearer") => {
                let parts: Vec<&str> = field("assertion").split('.').collect();
                let decoded = |part: &str| -> Value {
                    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
                    serde_json::from_slice(&bytes).unwrap()
                };
                let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
                if header != json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"})
                    || claims["iss"] != "keywright@team-prod.iam.gserviceaccount.com"
                    || claims["scope"] != "https://www.googleapis.com/auth/cloud-platform"
                    || !claims["aud"].as_str().unwrap().ends_with("/token")
                    || claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() != 3600
                    || parts[2].len() != 342
                {
                    return Err(format!("{header} {claims}"));
                }
                "key"
            }
            "/token" if field("grant_type") == "refresh_token" => {
                if field("client_id") != "gcloud"
                    || field("client_secret") != "canary-c"
                    || field("refresh_token") != "canary-r"
                {
                    return Err(format!("{form:?}"));
                }
                "person"
            }
            "/v1/token" => {
                if !field("grant_type").ends_with(":token-exchange")
                    || field("audience")
                        != "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
                    || field("subject_token") != "canary-jwt"
                    || field("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt"
                    || !field("requested_token_type").ends_with(":access_token")
                {
                    return Err(format!("{form:?}"));
                }
                state.logins.push("federation".into());
                return Ok(Reply::json(
                    200,
                    &json!({"access_token": "canary-federated", "expires_in": 3599}),
                ));
            }
            "/impersonate:generateAccessToken" => {
                if seen.header("authorization") != Some("Bearer canary-federated")
                    || seen.json()? != json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"]})
                {
                    return Err("impersonation".into());
                }
                state.logins.push("impersonation".into());
                return Ok(Reply::json(
                    200,
                    &json!({"accessToken": TOKEN, "expireTime": "2099-01-02T03:04:05Z"}),
                ));
            }
            _ if seen.method == "GET" && seen.header("metadata-flavor") == Some("Google") => "machine",
            _ => return Err("no such login".into()),
        };
        state.logins.push(way.into());
        Ok(Reply::json(200, &json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})))
    }
}
