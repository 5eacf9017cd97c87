//! Users: the owner's setup, invitations, lists, deletion.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::limits::{self, By};
use crate::routes::{Request, session};
use crate::state::{Limit, State, User};
use crate::{Profile, clock, token};

/// A user as they see themselves.
pub(crate) fn full(state: &State, user: &User) -> Value {
    let mut shown = json!({
        "createdAt": user.created(),
        "id": user.id,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "personalizationAnswers": null,
        "settings": if user.owner { json!({ "userActivated": false }) } else { Value::Null },
        "disabled": false,
        "mfaEnabled": user.mfa_enabled(),
        "isPending": user.password.is_none(),
        "role": user.role(),
        "signInType": "email",
        "isOwner": user.owner,
        "featureFlags": {},
        "globalScopes": if user.owner { json!(["user:create", "user:list"]) } else { json!(["user:list"]) },
    });
    if let Some(fields) = shown.as_object_mut() {
        if state.profile.modern() {
            // A day; n8n writes it down some time after the request.
            fields.insert("lastActiveAt".to_owned(), json!(clock::iso(state.clock.now_ms()).get(..10)));
            fields.insert("mfaAuthenticated".to_owned(), json!(user.mfa_enabled()));
        }
        if state.profile.second() {
            fields.insert("featureFlagPayloads".to_owned(), json!({}));
        }
    }
    shown
}

/// `POST /rest/owner/setup`.
pub(crate) fn set_up_owner(state: &mut State, request: &Request<'_>) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    let field = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let Some(owner) = state.users.owner_mut() else { return answer::failed(500, 0, "no owner") };
    if owner.password.is_some() {
        return answer::failed(400, 400, "Instance owner already setup");
    }
    for name in ["email", "firstName", "lastName", "password"] {
        if field(name).is_none_or(|text| text.is_empty()) {
            return answer::json(
                400,
                &json!({
                    "code": "invalid_type", "expected": "string", "received": "undefined", "path": [name],
                    "message": "Required",
                }),
            );
        }
    }
    owner.email = field("email").unwrap_or_default();
    owner.password = field("password");
    owner.first_name = field("firstName");
    owner.last_name = field("lastName");
    match state.users.owner() {
        Some(owner) => session::opened(state, request, owner, answer::data(&full(state, owner))),
        None => answer::failed(500, 0, "no owner"),
    }
}

/// `GET /rest/users`.
pub(crate) fn list(state: &mut State, _request: &Request<'_>, _me: &str) -> Answer {
    let items: Vec<Value> = state.users.all().iter().map(|user| listed(state, user)).collect();
    if state.profile.modern() {
        answer::data(&json!({ "count": items.len(), "items": items }))
    } else {
        answer::data(&Value::Array(items))
    }
}

fn listed(state: &State, user: &User) -> Value {
    let mut shown = full(state, user);
    if let Some(fields) = shown.as_object_mut() {
        for name in ["featureFlags", "featureFlagPayloads", "globalScopes", "mfaAuthenticated"] {
            fields.remove(name);
        }
        if state.profile.second() {
            fields.remove("createdAt");
            fields.remove("disabled");
        }
    }
    shown
}

/// `POST /rest/invitations`.
pub(crate) fn invite(state: &mut State, request: &Request<'_>, me: &str) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    if !state.users.by_id(me).is_some_and(|user| user.owner) {
        return answer::json(403, &json!({ "status": "error", "message": "Unauthorized" }));
    }
    let window_ms = if state.profile.second() { 300_000 } else { 60_000 };
    let limit = Limit { attempts: 10, window_ms };
    limits::within(state, "invite", &By::Address, limit, |state| invite_all(state, me, &body))
}

fn invite_all(state: &mut State, me: &str, body: &Value) -> Answer {
    let now_ms = state.clock.now_ms();
    let mut invited = Vec::new();
    for email in body.as_array().into_iter().flatten().filter_map(|one| one.get("email")?.as_str()) {
        let known = state.users.by_email(email).map(|user| user.id.clone());
        let id =
            known.unwrap_or_else(|| state.users.add(&mut state.ids, now_ms, email.to_owned()).id.clone());
        let url = invite_url(state, me, &id);
        let mut user = json!({ "id": id, "email": email, "emailSent": false, "inviteAcceptUrl": url });
        if state.profile != Profile::V1_60
            && let Some(fields) = user.as_object_mut()
        {
            fields.insert("role".to_owned(), json!("global:member"));
        }
        invited.push(json!({ "user": user, "error": "" }));
    }
    answer::data(&Value::Array(invited))
}

fn invite_url(state: &State, inviter: &str, invitee: &str) -> String {
    if state.profile != Profile::V2_41 {
        return format!("{}/signup?inviterId={inviter}&inviteeId={invitee}", state.url);
    }
    let now = state.clock.now_s();
    let payload = format!(
        r#"{{"inviterId":"{inviter}","inviteeId":"{invitee}","iat":{now},"exp":{}}}"#,
        now + 90 * 24 * 3600
    );
    format!("{}/signup?token={}", state.url, token::sign(&state.signing_secret, &payload))
}

/// `POST /rest/invitations/accept` with a token, or `POST /rest/invitations/:id/accept` before 2.x.
pub(crate) fn accept(state: &mut State, request: &Request<'_>, invitee: Option<&str>) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    if !state.profile.second() {
        return accept_with(state, request, &body, invitee);
    }
    let limit = Limit { attempts: 100, window_ms: 60_000 };
    limits::within(state, "accept", &By::Address, limit, |state| accept_with(state, request, &body, invitee))
}

fn accept_with(state: &mut State, request: &Request<'_>, body: &Value, invitee: Option<&str>) -> Answer {
    let field = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let invitee = match invitee {
        Some(id) => Some(id.to_owned()),
        None => field("token")
            .and_then(|text| token::verify(&state.signing_secret, &text))
            .and_then(|payload| Some(payload.get("inviteeId")?.as_str()?.to_owned())),
    };
    let Some(user) = invitee.and_then(|id| state.users.by_id_mut(&id)) else {
        return answer::failed(400, 400, "Invalid payload or URL");
    };
    if user.password.is_some() {
        return answer::failed(400, 400, "This invite has been accepted already");
    }
    user.password = field("password");
    user.first_name = field("firstName");
    user.last_name = field("lastName");
    let user = user.clone();
    let mut shown = full(state, &user);
    if let Some(active) = shown.get_mut("lastActiveAt") {
        *active = Value::Null;
    }
    session::opened(state, request, &user, answer::data(&shown))
}

/// `DELETE /rest/users/:id`: the user's keys die too.
pub(crate) fn delete(state: &mut State, me: &str, id: &str) -> Answer {
    if !state.users.by_id(me).is_some_and(|user| user.owner) {
        return answer::json(403, &json!({ "status": "error", "message": "Unauthorized" }));
    }
    if id == me {
        return answer::failed(400, 400, "Cannot delete your own user");
    }
    if state.users.remove(id).is_none() {
        return answer::failed(
            404,
            404,
            "Request to delete a user failed because the user to delete was not found in DB",
        );
    }
    let keys: Vec<String> = state.keys.of_user(id).map(|key| key.id.clone()).collect();
    for key in keys {
        state.keys.remove(&key);
    }
    answer::data(&json!({ "success": true }))
}
