//! Signing in and out.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::{Request, TOO_MANY, accounts, session};
use crate::state::{Pass, State};

const WRONG: &str = "Wrong username or password. Do you have caps lock on?";

/// `POST /rest/login`.
pub(crate) fn log_in(state: &mut State, request: &Request<'_>) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    let field = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let login_id = field(state.profile.login_field());
    let now_ms = state.clock.now_ms();
    let pass = if state.profile.second() {
        // By login id, so an attempt without one is not counted.
        login_id.map(|login_id| state.throttle.attempt(login_id, now_ms))
    } else {
        // By address; here everybody has the same.
        Some(state.throttle.attempt("127.0.0.1", now_ms))
    };
    let answer = match &pass {
        Some(pass) if !pass.allowed => {
            let answer = if state.profile.second() {
                answer::raw(429, "text/html; charset=utf-8", TOO_MANY)
            } else {
                answer::message(429, "Too many requests")
            };
            let wait_s = (pass.resets_ms - now_ms + 999).div_euclid(1000);
            answer::with(answer, "retry-after", &wait_s.to_string())
        }
        _ => attempt(state, request, &body, login_id, field("password")),
    };
    match pass {
        Some(pass) => counted(answer, &pass),
        None => answer,
    }
}

/// The same answer, with the limit's headers.
fn counted(answer: Answer, pass: &Pass) -> Answer {
    let resets_s = (pass.resets_ms + 999).div_euclid(1000);
    let answer = answer::with(answer, "x-ratelimit-limit", "5");
    let answer = answer::with(answer, "x-ratelimit-remaining", &pass.remaining.to_string());
    answer::with(answer, "x-ratelimit-reset", &resets_s.to_string())
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
