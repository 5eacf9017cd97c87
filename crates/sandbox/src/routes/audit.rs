//! n8n's own audit, of an instance in which nothing is risky.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::routes::Request;

const CATEGORIES: [&str; 5] = ["credentials", "database", "nodes", "filesystem", "instance"];

/// `POST /api/v1/audit`.
pub(crate) fn run(request: &Request<'_>) -> Answer {
    let body = match request.json() {
        Ok(body) => body,
        Err(page) => return page,
    };
    let categories = body.pointer("/additionalOptions/categories").and_then(Value::as_array);
    let wanted: Vec<&str> = categories.into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(at) = wanted.iter().position(|category| !CATEGORIES.contains(category)) {
        return answer::message(
            400,
            &format!(
                "request/body/additionalOptions/categories/{at} must be equal to one of the allowed values: {}",
                CATEGORIES.join(", ")
            ),
        );
    }
    if !wanted.is_empty() && !wanted.contains(&"instance") {
        return answer::json(200, &json!([]));
    }
    answer::json(
        200,
        &json!({ "Instance Risk Report": { "risk": "instance", "sections": [{
            "title": "Security settings",
            "description": "This n8n instance has the following security settings.",
            "recommendation": "Consider adjusting the security settings for your n8n instance based on your needs.",
            "settings": { "features": { "publicApiEnabled": true }, "nodes": {}, "telemetry": {} },
        }] } }),
    )
}
