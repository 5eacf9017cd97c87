//! One script of bare requests, for the sandbox and for a real n8n. It works as a member of its own, logs in as
//! seldom as it can, and removes what it made.

mod keys;
mod public;

use std::collections::BTreeMap;

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
