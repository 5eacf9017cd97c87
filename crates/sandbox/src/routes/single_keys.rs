//! One key per user: `/rest/api-keys` of 1.72 and `/rest/me/api-key` of 1.60.

use serde_json::{Value, json};

use crate::Profile;
use crate::answer::{self, Answer};
use crate::clock::Moment;
use crate::routes::keys::{CLASH, new_text};
use crate::routes::{Request, session};
use crate::state::{Clash, KeyRow, State};

const LABEL: &str = "My API Key";
const LEGACY_PREFIX: &str = "n8n_api_";

/// Everything under `/rest/api-keys` and `/rest/me/api-key`.
pub(crate) fn route(state: &mut State, request: &Request<'_>, path: &[&str]) -> Answer {
    match (state.profile, request.method.as_str(), path) {
        (Profile::V1_72, "POST", ["api-keys"]) => session::required(state, request, create),
        (Profile::V1_72, "GET", ["api-keys"]) => session::required(state, request, list),
        (Profile::V1_72, "DELETE", ["api-keys", id]) => session::required(state, request, |s, _r, me| {
            if s.keys.by_id(id).is_some_and(|row| row.user == me) {
                s.keys.remove(id);
            }
            answer::data(&json!({ "success": true }))
        }),
        (Profile::V1_60, "POST", ["me", "api-key"]) => session::required(state, request, overwrite),
        (Profile::V1_60, "GET", ["me", "api-key"]) => session::required(state, request, show),
        (Profile::V1_60, "DELETE", ["me", "api-key"]) => session::required(state, request, |s, _r, me| {
            s.keys.remove(me);
            answer::data(&json!({ "success": true }))
        }),
        _ => super::unknown(request),
    }
}

fn row(state: &mut State, me: &str, id: String, label: &str, text: String) -> KeyRow {
    let now_ms = state.clock.now_ms();
    KeyRow {
        id,
        user: me.to_owned(),
        label: label.to_owned(),
        scopes: Vec::new(),
        text,
        created: Moment::at(now_ms),
        updated: Moment::at(now_ms),
        expires_s: None,
        last_used_ms: None,
    }
}

fn shown(row: &KeyRow, text: &str) -> Value {
    json!({
        "createdAt": row.created.text(), "updatedAt": row.updated.text(), "id": row.id, "userId": row.user,
        "label": row.label, "apiKey": text,
    })
}

/// In the second in which the user's key was made, the "new" key is that key; later it is refused.
fn create(state: &mut State, _request: &Request<'_>, me: &str) -> Answer {
    let text = new_text(state, me, None);
    let now_ms = state.clock.now_ms();
    if let Some(id) = state.keys.by_text(&text).map(|row| row.id.clone()) {
        state.keys.touch(&id, now_ms);
    } else {
        let id = state.ids.short();
        let row = row(state, me, id, LABEL, text.clone());
        if let Err(Clash) = state.keys.insert(row) {
            return answer::failed(500, 0, CLASH);
        }
    }
    match state.keys.by_text(&text) {
        Some(row) => answer::data(&shown(row, &text)),
        None => answer::failed(500, 0, CLASH),
    }
}

/// Fifteen characters of the text, then stars up to eighty.
fn list(state: &mut State, _request: &Request<'_>, me: &str) -> Answer {
    let rows = state.keys.of_user(me).map(|row| {
        let head: String = row.text.chars().take(15).collect();
        shown(row, &format!("{head:*<80}"))
    });
    answer::data(&rows.collect())
}

/// The old key is dead at once.
fn overwrite(state: &mut State, _request: &Request<'_>, me: &str) -> Answer {
    let text = format!("{LEGACY_PREFIX}{}", state.ids.hex80());
    state.keys.remove(me);
    let row = row(state, me, me.to_owned(), "", text.clone());
    match state.keys.insert(row) {
        Ok(()) => answer::data(&json!({ "apiKey": text })),
        Err(Clash) => answer::failed(500, 0, CLASH),
    }
}

fn show(state: &mut State, _request: &Request<'_>, me: &str) -> Answer {
    let Some(row) = state.keys.by_id(me) else { return answer::data(&json!({})) };
    let head: String = row.text.chars().take(LEGACY_PREFIX.len() + 5).collect();
    answer::data(&json!({ "apiKey": format!("{head:*<width$}", width = row.text.len()) }))
}
