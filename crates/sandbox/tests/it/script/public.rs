//! The public API, with good keys, bad ones and none.

use sandbox::Profile;
use serde_json::{Value, json};

use super::Script;
use crate::caller::text;

impl Script {
    /// The public API with a member's key that may list workflows, and on 2.x nothing else.
    pub(super) async fn public(&mut self, key: &str) {
        let made = json!({ "name": "Example", "nodes": [], "connections": {}, "settings": {} });
        for path in [
            "/api/v1/workflows",
            "/api/v1/workflows?limit=250",
            "/api/v1/workflows?limit=251",
            "/api/v1/workflows?limit=x",
            "/api/v1/workflows?cursor=example",
            "/api/v1/workflows/example",
            "/api/v1/users",
            "/api/v1/executions",
            "/api/v1/credentials",
            "/api/v1/tags",
            "/api/v1/discover",
            "/api/v1/example",
            "/api/v1/projects",
            "/api/v1/variables",
            "/api/v1",
        ] {
            let name = if path == "/api/v1/discover" { "discover" } else { path };
            self.with_key(name, key, "GET", path, None).await;
            self.with_key(&format!("{path} with no good key"), "example", "GET", path, None).await;
            self.step(&format!("{path} without a key"), "GET", path, "", None).await;
        }
        self.mine("the public API by session", "GET", "/api/v1/workflows", None).await;
        self.mine("discover by no session", "GET", "/api/v1/example", None).await;
        let bearer = self.http.get("/api/v1/workflows", &[("authorization", &format!("Bearer {key}"))]).await;
        self.note("as a bearer token", &bearer);
        self.with_key("another method", key, "PUT", "/api/v1/workflows", Some(json!({}))).await;
        self.with_key("another method of nothing", key, "PATCH", "/api/v1/example", Some(json!({}))).await;
        for (name, path) in [("no key", "/api/v1/workflows"), ("no key, a validator", "/api/v1/users")] {
            self.with_key(&format!("empty {name}"), "", "GET", path, None).await;
        }
        self.with_key("make a workflow", key, "POST", "/api/v1/workflows", Some(made)).await;
        self.workflows(key).await;
    }

    /// Workflows, with a key that may do everything a member may.
    async fn workflows(&mut self, narrow: &str) {
        let (mut key, mut id) = (narrow.to_owned(), None);
        if self.profile == Profile::V2_41 {
            let scopes = ["workflow:list", "workflow:read", "workflow:create", "workflow:delete"];
            let body = json!({ "label": "wide", "scopes": scopes, "expiresAt": null });
            let wide = self.mine("create a wide key", "POST", "/rest/api-keys", Some(body)).await;
            let wide = wide.json()["data"].take();
            (key, id) = (text(&wide["rawApiKey"]), Some(text(&wide["id"])));
        }
        let good = json!({ "name": "Example", "nodes": [], "connections": {}, "settings": {} });
        let with = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        for (name, body) in [
            ("active", with("active", json!(true))),
            ("an id", with("id", json!("x"))),
            ("no nodes", json!({ "name": "Example" })),
            ("an unknown setting", with("settings", json!({ "example": 1 }))),
            ("a number for a name", with("name", json!(5))),
            ("an array", json!([])),
        ] {
            self.with_key(&format!("workflow with {name}"), &key, "POST", "/api/v1/workflows", Some(body))
                .await;
        }
        let mut made = Vec::new();
        for name in ["workflow one", "workflow two"] {
            let reply = self.with_key(name, &key, "POST", "/api/v1/workflows", Some(good.clone())).await;
            made.push(text(&reply.json()["id"]));
        }
        let page = self.with_key("first page", &key, "GET", "/api/v1/workflows?limit=1", None).await;
        let next = text(&page.json()["nextCursor"]);
        let next = format!("/api/v1/workflows?limit=1&cursor={next}");
        self.with_key("next page", &key, "GET", &next, None).await;
        let one = format!("/api/v1/workflows/{}", made[0]);
        self.with_key("read a workflow", &key, "GET", &one, None).await;
        self.with_key("delete a workflow", &key, "DELETE", &one, None).await;
        self.with_key("read a deleted workflow", &key, "GET", &one, None).await;
        self.with_key("delete a deleted workflow", &key, "DELETE", &one, None).await;
        for path in self.leftovers(&key).await {
            self.http.send("DELETE", &path, &[("x-n8n-api-key", &key)], None).await;
        }
        if let Some(id) = id {
            self.mine("delete the wide key", "DELETE", &format!("/rest/api-keys/{id}"), None).await;
        }
    }

    async fn leftovers(&self, key: &str) -> Vec<String> {
        let all = self.http.get("/api/v1/workflows", &[("x-n8n-api-key", key)]).await.json();
        let ids = all["data"].as_array().unwrap().iter().map(|workflow| text(&workflow["id"]));
        ids.map(|id| format!("/api/v1/workflows/{id}")).collect()
    }
}
