//! `GET /rest/settings`: since 1.123 little without a session, before everything to everybody.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::{Request, session};
use crate::state::State;

/// The settings, as far as a client of Keywright's kind looks at them.
pub(crate) fn show(state: &mut State, request: &Request<'_>) -> Answer {
    let known = session::user(state, request).is_some();
    let set_up = state.users.owner().is_some_and(|owner| owner.password.is_some());
    let mut users = json!({
        "authenticationMethod": "email", "showSetupOnFirstLoad": !set_up, "smtpSetup": false,
    });
    let public = state.profile.modern() && !known;
    if let Some(fields) = users.as_object_mut() {
        if state.profile.second() {
            fields.insert("passwordMinLength".to_owned(), json!(8));
        }
        if !public {
            fields.insert("quota".to_owned(), json!(-1));
        }
    }
    if public {
        return answer::data(&json!({
            "settingsMode": "public", "previewMode": false, "userManagement": users,
            "authCookie": { "secure": false },
            "sso": {
                "saml": { "loginEnabled": false }, "ldap": { "loginEnabled": false, "loginLabel": "" },
                "oidc": { "loginEnabled": false, "loginUrl": format!("{}/rest/sso/oidc/login", state.url) },
            },
            "enterprise": { "saml": false, "ldap": false, "oidc": false },
        }));
    }
    let mut settings = json!({
        "versionCli": state.profile.version(), "databaseType": "postgresdb", "previewMode": false,
        "endpointForm": "form", "endpointWebhook": "webhook", "timezone": "America/New_York",
        "urlBaseWebhook": format!("{}/", state.url), "urlBaseEditor": state.url, "defaultLocale": "en",
        "authCookie": { "secure": false }, "userManagement": users,
        "publicApi": {
            "enabled": true, "latestVersion": 1, "path": "api", "swaggerUi": { "enabled": true },
        },
        "mfa": { "enabled": true },
        "instanceId": "0f0e0d0c0b0a09080706050403020100example",
    });
    if let Some(fields) = settings.as_object_mut().filter(|_| state.profile.modern()) {
        fields.insert("settingsMode".to_owned(), Value::from("authenticated"));
    }
    answer::data(&settings)
}
