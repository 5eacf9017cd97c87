//! The admin session: the `n8n-auth` cookie and the browser it is bound to.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::clock;
use crate::routes::Request;
use crate::state::{State, User};
use crate::token;

/// The cookie's name.
pub(crate) const COOKIE: &str = "n8n-auth";
const SEVEN_DAYS_S: i64 = 7 * 24 * 3600;

/// Runs `then` for the user whose session it is, or refuses and clears a cookie that is no good.
pub(crate) fn required(
    state: &mut State,
    request: &Request<'_>,
    then: impl FnOnce(&mut State, &Request<'_>, &str) -> Answer,
) -> Answer {
    if let Some(user) = user(state, request) {
        return then(state, request, &user);
    }
    let refused = answer::json(401, &json!({ "status": "error", "message": "Unauthorized" }));
    if request.cookie(COOKIE).is_some() { cleared(refused) } else { refused }
}

/// The id of the user whose session it is.
pub(crate) fn user(state: &State, request: &Request<'_>) -> Option<String> {
    let text = request.cookie(COOKIE)?;
    if state.ended_sessions.contains(text) {
        return None;
    }
    let payload = token::verify(&state.signing_secret, text)?;
    if payload.get("exp").and_then(Value::as_i64)? <= state.clock.now_s() {
        return None;
    }
    if let Some(bound_to) = payload.get("browserId").and_then(Value::as_str)
        && request.header("browser-id").map(token::hash).as_deref() != Some(bound_to)
    {
        return None;
    }
    let user = state.users.by_id(payload.get("id")?.as_str()?)?;
    (payload.get("hash")?.as_str()? == user.session_hash()).then(|| user.id.clone())
}

/// The same answer, with a cookie that opens a session for the user.
pub(crate) fn opened(state: &State, request: &Request<'_>, user: &User, answer: Answer) -> Answer {
    let now = state.clock.now_s();
    let browser = request.header("browser-id").map(|id| format!(r#""browserId":"{}","#, token::hash(id)));
    let mfa =
        if state.profile.modern() { format!(r#""usedMfa":{},"#, user.mfa_enabled()) } else { String::new() };
    let payload = format!(
        r#"{{"id":"{}","hash":"{}",{}{mfa}"iat":{now},"exp":{}}}"#,
        user.id,
        user.session_hash(),
        browser.unwrap_or_default(),
        now + SEVEN_DAYS_S,
    );
    let cookie = format!(
        "{COOKIE}={}; Max-Age={SEVEN_DAYS_S}; Path=/; Expires={}; HttpOnly; SameSite=Lax",
        token::sign(&state.signing_secret, &payload),
        clock::http_date((now + SEVEN_DAYS_S) * 1000),
    );
    answer::with(answer, "set-cookie", &cookie)
}

/// The same answer, which takes the cookie away.
pub(crate) fn cleared(answer: Answer) -> Answer {
    answer::with(answer, "set-cookie", "n8n-auth=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
}
