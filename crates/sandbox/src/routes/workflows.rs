//! Workflows: list, read, make, delete.

use serde_json::{Map, Value, json};

use crate::answer::{self, Answer};
use crate::routes::Request;
use crate::routes::public::{Caller, Page};
use crate::state::{State, Workflow};
use crate::{Profile, clock};

/// What a client may not set.
const READ_ONLY: [&str; 8] =
    ["id", "active", "tags", "meta", "createdAt", "updatedAt", "description", "versionId"];
const REQUIRED: [&str; 4] = ["name", "nodes", "connections", "settings"];
const SETTINGS: [&str; 8] = [
    "saveExecutionProgress",
    "saveManualExecutions",
    "saveDataErrorExecution",
    "saveDataSuccessExecution",
    "executionTimeout",
    "errorWorkflow",
    "timezone",
    "executionOrder",
];

pub(crate) fn visible<'a>(state: &'a State, caller: &Caller, id: &str) -> Option<&'a Workflow> {
    state.workflows.get(id).filter(|workflow| workflow.user == caller.user || owner(state, caller))
}

fn owner(state: &State, caller: &Caller) -> bool {
    state.users.by_id(&caller.user).is_some_and(|user| user.owner)
}

/// `GET /api/v1/workflows`.
pub(crate) fn list(state: &State, request: &Request<'_>, caller: &Caller) -> Answer {
    let page = match Page::of(state, request) {
        Ok(page) => page,
        Err(refused) => return refused,
    };
    let everything = owner(state, caller);
    // None is ever active here.
    let none = request.query("active") == Some("true");
    let all = state.workflows.all().filter(|workflow| !none && (everything || workflow.user == caller.user));
    let (workflows, next) = page.cut(all.collect());
    let shown: Vec<Value> = workflows.into_iter().map(|workflow| show_one(state, workflow, false)).collect();
    answer::json(200, &json!({ "data": shown, "nextCursor": next }))
}

/// `GET /api/v1/workflows/:id`.
pub(crate) fn show(state: &State, caller: &Caller, id: &str) -> Answer {
    match visible(state, caller, id) {
        Some(workflow) => answer::json(200, &show_one(state, workflow, true)),
        None => missing(state, caller, id),
    }
}

/// Where a member is not let in, they are told in other words than an owner who finds nothing.
fn missing(state: &State, caller: &Caller, id: &str) -> Answer {
    if owner(state, caller) {
        answer::message(404, "Not Found")
    } else if state.profile.modern() {
        answer::message(404, &format!("Workflow with ID \"{id}\" not found."))
    } else {
        answer::message(403, "Forbidden")
    }
}

/// `DELETE /api/v1/workflows/:id`.
pub(crate) fn delete(state: &mut State, caller: &Caller, id: &str) -> Answer {
    let Some(workflow) = visible(state, caller, id).cloned() else { return missing(state, caller, id) };
    state.workflows.remove(id);
    let mut shown = show_one(state, &workflow, true);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("tags");
        fields.remove("activeVersion");
    }
    answer::json(200, &shown)
}

/// `POST /api/v1/workflows`.
pub(crate) fn create(state: &mut State, request: &Request<'_>, caller: &Caller) -> Answer {
    let body = match request.json() {
        Ok(Value::Object(body)) => body,
        Ok(_) if state.profile.second() => {
            return answer::message(400, "request/body Expected object, received array");
        }
        Ok(_) => return answer::message(400, "request/body must be object"),
        Err(page) => return page,
    };
    if let Some(refused) = refusal(state, &body) {
        return answer::message(400, &refused);
    }
    let mut parts = body;
    let name = parts.remove("name").and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default();
    if state.profile == Profile::V1_123
        && let Some(settings) = parts.get_mut("settings").and_then(Value::as_object_mut)
    {
        settings.entry("callerPolicy").or_insert_with(|| json!("workflowsFromSameOwner"));
        settings.entry("availableInMCP").or_insert_with(|| json!(false));
    }
    let workflow = Workflow {
        id: state.ids.short(),
        name,
        user: caller.user.clone(),
        version: state.ids.uuid(),
        created_ms: state.clock.now_ms(),
        parts,
    };
    state.workflows.insert(workflow.clone());
    let mut shown = show_one(state, &workflow, true);
    if let Some(fields) = shown.as_object_mut() {
        if state.profile.second() {
            fields.insert("parentFolder".to_owned(), Value::Null);
        } else {
            for loaded in ["tags", "activeVersion", "shared"] {
                fields.remove(loaded);
            }
        }
    }
    answer::json(200, &shown)
}

fn refusal(state: &State, body: &Map<String, Value>) -> Option<String> {
    let second = state.profile.second();
    let absent = REQUIRED.iter().filter(|name| !body.contains_key(**name));
    let mut absent = absent.map(|name| format!("request/body must have required property '{name}'"));
    if let Some(first) = absent.next() {
        // 1.60 names them all.
        let rest = absent.filter(|_| state.profile == Profile::V1_60);
        return Some(std::iter::once(first).chain(rest).collect::<Vec<_>>().join(", "));
    }
    if let Some(name) = READ_ONLY.iter().find(|name| body.contains_key(**name)) {
        return Some(format!("request/body/{name} is read-only"));
    }
    if !body.get("name").is_some_and(Value::is_string) {
        let words = if second { "Expected string, received number" } else { "must be string" };
        return Some(format!("request/body/name {words}"));
    }
    let settings = body.get("settings").and_then(Value::as_object).into_iter().flatten();
    let unknown = settings.map(|(name, _)| name).find(|name| !SETTINGS.contains(&name.as_str()));
    if let Some(name) = unknown {
        let words = if second {
            format!("Unrecognized key(s) in object: '{name}'")
        } else {
            "must NOT have additional properties".to_owned()
        };
        return Some(format!("request/body/settings {words}"));
    }
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if second && !(1..=128).contains(&name.chars().count()) {
        return Some("Workflow name must be 1 to 128 characters long.".to_owned());
    }
    None
}

fn show_one(state: &State, workflow: &Workflow, whole: bool) -> Value {
    let created = workflow.created();
    let mut shown = json!({
        "id": workflow.id, "name": workflow.name, "active": false, "createdAt": created, "updatedAt": created,
        "versionId": workflow.version, "triggerCount": 0, "nodes": workflow.part("nodes"),
        "connections": workflow.part("connections"), "settings": workflow.part("settings"),
        "staticData": workflow.part("staticData"), "pinData": workflow.part("pinData"), "meta": null, "tags": [],
    });
    let Some(fields) = shown.as_object_mut().filter(|_| state.profile.modern()) else { return shown };
    fields.insert("activeVersionId".to_owned(), Value::Null);
    fields.insert("isArchived".to_owned(), json!(false));
    if state.profile.second() {
        fields.insert("nodeGroups".to_owned(), json!([]));
    }
    fields.insert("activeVersion".to_owned(), Value::Null);
    fields.insert("shared".to_owned(), json!([shared(state, workflow, whole)]));
    if whole {
        fields.insert("description".to_owned(), Value::Null);
        fields.insert("versionCounter".to_owned(), json!(1));
        if state.profile.second() {
            fields.insert("sourceWorkflowId".to_owned(), Value::Null);
        }
    }
    shown
}

fn shared(state: &State, workflow: &Workflow, whole: bool) -> Value {
    let created = workflow.created();
    let user = state.users.by_id(&workflow.user);
    let project = user.map(|user| user.project.clone()).unwrap_or_default();
    let mut shown = json!({
        "role": "workflow:owner", "workflowId": workflow.id, "projectId": project, "createdAt": created,
        "updatedAt": created,
    });
    if let (Some(fields), Some(user), true) = (shown.as_object_mut(), user, whole) {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let label = format!("{} {} <{}>", name(&user.first_name), name(&user.last_name), user.email);
        let mut project = json!({
            "id": project, "name": label, "type": "personal", "icon": null, "description": null,
            "createdAt": user.created(), "updatedAt": clock::iso(user.created_ms),
        });
        if let Some(fields) = project.as_object_mut().filter(|_| state.profile.second()) {
            fields.insert("customTelemetryTags".to_owned(), json!([]));
            fields.insert("creatorId".to_owned(), json!(user.id));
        }
        fields.insert("project".to_owned(), project);
    }
    shown
}
