//! `/rest/api-keys` of 1.123 and 2.x: many keys per user, with labels, scopes and an expiry.

use serde_json::json;

use crate::answer::{self, Answer};
use crate::clock::Moment;
use crate::routes::{Request, session};
use crate::state::{Clash, KeyRow, State};
use crate::token;

mod check;
mod list;

pub(crate) const CLASH: &str = "There is already an entry with this name";

/// Everything under `/rest/api-keys`.
pub(crate) fn route(state: &mut State, request: &Request<'_>, path: &[&str]) -> Answer {
    let second = state.profile.second();
    match (request.method.as_str(), path) {
        ("POST", []) => session::required(state, request, create),
        ("GET", []) => session::required(state, request, list::show),
        ("GET", ["scopes"]) => session::required(state, request, scopes),
        ("DELETE", [id]) => session::required(state, request, |s, _request, me| delete(s, me, id)),
        ("PATCH", [id]) => session::required(state, request, |s, request, me| update(s, request, me, id)),
        ("POST", [id, "rotate"]) if second => {
            session::required(state, request, |s, _request, me| rotate(s, me, id))
        }
        _ => super::unknown(request),
    }
}

/// As an answer shows a key: its text only by its last four characters. Lists of thousands are written from it.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    updated_at: &'a str,
    created_at: &'a str,
    id: &'a str,
    user_id: &'a str,
    label: &'a str,
    scopes: &'a [String],
    api_key: String,
    audience: &'static str,
    /// Only 2.x has it; null where the key was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<LastUsed>,
    /// Only in the one answer that tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_api_key: Option<&'a str>,
    expires_at: Option<i64>,
    /// Only in lists of 2.x.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<list::Owner<'a>>,
}

/// When a key was last used, or null.
#[derive(serde::Serialize)]
struct LastUsed(Option<String>);

fn shown<'a>(state: &State, row: &'a KeyRow) -> Shown<'a> {
    let tail_at = row.text.len().saturating_sub(4);
    Shown {
        updated_at: row.updated.text(),
        created_at: row.created.text(),
        id: &row.id,
        user_id: &row.user,
        label: &row.label,
        scopes: &row.scopes,
        api_key: format!("******{}", row.text.get(tail_at..).unwrap_or_default()),
        audience: "public-api",
        last_used_at: state.profile.second().then(|| LastUsed(row.last_used_ms.map(crate::clock::iso))),
        raw_api_key: None,
        expires_at: row.expires_s,
        owner: None,
    }
}

/// The one answer that holds the key's text.
fn with_text(state: &State, row: &KeyRow, expires_at: Option<i64>) -> Answer {
    answer::data_of(&Shown { raw_api_key: Some(&row.text), expires_at, ..shown(state, row) })
}

/// The text of a new key: on 1.x the same for two keys of one second and one expiry.
pub(crate) fn new_text(state: &mut State, user: &str, expires_s: Option<i64>) -> String {
    let jti =
        if state.profile.second() { format!(r#""jti":"{}","#, state.ids.uuid()) } else { String::new() };
    let exp = expires_s.map(|end| format!(r#","exp":{end}"#)).unwrap_or_default();
    let now = state.clock.now_s();
    let payload = format!(r#"{{"sub":"{user}","iss":"n8n","aud":"public-api",{jti}"iat":{now}{exp}}}"#);
    token::sign(&state.signing_secret, &payload)
}

fn scopes(state: &mut State, _request: &Request<'_>, me: &str) -> Answer {
    let owner = state.users.by_id(me).is_some_and(|user| user.owner);
    answer::data(&json!(state.profile.scopes(owner)))
}

fn create(state: &mut State, request: &Request<'_>, me: &str) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    let (now_s, second) = (state.clock.now_s(), state.profile.second());
    let asked = match check::label_and_scopes(&body, second)
        .and_then(|asked| Ok((asked, check::expiry(&body, now_s)?)))
    {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let ((label, scopes), expires_at) = asked;
    if !role_allows(state, me, &scopes) {
        return answer::failed(400, 400, "Invalid scopes for user role");
    }
    // Zero is as good as none to n8n, but it is what the answer says.
    let expires_s = expires_at.filter(|end| *end != 0);
    let now_ms = state.clock.now_ms();
    let row = KeyRow {
        text: new_text(state, me, expires_s),
        id: state.ids.short(),
        user: me.to_owned(),
        label,
        scopes,
        created: Moment::at(now_ms),
        updated: Moment::at(now_ms),
        expires_s,
        last_used_ms: None,
    };
    if let Err(Clash) = state.keys.insert(row.clone()) {
        return answer::failed(500, 0, CLASH);
    }
    with_text(state, &row, expires_at)
}

fn role_allows(state: &State, me: &str, scopes: &[String]) -> bool {
    let owner = state.users.by_id(me).is_some_and(|user| user.owner);
    let allowed = state.profile.scopes(owner);
    scopes.iter().all(|scope| allowed.contains(&scope.as_str()))
}

fn delete(state: &mut State, me: &str, id: &str) -> Answer {
    let owner = state.users.by_id(me).is_some_and(|user| user.owner);
    let second = state.profile.second();
    let mine = state.keys.by_id(id).is_some_and(|row| row.user == me || (second && owner));
    if mine {
        state.keys.remove(id);
    } else if second {
        return answer::failed(404, 404, "API key not found");
    }
    // 1.x says so for unknown and foreign keys too, and deletes nothing.
    answer::data(&json!({ "success": true }))
}

fn update(state: &mut State, request: &Request<'_>, me: &str, id: &str) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    let second = state.profile.second();
    let (label, scopes) = match check::label_and_scopes(&body, second) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    if !role_allows(state, me, &scopes) {
        return answer::failed(400, 400, "Invalid scopes for user role");
    }
    let now_ms = state.clock.now_ms();
    let mine = state.keys.by_id(id).is_some_and(|row| row.user == me);
    if mine && state.keys.relabel(id, &label, scopes, now_ms).is_err() {
        return answer::failed(500, 0, CLASH);
    }
    // It says so for unknown and foreign keys too, and changes nothing.
    answer::data(&json!({ "success": true }))
}

fn rotate(state: &mut State, me: &str, id: &str) -> Answer {
    let Some(row) = state.keys.by_id(id).filter(|row| row.user == me) else {
        return answer::failed(404, 404, "API key not found");
    };
    let expires_s = row.expires_s;
    if !row.lives_at(state.clock.now_s()) {
        return answer::failed(400, 400, "Cannot rotate an expired API key");
    }
    let text = new_text(state, me, expires_s);
    let now_ms = state.clock.now_ms();
    match state.keys.retext(id, text, now_ms).cloned() {
        Some(row) => with_text(state, &row, expires_s),
        None => answer::failed(404, 404, "API key not found"),
    }
}
