//! The list of users.

use serde_json::json;

use crate::answer::{self, Answer};
use crate::clock;
use crate::routes::Request;
use crate::routes::public::{Caller, Page};
use crate::state::State;

/// `GET /api/v1/users`.
pub(crate) fn users(state: &State, request: &Request<'_>, caller: &Caller) -> Answer {
    // Members of 1.123 and later may.
    let owner = state.users.by_id(&caller.user).is_some_and(|user| user.owner);
    if !owner && !state.profile.modern() {
        return answer::message(403, "Forbidden");
    }
    let page = match Page::of(state, request) {
        Ok(page) => page,
        Err(refused) => return refused,
    };
    let with_role = request.query("includeRole") == Some("true");
    let users = state.users.all().iter().map(|user| {
        let mut shown = json!({
            "id": user.id, "email": user.email, "firstName": user.first_name, "lastName": user.last_name,
            "createdAt": user.created(), "updatedAt": clock::iso(user.created_ms),
            "isPending": user.password.is_none(),
        });
        if let Some(fields) = shown.as_object_mut() {
            if state.profile.second() {
                fields.insert("mfaEnabled".to_owned(), json!(user.mfa_enabled()));
            }
            if with_role {
                fields.insert("role".to_owned(), json!(user.role()));
            }
        }
        shown
    });
    let (users, next) = page.cut(users.collect());
    answer::json(200, &json!({ "data": users, "nextCursor": next }))
}
