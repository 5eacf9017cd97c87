//! What a key may do, and what the instance can: `/discover` and `/openapi.yml`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::answer::{self, Answer};
use crate::routes::public::Caller;
use crate::state::State;

/// `GET /api/v1/discover`.
pub(crate) fn show(state: &State, caller: &Caller) -> Answer {
    // A session may do what its user's role may.
    let owner = state.users.by_id(&caller.user).is_some_and(|user| user.owner);
    let role = || state.profile.scopes(owner).into_iter().map(str::to_owned).collect();
    let scopes: Vec<String> = caller.scopes.clone().unwrap_or_else(role);

    let mut resources: Map<String, Value> = Map::new();
    let mut names: Vec<&str> = Vec::new();
    let mut operations: Vec<&str> = Vec::new();
    let allowed = state
        .operations
        .all()
        .iter()
        .filter(|operation| operation.scopes.iter().all(|scope| scopes.iter().any(|one| one == scope)));
    for operation in allowed {
        if !names.contains(&operation.resource) {
            names.push(operation.resource);
        }
        let resource = resources
            .entry(operation.resource)
            .or_insert_with(|| json!({ "operations": [], "endpoints": [] }));
        if let Some(endpoints) = resource.get_mut("endpoints").and_then(Value::as_array_mut) {
            let path = format!("/api/v1{}", operation.template);
            endpoints.push(json!({ "method": operation.method, "path": path, "operationId": operation.id }));
        }
        let verbs = operation.scopes.iter().filter_map(|scope| scope.split(':').nth(1));
        for verb in verbs {
            if let Some(known) = resource.get_mut("operations").and_then(Value::as_array_mut)
                && !known.iter().any(|one| one == verb)
            {
                known.push(json!(verb));
            }
            if !operations.contains(&verb) {
                operations.push(verb);
            }
        }
    }
    answer::json(
        200,
        &json!({ "data": {
            "scopes": scopes,
            "resources": resources,
            "filters": {
                "resource": { "description": "Filter to a specific resource", "values": names },
                "operation": { "description": "Filter to a specific operation", "values": operations },
                "include": { "description": "Include additional data", "values": ["schemas"] },
            },
            "specUrl": "/api/v1/openapi.yml",
        } }),
    )
}

/// `GET /api/v1/openapi.yml`: the paths and the scopes, none of the schemas.
pub(crate) fn openapi(state: &State) -> String {
    let mut text = String::from(
        "openapi: 3.0.0\ninfo:\n  title: n8n Public API\n  version: 1.1.1\nservers:\n  - url: /api/v1\npaths:\n",
    );
    let mut written: Vec<&str> = Vec::new();
    for operation in state.operations.all() {
        if written.contains(&operation.template) {
            continue;
        }
        written.push(operation.template);
        let methods = state.operations.all().iter().filter(|one| one.template == operation.template);
        // Writing to a String cannot fail.
        let _written = writeln!(text, "  {}:", operation.template);
        for one in methods {
            let _written = writeln!(text, "    {}:", one.method.to_ascii_lowercase());
            if state.profile.second() {
                let scopes = if one.scopes.is_empty() { "none".to_owned() } else { one.scopes.join(",") };
                let _written = writeln!(text, "      x-required-scope: {scopes}");
            }
            text.push_str("      responses: {}\n");
        }
    }
    text
}
