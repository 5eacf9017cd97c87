//! Credentials and tags: list, make, delete.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::clock;
use crate::routes::Request;
use crate::routes::public::{Caller, Page};
use crate::state::{Credential, State, Tag};

/// `GET /api/v1/credentials` (2.x).
pub(crate) fn list(state: &State, request: &Request<'_>, caller: &Caller) -> Answer {
    // A member may give the scope to a key, but may not list.
    if !is_owner(state, caller) {
        return answer::message(403, "Forbidden");
    }
    let page = match Page::of(state, request) {
        Ok(page) => page,
        Err(refused) => return refused,
    };
    let (credentials, next) = page.cut(state.things.credentials.values().collect());
    let shown: Vec<Value> = credentials
        .into_iter()
        .map(|credential| {
            let created = clock::iso(credential.created_ms);
            let user = state.users.by_id(&credential.user);
            let project = user.map(|user| user.project.clone()).unwrap_or_default();
            let name = user.map(|user| user.email.clone()).unwrap_or_default();
            json!({
                "id": credential.id, "name": credential.name, "type": credential.kind, "createdAt": created,
                "updatedAt": created, "shared": [{
                    "id": project, "name": name, "role": "credential:owner", "createdAt": created,
                    "updatedAt": created,
                }],
            })
        })
        .collect();
    answer::json(200, &json!({ "data": shown, "nextCursor": next }))
}

/// `POST /api/v1/credentials`.
pub(crate) fn create(state: &mut State, request: &Request<'_>, caller: &Caller) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    for name in ["name", "type", "data"] {
        if body.get(name).is_none() {
            return answer::message(400, &format!("request/body must have required property '{name}'"));
        }
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let now_ms = state.clock.now_ms();
    let (name, kind) = (text("name"), text("type"));
    let made = state.things.add_credential(&mut state.ids, now_ms, &caller.user, name, kind);
    answer::json(200, &show_one(made, state.profile.second()))
}

/// `DELETE /api/v1/credentials/:id`.
pub(crate) fn delete(state: &mut State, caller: &Caller, id: &str) -> Answer {
    let owner = is_owner(state, caller);
    match state.things.credentials.get(id).filter(|one| owner || one.user == caller.user) {
        Some(credential) => {
            let shown = show_one(credential, state.profile.second());
            state.things.credentials.remove(id);
            answer::json(200, &shown)
        }
        None => answer::message(404, "Not Found"),
    }
}

fn is_owner(state: &State, caller: &Caller) -> bool {
    state.users.by_id(&caller.user).is_some_and(|user| user.owner)
}

fn show_one(credential: &Credential, second: bool) -> Value {
    let created = clock::iso(credential.created_ms);
    let mut shown = json!({
        "id": credential.id, "name": credential.name, "type": credential.kind, "isManaged": false,
        "isGlobal": false, "createdAt": created, "updatedAt": created,
    });
    if let Some(fields) = shown.as_object_mut().filter(|_| second) {
        fields.insert("isResolvable".to_owned(), json!(false));
        fields.insert("resolvableAllowFallback".to_owned(), json!(false));
        fields.insert("resolverId".to_owned(), Value::Null);
    }
    shown
}

/// `GET /api/v1/tags`.
pub(crate) fn list_tags(state: &State, request: &Request<'_>) -> Answer {
    match Page::of(state, request) {
        Ok(page) => {
            let (tags, next) = page.cut(state.things.tags.values().map(show_tag).collect());
            answer::json(200, &json!({ "data": tags, "nextCursor": next }))
        }
        Err(refused) => refused,
    }
}

/// `POST /api/v1/tags`.
pub(crate) fn create_tag(state: &mut State, request: &Request<'_>) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    let Some(name) = body.get("name").and_then(Value::as_str) else {
        return answer::message(400, "request/body must have required property 'name'");
    };
    if state.things.tags.values().any(|tag| tag.name == name) {
        return answer::message(409, "Tag already exists");
    }
    let now_ms = state.clock.now_ms();
    answer::json(201, &show_tag(state.things.add_tag(&mut state.ids, now_ms, name)))
}

/// `DELETE /api/v1/tags/:id`.
pub(crate) fn delete_tag(state: &mut State, id: &str) -> Answer {
    match state.things.tags.remove(id) {
        Some(tag) => answer::json(200, &show_tag(&tag)),
        None => answer::message(404, "Not Found"),
    }
}

fn show_tag(tag: &Tag) -> Value {
    let created = clock::iso(tag.created_ms);
    json!({ "id": tag.id, "name": tag.name, "createdAt": created, "updatedAt": created })
}
