//! Executions: list and read. Their list goes on after an id, so that it does not shift.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::Request;
use crate::routes::public::{Caller, Page};
use crate::routes::workflows;
use crate::state::{Execution, State};

/// `GET /api/v1/executions`.
pub(crate) fn list(state: &State, request: &Request<'_>, caller: &Caller) -> Answer {
    let (limit, below) = match request.query("cursor") {
        Some(cursor) => match after(cursor) {
            Some(after) => after,
            None => return answer::message(400, "An invalid cursor was provided"),
        },
        None => match Page::of(state, request) {
            Ok(page) => (page.limit, u64::MAX),
            Err(refused) => return refused,
        },
    };
    let with_data = request.query("includeData") == Some("true");
    let wanted = |execution: &&Execution| {
        request.query("workflowId").is_none_or(|id| id == execution.workflow)
            && request.query("status").is_none_or(|status| status == "success")
            && workflows::visible(state, caller, &execution.workflow).is_some()
    };
    let mut all = state.things.executions.range(..below).rev().map(|(_, execution)| execution).filter(wanted);
    let page: Vec<&Execution> = all.by_ref().take(limit).collect();
    let next = page.last().filter(|_| all.next().is_some()).map(|last| {
        let cursor = format!(r#"{{"lastId":"{}","limit":{limit}}}"#, last.number);
        STANDARD.encode(cursor)
    });
    let shown: Vec<Value> = page.into_iter().map(|execution| show_one(state, execution, with_data)).collect();
    answer::json(200, &json!({ "data": shown, "nextCursor": next }))
}

/// `GET /api/v1/executions/:id`.
pub(crate) fn show(state: &State, request: &Request<'_>, caller: &Caller, id: &str) -> Answer {
    let execution = id.parse().ok().and_then(|number: u64| state.things.executions.get(&number));
    match execution.filter(|execution| workflows::visible(state, caller, &execution.workflow).is_some()) {
        Some(execution) => {
            answer::json(200, &show_one(state, execution, request.query("includeData") == Some("true")))
        }
        None => answer::message(404, "Not Found"),
    }
}

fn after(cursor: &str) -> Option<(usize, u64)> {
    let said: Value = serde_json::from_slice(&STANDARD.decode(cursor).ok()?).ok()?;
    let limit = usize::try_from(said.get("limit")?.as_u64()?).ok()?;
    Some((limit, said.get("lastId")?.as_str()?.parse().ok()?))
}

fn show_one(state: &State, execution: &Execution, with_data: bool) -> Value {
    let started = execution.started();
    let mut shown = json!({
        "id": execution.number.to_string(), "finished": true, "mode": "webhook", "retryOf": null,
        "retrySuccessId": null, "status": "success", "startedAt": started, "stoppedAt": started,
        "workflowId": execution.workflow, "waitTill": null,
    });
    if let Some(fields) = shown.as_object_mut().filter(|_| with_data) {
        let workflow = state.workflows.get(&execution.workflow);
        let nodes = workflow.map_or(Value::Null, |workflow| workflow.part("nodes"));
        fields.insert("data".to_owned(), json!({ "version": 1, "resultData": { "runData": {} } }));
        fields.insert("workflowData".to_owned(), json!({ "id": execution.workflow, "nodes": nodes }));
        fields.insert("customData".to_owned(), json!({}));
    }
    shown
}
