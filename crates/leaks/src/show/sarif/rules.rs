//! The tool, its rules, and the weakness that all of them are of.

use detector::{Kind, Severity};
use serde_json::{Value, json};

use crate::show::steps::{CLEANING_ALONE, by_kind};

/// The name of a kind's rule.
pub(super) fn id(kind: Kind) -> String {
    format!("keywright/{}", kind.name())
}

/// Where it stands in the list.
pub(super) fn index(kind: Kind) -> usize {
    Kind::ALL.iter().position(|one| *one == kind).unwrap_or_default()
}

pub(super) fn tool(version: &str) -> Value {
    json!({
        "driver": {
            "name": "Keywright",
            "version": version,
            "rules": Kind::ALL.map(rule),
            "notifications": [{
                "id": "not-read",
                "shortDescription": { "text": "Something was not read: it may hold a key." },
            }],
            "supportedTaxonomies": [{ "name": "CWE", "index": 0 }],
        },
    })
}

fn rule(kind: Kind) -> Value {
    let (level, score) = match kind.severity() {
        Severity::High => ("error", "9.1"),
        Severity::Medium => ("warning", "6.5"),
    };
    let title = kind.title();
    json!({
        "id": id(kind),
        "shortDescription": { "text": format!("Leaked: {title}") },
        "fullDescription": { "text": format!("This text is or was a working {title}. Who reads it can use it.") },
        "help": { "text": format!("What to do: {}. {CLEANING_ALONE}", by_kind(kind)) },
        "defaultConfiguration": { "level": level },
        "properties": {
            "tags": ["security", "external/cwe/cwe-798"],
            "security-severity": score,
            "precision": if kind.is_api_key() { "very-high" } else { "high" },
        },
        "relationships": [{ "target": weakness(), "kinds": ["superset"] }],
    })
}

/// CWE, as far as it is needed.
pub(super) fn cwe() -> Value {
    json!({
        "name": "CWE",
        "organization": "MITRE",
        "shortDescription": { "text": "Common Weakness Enumeration" },
        "isComprehensive": false,
        "taxa": [{ "id": "798", "shortDescription": { "text": "Use of Hard-coded Credentials" } }],
    })
}

/// The entry of it that a leaked key is.
pub(super) fn weakness() -> Value {
    json!({ "id": "798", "index": 0, "toolComponent": { "name": "CWE", "index": 0 } })
}
