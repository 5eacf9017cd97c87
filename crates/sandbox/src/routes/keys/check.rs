//! What n8n's schema refuses in a key that is asked for, and in which words.

use serde_json::{Value, json};

use crate::answer::{self, Answer};

/// A label and scopes that are allowed.
pub(super) fn label_and_scopes(body: &Value, second: bool) -> Result<(String, Vec<String>), Answer> {
    if !body.is_object() {
        return Err(refused(&json!({
            "code": "invalid_type", "expected": "object", "received": kind(Some(body)), "path": [],
            "message": format!("Expected object, received {}", kind(Some(body))),
        })));
    }
    let label = match body.get("label") {
        Some(Value::String(label)) => label,
        other => return Err(wrong_type("label", "string", other)),
    };
    let characters = label.encode_utf16().count();
    if characters > 50 {
        return Err(refused(&json!({
            "code": "too_big", "maximum": 50, "type": "string", "inclusive": true, "exact": false,
            "message": "String must contain at most 50 character(s)", "path": ["label"],
        })));
    }
    if characters == 0 {
        return Err(too_small("label", "string", "String must contain at least 1 character(s)"));
    }
    if label.contains(['<', '>']) {
        let said = "Label can only contain letters, numbers, spaces and punctuation";
        return Err(custom("label", if second { said } else { "Invalid input" }));
    }
    let scopes = match body.get("scopes") {
        Some(Value::Array(scopes)) => scopes,
        other => return Err(wrong_type("scopes", "array", other)),
    };
    if scopes.is_empty() {
        return Err(too_small("scopes", "array", "Array must contain at least 1 element(s)"));
    }
    let mut checked = Vec::new();
    for (at, scope) in scopes.iter().enumerate() {
        match scope {
            Value::String(scope) if well_formed(scope) => checked.push(scope.clone()),
            Value::String(_) => {
                return Err(refused(&json!({
                    "validation": "regex", "code": "invalid_string",
                    "message": "Each scope must follow the format '{resource}:{scope}' with only letters \
                                (e.g., 'workflow:create')",
                    "path": ["scopes", at],
                })));
            }
            other => {
                return Err(refused(&json!({
                    "code": "invalid_type", "expected": "string", "received": kind(Some(other)),
                    "path": ["scopes", at],
                    "message": format!("Expected string, received {}", kind(Some(other))),
                })));
            }
        }
    }
    Ok((label.clone(), checked))
}

/// When the key is to end: the field must be there; null and 0 are never.
pub(super) fn expiry(body: &Value, now_s: i64) -> Result<Option<i64>, Answer> {
    match body.get("expiresAt") {
        Some(Value::Null) => Ok(None),
        Some(Value::Number(end)) => {
            let end = end.as_i64().unwrap_or_default();
            if end != 0 && end <= now_s {
                return Err(custom("expiresAt", "Expiration date must be in the future or null"));
            }
            Ok(Some(end))
        }
        other => Err(wrong_type("expiresAt", "number", other)),
    }
}

fn well_formed(scope: &str) -> bool {
    let letters = |part: &str| !part.is_empty() && part.chars().all(|char| char.is_ascii_alphabetic());
    scope.split_once(':').is_some_and(|(resource, operation)| letters(resource) && letters(operation))
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

fn refused(why: &Value) -> Answer {
    answer::json(400, why)
}

fn custom(field: &str, message: &str) -> Answer {
    refused(&json!({ "code": "custom", "message": message, "path": [field] }))
}

fn too_small(field: &str, kind: &str, message: &str) -> Answer {
    refused(&json!({
        "code": "too_small", "minimum": 1, "type": kind, "inclusive": true, "exact": false, "message": message,
        "path": [field],
    }))
}

fn wrong_type(field: &str, expected: &str, given: Option<&Value>) -> Answer {
    let received = kind(given);
    let message = match given {
        None => "Required".to_owned(),
        Some(_) => format!("Expected {expected}, received {received}"),
    };
    refused(&json!({
        "code": "invalid_type", "expected": expected, "received": received, "path": [field], "message": message,
    }))
}
