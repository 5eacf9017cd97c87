//! A bare HTTP client for the tests, and a signed-in user.

use std::time::Duration;

use sandbox::{Options, Profile, Sandbox};
use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The `n8n-auth` cookie that it sets.
    pub(crate) fn cookie(&self) -> Option<String> {
        Some(self.header("set-cookie")?.split(';').next()?.to_owned())
    }
}

/// A client that follows nothing and keeps no cookies.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    pub(crate) base: String,
}

impl Http {
    pub(crate) fn new(base: impl Into<String>) -> Self {
        // Another test of this process may have installed it already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { client, base: base.into() }
    }

    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> reqwest::Result<Reply> {
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, text: response.text().await? })
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let body = body.map(|body| body.to_string());
        self.try_send(method, path, headers, body.as_deref()).await.unwrap()
    }

    /// An answer whose body has not been read.
    pub(crate) async fn open(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, None).await
    }
}

/// A sandbox with its owner signed in.
pub(crate) struct Signed {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: Http,
    pub(crate) cookie: String,
}

impl Signed {
    pub(crate) async fn start(profile: Profile, options: Options) -> Self {
        let sandbox = Sandbox::start(profile, options).await.unwrap();
        let http = Http::new(sandbox.url());
        let reply = log_in(&http, profile, Options::OWNER_EMAIL, Options::OWNER_PASSWORD).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let cookie = reply.cookie().unwrap();
        Self { sandbox, http, cookie }
    }

    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.http.send(method, path, &[("cookie", &self.cookie)], body).await
    }

    /// Makes a key of 1.123 or later: its id and its text.
    pub(crate) async fn key(&self, label: &str, scopes: &[&str]) -> (String, String) {
        let body = json!({ "label": label, "scopes": scopes, "expiresAt": null });
        let reply = self.admin("POST", "/rest/api-keys", Some(body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let data = reply.json()["data"].take();
        (text(&data["id"]), text(&data["rawApiKey"]))
    }

    /// The status of a call with a key.
    pub(crate) async fn status_with(&self, key: &str, path: &str) -> u16 {
        self.http.get(path, &[("x-n8n-api-key", key)]).await.status
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) async fn log_in(http: &Http, profile: Profile, email: &str, password: &str) -> Reply {
    let body = json!({ profile.login_field(): email, "password": password });
    http.send("POST", "/rest/login", &[], Some(body)).await
}
