//! Signing in and out.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::limits::{self, By};
use crate::routes::{Request, accounts, session};
use crate::state::{Limit, State};

const MINUTE_MS: i64 = 60_000;
const WRONG: &str = "Wrong username or password. Do you have caps lock on?";

/// `POST /rest/login`.
pub(crate) fn log_in(state: &mut State, request: &Request<'_>) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    let field = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let login_id = field(state.profile.login_field());
    let (by, attempts, window_ms) = match login_id {
        Some(login_id) if state.profile.second() => (By::Sent(login_id), 5, MINUTE_MS),
        None if state.profile.second() => (By::Address, 1000, 5 * MINUTE_MS),
        _ => (By::Address, 5, MINUTE_MS),
    };
    let limit = Limit { attempts, window_ms };
    limits::within(state, "login", &by, limit, |state| {
        attempt(state, request, &body, login_id, field("password"))
    })
}

fn attempt(
    state: &mut State,
    request: &Request<'_>,
    body: &Value,
    login_id: Option<&str>,
    password: Option<&str>,
) -> Answer {
    let (Some(login_id), Some(password)) = (login_id, password) else {
        return incomplete(state, login_id.is_none());
    };
    let found = state.users.by_email(login_id.trim());
    let found = found.filter(|user| user.password.as_deref() == Some(password));
    let Some(user) = found.map(|user| user.id.clone()) else {
        return answer::failed(401, 401, WRONG);
    };
    if let Err(refused) = second_factor(state, &user, body) {
        return refused;
    }
    let Some(user) = state.users.by_id(&user) else { return answer::failed(401, 401, WRONG) };
    let answer = answer::data(&accounts::full(state, user));
    session::opened(state, request, user, answer)
}

fn incomplete(state: &State, login_id_missing: bool) -> Answer {
    let name = if login_id_missing { state.profile.login_field() } else { "password" };
    if state.profile.modern() {
        return answer::json(
            400,
            &json!({
                "code": "invalid_type", "expected": "string", "received": "undefined", "path": [name],
                "message": "Required",
            }),
        );
    }
    let what = if login_id_missing { "Email" } else { "Password" };
    answer::failed(500, 0, &format!("{what} is required to log in"))
}

/// Checks the second factor of a user who has one.
fn second_factor(state: &mut State, user: &str, body: &Value) -> Result<(), Answer> {
    let now_s = state.clock.now_s();
    let Some(mfa) = state.users.by_id_mut(user).and_then(|user| user.mfa.as_mut()).filter(|mfa| mfa.enabled)
    else {
        return Ok(());
    };
    let given = |name: &str| body.get(name).and_then(Value::as_str).filter(|code| !code.is_empty());
    // n8n looks at the recovery code only where there is no other.
    let accepted = match (given("mfaCode"), given("mfaRecoveryCode")) {
        (Some(code), _) => mfa.accepts(code, now_s),
        (None, Some(code)) => mfa.spend(code),
        (None, None) => return Err(answer::failed(401, 998, "MFA Error")),
    };
    if accepted { Ok(()) } else { Err(answer::failed(401, 401, "Invalid mfa token or recovery code")) }
}

/// `GET /rest/login`.
pub(crate) fn current(state: &mut State, _request: &Request<'_>, user: &str) -> Answer {
    match state.users.by_id(user) {
        Some(user) => answer::data(&accounts::full(state, user)),
        None => answer::failed(404, 404, "User not found"),
    }
}

/// `POST /rest/logout`.
pub(crate) fn log_out(state: &mut State, request: &Request<'_>, _user: &str) -> Answer {
    if let Some(text) = request.cookie(session::COOKIE) {
        state.ended_sessions.insert(text.to_owned());
    }
    session::cleared(answer::data(&json!({ "loggedOut": true })))
}
