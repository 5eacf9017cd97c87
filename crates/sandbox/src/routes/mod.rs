//! Which request does what. Everything here is synchronous: one request, one look at or change of the state.

mod accounts;
mod audit;
mod credentials;
mod discover;
mod executions;
mod keys;
mod limits;
mod lists;
mod login;
mod mfa;
mod operations;
mod public;
mod session;
mod settings;
mod single_keys;
mod versions;
mod workflows;

use bytes::Bytes;
use hyper::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

pub(crate) use limits::TOO_MANY;
pub(crate) use operations::Operations;

use crate::answer::{self, Answer};
use crate::state::State;

/// A request, read whole.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(String, String)>,
    headers: &'a HeaderMap,
    body: Bytes,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: Method, uri: &'a Uri, headers: &'a HeaderMap, body: Bytes) -> Self {
        let query = uri.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { method, path: uri.path(), query, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok()).find_map(|cookies| {
            cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
        })
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as Express reads it: `{}` unless it is JSON; `Err` is the page for what is not.
    pub(crate) fn json(&self) -> Result<Value, Answer> {
        let is_json = self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if !is_json || self.body.is_empty() {
            return Ok(json!({}));
        }
        match serde_json::from_slice(&self.body) {
            Ok(body @ (Value::Object(_) | Value::Array(_))) => Ok(body),
            // Express takes nothing but an object or an array at the top.
            _ => Err(answer::page(500, "Internal Server Error")),
        }
    }
}

/// Answers a request.
pub(crate) fn answer(state: &mut State, request: &Request<'_>) -> Answer {
    let path = request.path.strip_prefix('/').unwrap_or(request.path);
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["healthz"] | ["healthz", "readiness"] => answer::json(200, &json!({ "status": "ok" })),
        ["rest", rest @ ..] => admin(state, request, rest),
        ["api", "v1", ..] => public::answer(state, request),
        // The editor's page is there for a browser.
        _ if request.method == Method::GET => {
            answer::raw(200, "text/html; charset=utf-8", "<!DOCTYPE html><title>n8n.io - sandbox</title>")
        }
        _ => unknown(request),
    }
}

/// The admin API.
fn admin(state: &mut State, request: &Request<'_>, path: &[&str]) -> Answer {
    let profile = state.profile;
    match (request.method.as_str(), path) {
        ("GET", ["settings"]) => settings::show(state, request),
        ("POST", ["owner", "setup"]) => accounts::set_up_owner(state, request),
        ("POST", ["login"]) => login::log_in(state, request),
        ("GET", ["login"]) => session::required(state, request, login::current),
        ("POST", ["logout"]) => session::required(state, request, login::log_out),
        ("GET", ["users"]) => session::required(state, request, accounts::list),
        ("DELETE", ["users", id]) => {
            session::required(state, request, |s, _r, me| accounts::delete(s, me, id))
        }
        ("POST", ["invitations"]) => session::required(state, request, accounts::invite),
        ("POST", ["invitations", "accept"]) if profile.second() => accounts::accept(state, request, None),
        ("POST", ["invitations", id, "accept"]) => accounts::accept(state, request, Some(id)),
        ("GET", ["mfa", "qr"]) => session::required(state, request, mfa::offer),
        ("POST", ["mfa", "verify"]) => session::required(state, request, mfa::verify),
        ("POST", ["mfa", "enable"]) => session::required(state, request, mfa::enable),
        ("POST", ["mfa", "disable"]) => session::required(state, request, mfa::disable),
        (_, ["api-keys", rest @ ..]) if profile.modern() => keys::route(state, request, rest),
        (_, ["api-keys" | "me", ..]) if !profile.modern() => single_keys::route(state, request, path),
        _ => unknown(request),
    }
}

/// Express's page for a route that is not there.
fn unknown(request: &Request<'_>) -> Answer {
    answer::page(404, &format!("Cannot {} {}", request.method, request.path))
}
