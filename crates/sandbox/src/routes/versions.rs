//! The versions of a workflow: here, each has one.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::Request;
use crate::routes::public::{Caller, Page};
use crate::routes::workflows;
use crate::state::{State, Workflow};

/// `GET /api/v1/workflows/:id/history` (2.x).
pub(crate) fn history(state: &State, request: &Request<'_>, caller: &Caller, id: &str) -> Answer {
    let Some(workflow) = workflows::visible(state, caller, id) else {
        return answer::message(404, "Not Found");
    };
    match Page::of(state, request) {
        Ok(page) => {
            let mut version = show_one(state, workflow);
            if let Some(fields) = version.as_object_mut() {
                for contents in ["nodes", "connections", "nodeGroups"] {
                    fields.remove(contents);
                }
            }
            let (versions, next) = page.cut(vec![version]);
            answer::json(200, &json!({ "data": versions, "nextCursor": next }))
        }
        Err(refused) => refused,
    }
}

/// `GET /api/v1/workflows/:id/:versionId`, and `/versions/:versionId` of 2.x.
pub(crate) fn show(state: &State, request: &Request<'_>, caller: &Caller, id: &str, version: &str) -> Answer {
    if !state.profile.second()
        && let Some((name, _)) = request.query.first()
    {
        return answer::message(400, &format!("Unknown query parameter '{name}'"));
    }
    match workflows::visible(state, caller, id) {
        Some(workflow) if workflow.version == version => answer::json(200, &show_one(state, workflow)),
        None if request.path.contains("/versions/") => answer::message(404, "Workflow not found"),
        _ => answer::message(404, "Version not found"),
    }
}

fn show_one(state: &State, workflow: &Workflow) -> Value {
    let user = state.users.by_id(&workflow.user);
    let name = |name: Option<&String>| name.cloned().unwrap_or_default();
    let first = name(user.and_then(|user| user.first_name.as_ref()));
    let last = name(user.and_then(|user| user.last_name.as_ref()));
    let mut shown = json!({
        "versionId": workflow.version, "workflowId": workflow.id, "nodes": workflow.part("nodes"),
        "connections": workflow.part("connections"), "authors": format!("{first} {last}"), "name": null,
        "description": null, "createdAt": workflow.created(), "updatedAt": workflow.created(),
    });
    if let Some(fields) = shown.as_object_mut().filter(|_| state.profile.second()) {
        fields.insert("nodeGroups".to_owned(), json!([]));
    }
    shown
}
