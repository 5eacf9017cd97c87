//! Keys: made, listed, changed, turned, killed, on versions with many of them and with one.

use std::time::{Duration, Instant};

use sandbox::Profile;
use serde_json::{Value, json};

use super::Script;
use crate::caller::text;

impl Script {
    pub(super) async fn keys(&mut self) {
        const PATH: &str = "/rest/api-keys";
        self.step("keys without a session", "GET", PATH, "", None).await;
        self.mine("no keys", "GET", PATH, None).await;
        self.mine("scopes", "GET", "/rest/api-keys/scopes", None).await;
        let good = json!({ "label": "one", "scopes": ["workflow:list", "tag:list"], "expiresAt": null });
        let with = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        let without = |name: &str| {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(name);
            body
        };
        for (name, body) in [
            ("nothing", json!({})),
            ("a long label", with("label", json!("a".repeat(51)))),
            ("an empty label", with("label", json!(""))),
            ("a label of HTML", with("label", json!("<b>x</b>"))),
            ("a label with a bracket", with("label", json!("a<b"))),
            ("a label that is a number", with("label", json!(5))),
            ("no scopes", with("scopes", json!([]))),
            ("a scope that is a number", with("scopes", json!([5]))),
            ("a malformed scope", with("scopes", json!(["example"]))),
            ("an unknown scope", with("scopes", json!(["example:x"]))),
            ("a scope of owners", with("scopes", json!(["user:create"]))),
            ("a past expiry", with("expiresAt", json!(5))),
            ("no expiry", without("expiresAt")),
            ("an expiry in words", with("expiresAt", json!("2030"))),
            ("an array", json!([])),
        ] {
            self.mine(&format!("create with {name}"), "POST", PATH, Some(body)).await;
        }
        let first = self.mine("create", "POST", PATH, Some(good.clone())).await;
        let expiring = with("expiresAt", json!(4_000_000_000_u32));
        self.mine("create with the same label", "POST", PATH, Some(expiring)).await;
        let mut second = with("expiresAt", json!(4_000_000_001_u32));
        second["label"] = json!("two");
        self.mine("create with an expiry", "POST", PATH, Some(second)).await;
        let created = first.json()["data"].take();
        let (id, key) = (text(&created["id"]), text(&created["rawApiKey"]));
        self.with_key("a good key", &key, "GET", "/api/v1/workflows?limit=1", None).await;
        self.mine("list", "GET", PATH, None).await;
        self.mine("list by label", "GET", "/rest/api-keys?take=1&skip=0&label=w", None).await;
        self.mine("list a word", "GET", "/rest/api-keys?take=x", None).await;
        self.mine("list less than nothing", "GET", "/rest/api-keys?skip=-1", None).await;
        let path = format!("{PATH}/{id}");
        let change = json!({ "label": "renamed", "scopes": ["workflow:list"], "expiresAt": 5 });
        self.mine("change without scopes", "PATCH", &path, Some(json!({ "label": "x" }))).await;
        self.mine("change", "PATCH", &path, Some(change.clone())).await;
        let mut taken = change.clone();
        taken["label"] = json!("two");
        self.mine("change to a label that is taken", "PATCH", &path, Some(taken)).await;
        self.mine("change an unknown", "PATCH", "/rest/api-keys/example", Some(change.clone())).await;
        let owner = self.owner.clone();
        self.step("change another's", "PATCH", &path, &owner, Some(change)).await;
        self.mine("rotate an unknown", "POST", "/rest/api-keys/example/rotate", None).await;
        self.step("rotate another's", "POST", &format!("{path}/rotate"), &owner, None).await;
        let rotated = self.mine("rotate", "POST", &format!("{path}/rotate"), None).await;
        self.with_key("the old key after a rotation", &key, "GET", "/api/v1/workflows", None).await;
        let new = rotated.json()["data"]["rawApiKey"].as_str().unwrap_or(&key).to_owned();
        self.mine("delete an unknown", "DELETE", "/rest/api-keys/example", None).await;
        self.public(&new).await;
        self.mine("delete", "DELETE", &path, None).await;
        self.mine("delete again", "DELETE", &path, None).await;
        self.with_key("a dead key", &new, "GET", "/api/v1/workflows", None).await;
        self.with_key("a dead key elsewhere", &new, "GET", "/api/v1/users", None).await;
        let third = self.mine("create a third", "POST", PATH, Some(good)).await.json()["data"].take();
        let path = format!("{PATH}/{}", text(&third["id"]));
        self.step("delete another's", "DELETE", &path, &owner, None).await;
        let key = text(&third["rawApiKey"]);
        self.with_key("after deleting another's", &key, "GET", "/api/v1/workflows", None).await;
        if self.profile == Profile::V1_123 {
            self.twins(json!({ "label": "a", "scopes": ["workflow:list"], "expiresAt": 4_000_000_002_u32 }))
                .await;
        }
    }

    /// Two keys of one second are one text on 1.123; where the first was deleted, it lives again.
    async fn twins(&mut self, body: Value) {
        let post = |script: &Self, label: &str| {
            let mut body = body.clone();
            body["label"] = json!(label);
            let (http, member) = (script.http.clone(), script.member.clone());
            async move { http.send("POST", "/rest/api-keys", &[("cookie", &member)], Some(body)).await }
        };
        for _ in 0..20 {
            let one = post(self, "twin one").await;
            let two = post(self, "twin two").await;
            let path = format!("/rest/api-keys/{}", text(&one.json()["data"]["id"]));
            self.http.send("DELETE", &path, &[("cookie", &self.member)], None).await;
            if two.status == 200 {
                // The second turned between them; once more.
                let path = format!("/rest/api-keys/{}", text(&two.json()["data"]["id"]));
                self.http.send("DELETE", &path, &[("cookie", &self.member)], None).await;
                continue;
            }
            let three = post(self, "twin three").await;
            let path = format!("/rest/api-keys/{}", text(&three.json()["data"]["id"]));
            if one.json()["data"]["rawApiKey"] != three.json()["data"]["rawApiKey"] {
                self.http.send("DELETE", &path, &[("cookie", &self.member)], None).await;
                continue;
            }
            self.note("a twin", &two);
            self.note("a twin of a dead key", &three);
            let key = text(&one.json()["data"]["rawApiKey"]);
            self.with_key("a dead key alive again", &key, "GET", "/api/v1/workflows", None).await;
            self.mine("delete the twin", "DELETE", &path, None).await;
            return;
        }
        panic!("in 20 tries no two keys of one second were one text");
    }

    pub(super) async fn single_key(&mut self) {
        let path = if self.profile == Profile::V1_72 { "/rest/api-keys" } else { "/rest/me/api-key" };
        self.step("key without a session", "GET", path, "", None).await;
        self.mine("no key", "GET", path, None).await;
        self.mine("key elsewhere", "GET", "/rest/me/api-key/example", None).await;
        let created =
            self.mine("create", "POST", path, Some(json!({ "label": "x" }))).await.json()["data"].take();
        let key = text(&created["apiKey"]);
        self.mine("list", "GET", path, None).await;
        self.public(&key).await;
        // On 1.72 only the second of its making lets a second one be asked for.
        let deadline = Instant::now() + Duration::from_secs(30);
        let again = loop {
            let reply = self.http.send("POST", path, &[("cookie", &self.member)], Some(json!({}))).await;
            if self.profile == Profile::V1_60 || reply.status != 200 {
                break reply;
            }
            assert!(Instant::now() < deadline, "a second key is never refused");
        };
        self.note("create again", &again);
        let newest = again.json()["data"]["apiKey"].as_str().unwrap_or(&key).to_owned();
        self.with_key("the first key", &key, "GET", "/api/v1/workflows", None).await;
        self.with_key("the newest key", &newest, "GET", "/api/v1/workflows", None).await;
        let own = match created["id"].as_str() {
            Some(id) => format!("{path}/{id}"),
            None => path.to_owned(),
        };
        self.mine("delete", "DELETE", &own, None).await;
        self.mine("delete again", "DELETE", &own, None).await;
        self.with_key("a dead key", &newest, "GET", "/api/v1/workflows", None).await;
    }
}
