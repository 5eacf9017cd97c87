//! Switching the second factor on and off.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::{Request, session};
use crate::state::{Mfa, State};

/// `GET /rest/mfa/qr`: a seed and recovery codes, not yet in force.
pub(crate) fn offer(state: &mut State, _request: &Request<'_>, me: &str) -> Answer {
    let fresh = Mfa {
        seed: state.ids.base32(),
        recovery_codes: (0..10).map(|_| state.ids.uuid()).collect(),
        enabled: false,
    };
    let Some(user) = state.users.by_id_mut(me) else { return answer::failed(404, 404, "User not found") };
    if user.mfa_enabled() {
        return answer::failed(
            400,
            400,
            "MFA already enabled. Disable it to generate new secret and recovery codes",
        );
    }
    let mfa = user.mfa.get_or_insert(fresh);
    let email: String = url::form_urlencoded::byte_serialize(user.email.as_bytes()).collect();
    let link = format!(
        "otpauth://totp/n8n:{email}?issuer=n8n&secret={}&algorithm=SHA1&digits=6&period=30",
        mfa.seed
    );
    answer::data(&json!({ "secret": mfa.seed, "qrCode": link, "recoveryCodes": mfa.recovery_codes }))
}

/// `POST /rest/mfa/verify`: looks at a code, changes nothing.
pub(crate) fn verify(state: &mut State, request: &Request<'_>, me: &str) -> Answer {
    match accepted(state, request, me) {
        Ok(true) => nothing(),
        Ok(false) => answer::failed(400, 400, "MFA secret could not be verified"),
        Err(page) => page,
    }
}

/// `POST /rest/mfa/enable`. Sessions opened before it end.
pub(crate) fn enable(state: &mut State, request: &Request<'_>, me: &str) -> Answer {
    match accepted(state, request, me) {
        Ok(true) => {}
        Ok(false) => {
            return answer::failed(400, 997, "MFA code expired. Close the modal and enable MFA again");
        }
        Err(page) => return page,
    }
    if let Some(mfa) = state.users.by_id_mut(me).and_then(|user| user.mfa.as_mut()) {
        mfa.enabled = true;
    }
    reopened(state, request, me)
}

/// `POST /rest/mfa/disable`.
pub(crate) fn disable(state: &mut State, request: &Request<'_>, me: &str) -> Answer {
    match accepted(state, request, me) {
        Ok(true) => {}
        Ok(false) => return answer::failed(403, 403, "Invalid two-factor code."),
        Err(page) => return page,
    }
    if let Some(user) = state.users.by_id_mut(me) {
        user.mfa = None;
    }
    reopened(state, request, me)
}

fn accepted(state: &State, request: &Request<'_>, me: &str) -> Result<bool, Answer> {
    let body = request.json()?;
    let code = body.get("mfaCode").and_then(Value::as_str).unwrap_or_default();
    let mfa = state.users.by_id(me).and_then(|user| user.mfa.as_ref());
    Ok(mfa.is_some_and(|mfa| mfa.accepts(code, state.clock.now_s())))
}

fn nothing() -> Answer {
    answer::json(200, &json!({}))
}

fn reopened(state: &State, request: &Request<'_>, me: &str) -> Answer {
    let answer = nothing();
    match state.users.by_id(me) {
        Some(user) if state.profile.modern() => session::opened(state, request, user, answer),
        _ => answer,
    }
}
