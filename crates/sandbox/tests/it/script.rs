//! One script of bare requests, for the sandbox and for a real n8n. It works as a member of its own, logs in as
//! seldom as it can, and removes what it made.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sandbox::Profile;
use serde_json::{Value, json};

use crate::caller::{Http, Reply, log_in, text};

/// What a step met, as far as the two must agree.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) cookie: &'static str,
    pub(crate) throttled: bool,
    /// Keys and types of a success, everything of a failure.
    pub(crate) body: Value,
}

impl Seen {
    fn of(reply: &Reply) -> Self {
        let cookie = match reply.header("set-cookie") {
            None => "none",
            Some(cookie) if cookie.starts_with("n8n-auth=;") => "cleared",
            Some(cookie) if cookie.contains("Max-Age=604800; Path=/; Expires=") => "opened",
            Some(_) => "odd",
        };
        let body = reply.json();
        Self {
            status: reply.status,
            kind: reply.header("content-type").unwrap_or_default().to_ascii_lowercase(),
            cookie,
            throttled: reply.header("x-ratelimit-remaining").is_some(),
            body: if reply.status < 300 { shape(&body) } else { body },
        }
    }
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        // n8n notes a user's last day some time after the request, or not at all.
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "lastActiveAt")
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
    }
}

pub(crate) struct Script {
    http: Http,
    profile: Profile,
    owner: String,
    member: String,
    member_id: String,
    email: String,
    seen: BTreeMap<String, Seen>,
}

const PASSWORD: &str = "Example-member-1";

impl Script {
    async fn begin(http: Http, profile: Profile, owner: String, email: &str) -> Self {
        let mut script = Self {
            http,
            profile,
            owner,
            member: String::new(),
            member_id: String::new(),
            email: email.to_owned(),
            seen: BTreeMap::new(),
        };
        let invited = json!([{ "email": email, "role": "global:member" }]);
        let owner = script.owner.clone();
        let reply = script.step("invite", "POST", "/rest/invitations", &owner, Some(invited)).await;
        let user = reply.json()["data"][0]["user"].take();
        script.member_id = text(&user["id"]);
        let mut accepted = json!({ "firstName": "Max", "lastName": "Member", "password": PASSWORD });
        let path = if profile == Profile::V2_41 {
            let link = text(&user["inviteAcceptUrl"]);
            accepted["token"] = json!(link.split("token=").nth(1).unwrap());
            "/rest/invitations/accept".to_owned()
        } else {
            let me = script.http.get("/rest/login", &[("cookie", &owner)]).await.json();
            accepted["inviterId"] = me["data"]["id"].clone();
            format!("/rest/invitations/{}/accept", script.member_id)
        };
        let reply = script.step("accept", "POST", &path, "", Some(accepted)).await;
        script.member = reply.cookie().unwrap();
        script
    }

    fn note(&mut self, name: &str, reply: &Reply) {
        let mut seen = Seen::of(reply);
        // A name that the instance made up is no difference.
        if let Some(Value::String(message)) = seen.body.get_mut("message")
            && let Some((before, after)) = message.split_once("ID \"")
            && let Some((_id, after)) = after.split_once('"')
        {
            *message = format!("{before}ID \"…\"{after}");
        }
        let again = self.seen.insert(name.to_owned(), seen);
        assert!(again.is_none(), "two steps are called `{name}`");
    }

    /// A call with a session, or without where `cookie` is empty.
    async fn step(
        &mut self,
        name: &str,
        method: &str,
        path: &str,
        cookie: &str,
        body: Option<Value>,
    ) -> Reply {
        let cookie = [("cookie", cookie)];
        let headers = if cookie[0].1.is_empty() { &[][..] } else { &cookie[..] };
        let reply = self.http.send(method, path, headers, body).await;
        self.note(name, &reply);
        reply
    }

    async fn mine(&mut self, name: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let member = self.member.clone();
        self.step(name, method, path, &member, body).await
    }

    async fn with_key(
        &mut self,
        name: &str,
        key: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let reply = self.http.send(method, path, &[("x-n8n-api-key", key)], body).await;
        self.note(name, &reply);
        reply
    }

    async fn session(&mut self) {
        self.step("settings", "GET", "/rest/settings", "", None).await;
        self.mine("settings signed in", "GET", "/rest/settings", None).await;
        self.mine("me", "GET", "/rest/login", None).await;
        self.step("me without a session", "GET", "/rest/login", "", None).await;
        self.step("a bad session", "GET", "/rest/login", "n8n-auth=example", None).await;
        self.mine("no such route", "GET", "/rest/example", None).await;
        self.step("health", "GET", "/healthz", "", None).await;
        self.step("readiness", "GET", "/healthz/readiness", "", None).await;
        let setup =
            json!({ "email": "a@example.com", "password": PASSWORD, "firstName": "A", "lastName": "B" });
        self.step("second setup", "POST", "/rest/owner/setup", "", Some(setup)).await;
        let broken = self.http.try_send("POST", "/rest/owner/setup", &[], Some("{example")).await.unwrap();
        self.note("broken body", &broken);
    }

    async fn keys(&mut self) {
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

    async fn single_key(&mut self) {
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

    /// The public API with a member's key that may list workflows, and on 2.x nothing else.
    async fn public(&mut self, key: &str) {
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

    /// Few attempts: on 1.x all users of one machine share five a minute.
    async fn logins(&mut self) {
        let email = self.email.clone();
        let field = self.profile.login_field();
        let other = if field == "email" { "emailOrLdapLoginId" } else { "email" };
        let body = json!({ other: email, "password": PASSWORD });
        self.step("log in with the other field", "POST", "/rest/login", "", Some(body)).await;
        let bound = json!({ field: email, "password": PASSWORD });
        let bound = self.http.send("POST", "/rest/login", &[("browser-id", "one")], Some(bound)).await;
        self.note("log in with a browser's id", &bound);
        if let Some(cookie) = bound.cookie().filter(|_| bound.status == 200) {
            for (name, browser) in [("the same", Some("one")), ("another", Some("two")), ("no", None)] {
                let mut headers = vec![("cookie", cookie.as_str())];
                headers.extend(browser.map(|id| ("browser-id", id)));
                let reply = self.http.get("/rest/login", &headers).await;
                self.note(&format!("a bound session with {name} browser's id"), &reply);
            }
        }
        if self.profile == Profile::V2_41 {
            for attempt in 2..=6 {
                let reply = log_in(&self.http, self.profile, &email, "example").await;
                self.note(&format!("log in wrongly, attempt {attempt}"), &reply);
                if attempt == 6 {
                    assert!(reply.text.starts_with("Too many requests"), "{}", reply.text);
                    assert!(reply.header("retry-after").is_some());
                }
            }
        }
        self.mine("log out", "POST", "/rest/logout", Some(json!({}))).await;
        self.mine("after logging out", "GET", "/rest/login", None).await;
    }

    async fn end(mut self) -> BTreeMap<String, Seen> {
        let (owner, path) = (self.owner.clone(), format!("/rest/users/{}", self.member_id));
        self.step("delete the member", "DELETE", &path, &owner, None).await;
        self.step("delete the member again", "DELETE", &path, &owner, None).await;
        self.seen
    }

    pub(crate) async fn run(
        http: Http,
        profile: Profile,
        owner: String,
        email: &str,
    ) -> BTreeMap<String, Seen> {
        let mut script = Self::begin(http, profile, owner, email).await;
        script.session().await;
        if matches!(profile, Profile::V2_41 | Profile::V1_123) {
            script.keys().await;
        } else {
            script.single_key().await;
        }
        script.logins().await;
        script.end().await
    }
}
