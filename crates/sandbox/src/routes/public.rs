//! The public API: finding the operation, letting the key in, checking its scopes.

use serde_json::Value;

use crate::answer::{self, Answer};
use crate::routes::operations::Found;
use crate::routes::{Request, audit, credentials, discover, executions, lists, session, versions, workflows};
use crate::state::State;

/// Who calls, and what they may do.
pub(crate) struct Caller {
    pub(crate) user: String,
    /// `None` where scopes are not enforced, and for a session.
    pub(crate) scopes: Option<Vec<String>>,
}

impl Caller {
    fn has(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|one| one == scope))
    }
}

/// Everything under `/api/v1`.
pub(crate) fn answer(state: &mut State, request: &Request<'_>) -> Answer {
    let path = request.path.strip_prefix("/api/v1").unwrap_or_default();
    let method = request.method.as_str();
    if (method, path) == ("GET", "/openapi.yml") {
        return answer::raw(200, "text/yaml; charset=UTF-8", discover::openapi(state));
    }
    let (validated, template) = match state.operations.find(method, path) {
        Found::Operation(operation) => (operation.validated, operation.template),
        Found::OtherMethod => return answer::message(405, &format!("{method} method not allowed")),
        Found::Nothing => return answer::message(404, "not found"),
    };
    let Some(caller) = caller(state, request) else { return refused(state, request, validated) };
    if let Found::Operation(operation) = state.operations.find(method, path)
        && !operation.scopes.iter().all(|scope| caller.has(scope))
    {
        return answer::message(403, "Forbidden");
    }
    let id = path.rsplit('/').next().unwrap_or_default();
    let mut segments = path.trim_start_matches('/').split('/');
    match (method, template) {
        ("GET", "/discover") => discover::show(state, &caller),
        ("GET", "/workflows") => workflows::list(state, request, &caller),
        ("POST", "/workflows") => workflows::create(state, request, &caller),
        ("GET", "/workflows/{workflowId}" | "/workflows/{id}") => workflows::show(state, &caller, id),
        ("DELETE", "/workflows/{workflowId}" | "/workflows/{id}") => workflows::delete(state, &caller, id),
        ("GET", "/users") => lists::users(state, request, &caller),
        ("GET", "/workflows/{workflowId}/history") => {
            versions::history(state, request, &caller, segments.nth(1).unwrap_or_default())
        }
        ("GET", "/workflows/{id}/{versionId}" | "/workflows/{workflowId}/versions/{workflowVersionId}") => {
            versions::show(state, request, &caller, segments.nth(1).unwrap_or_default(), id)
        }
        ("GET", "/executions") => executions::list(state, request, &caller),
        ("GET", "/executions/{executionId}" | "/executions/{id}") => {
            executions::show(state, request, &caller, id)
        }
        ("GET", "/credentials") => credentials::list(state, request, &caller),
        ("POST", "/credentials") => credentials::create(state, request, &caller),
        ("DELETE", "/credentials/{credentialId}" | "/credentials/{id}") => {
            credentials::delete(state, &caller, id)
        }
        ("GET", "/tags") => credentials::list_tags(state, request),
        ("POST", "/tags") => credentials::create_tag(state, request),
        ("DELETE", "/tags/{tagId}" | "/tags/{id}") => credentials::delete_tag(state, id),
        ("POST", "/audit") => audit::run(request),
        (_, "/projects" | "/projects/{projectId}") => licence("feat:projectRole:admin"),
        (_, "/variables" | "/variables/{id}") => licence("feat:variables"),
        (_, path) if path.starts_with("/source-control/") => licence("feat:sourceControl"),
        _ => answer::message(501, "the sandbox does not play this operation"),
    }
}

fn licence(feature: &str) -> Answer {
    answer::message(
        403,
        &format!(
            "Your license does not allow for {feature}. To enable {feature}, please upgrade to a license that \
             supports this feature."
        ),
    )
}

/// The key's user, or on 2.x the session's.
fn caller(state: &mut State, request: &Request<'_>) -> Option<Caller> {
    let text = request.header("x-n8n-api-key").filter(|text| !text.is_empty());
    if let Some(text) = text
        && state.live_key_id(text).is_some()
    {
        let now_ms = state.clock.now_ms();
        if state.profile.second() {
            state.keys.used(text, now_ms);
        }
        let row = state.keys.by_text(text)?;
        let scopes = state.profile.second().then(|| row.scopes.clone());
        return Some(Caller { user: row.user.clone(), scopes });
    }
    if !state.profile.second() || text.is_some() {
        return None;
    }
    Some(Caller { user: session::user(state, request)?, scopes: None })
}

/// 401, in the words of the version and of who checks the key.
fn refused(state: &State, request: &Request<'_>, validated: bool) -> Answer {
    let session = state.profile.second() && request.cookie(session::COOKIE).is_some();
    if session || !validated {
        return answer::message(401, "Unauthorized");
    }
    if request.header("x-n8n-api-key").is_none_or(str::is_empty) {
        return answer::message(401, "'X-N8N-API-KEY' header required");
    }
    answer::message(401, "unauthorized")
}

/// The part of a list that was asked for, and the cursor of the next.
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

impl Page {
    const LIMIT: usize = 100;
    const LIMIT_MAX: usize = 250;

    /// From `limit` and `cursor`; a cursor has its own limit.
    pub(crate) fn of(state: &State, request: &Request<'_>) -> Result<Self, Answer> {
        let second = state.profile.second();
        let limit = match request.query("limit").map(|text| (text, text.parse::<usize>())) {
            None => Self::LIMIT,
            Some((_, Ok(limit))) if limit <= Self::LIMIT_MAX || second => limit.min(Self::LIMIT_MAX),
            Some((_, Ok(_))) => return Err(answer::message(400, "request/query/limit must be <= 250")),
            Some((_, Err(_))) if second => {
                return Err(answer::message(
                    400,
                    "request/query/limit Param `limit` must be a valid integer",
                ));
            }
            Some((_, Err(_))) => return Err(answer::message(400, "request/query/limit must be number")),
        };
        let Some(cursor) = request.query("cursor") else { return Ok(Self { limit, offset: 0 }) };
        Self::decode(cursor).ok_or_else(|| answer::message(400, "An invalid cursor was provided"))
    }

    fn decode(cursor: &str) -> Option<Self> {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.decode(cursor).ok()?;
        let body: Value = serde_json::from_slice(&text).ok()?;
        let number = |name: &str| usize::try_from(body.get(name)?.as_u64()?).ok();
        Some(Self { limit: number("limit")?, offset: number("offset")? })
    }

    /// Cuts the page out. A limit of 0 is no limit.
    pub(crate) fn cut<T>(&self, all: Vec<T>) -> (Vec<T>, Value) {
        use base64::Engine as _;
        let (total, end) = (all.len(), self.offset.saturating_add(self.limit));
        let take = if self.limit == 0 { usize::MAX } else { self.limit };
        let page = all.into_iter().skip(self.offset).take(take).collect();
        if self.limit == 0 || end >= total {
            return (page, Value::Null);
        }
        let next = format!(r#"{{"limit":{},"offset":{end}}}"#, self.limit);
        (page, base64::engine::general_purpose::STANDARD.encode(next).into())
    }
}
