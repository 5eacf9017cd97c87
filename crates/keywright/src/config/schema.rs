//! The JSON schema of the file, made from the settings' descriptions: editors complete and check with it.

use destinations::{Form, ServiceKind, service_kinds};
use serde_json::{Map, Value, json};

use super::read::MAX_TEXT_BYTES;
use super::rules;
use super::settings::{
    NAME, PERIOD, PRINTABLE, REFERENCE, REQUIRED, SECTIONS, Setting, Shape, Takes, of, shape,
};

/// Draft 2020-12.
pub(crate) fn schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".into(), json!("keywright.toml"));
    schema.append(&mut section(""));
    Value::Object(schema)
}

fn section(name: &str) -> Map<String, Value> {
    let means = SECTIONS.iter().find(|(section, _)| *section == name).map(|(_, means)| *means);
    let properties: Map<String, Value> =
        of(name).map(|setting| (setting.key.to_owned(), property(name, setting))).collect();
    let required: Vec<&str> =
        of(name).filter(|setting| setting.default == REQUIRED).map(|setting| setting.key).collect();
    let mut section = object([
        ("type", json!("object")),
        ("description", json!(means)),
        ("properties", Value::Object(properties)),
        ("required", json!(required)),
        ("additionalProperties", json!(false)),
    ]);
    let rules = rules::schema(name);
    if !rules.is_empty() {
        section.insert("allOf".into(), json!(rules));
    }
    section
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn property(within: &str, setting: &Setting) -> Value {
    let text = |pattern| text(shape(within, setting.key).unwrap_or(Shape::Like(pattern)));
    let mut property = match setting.takes {
        Takes::Text => text(PRINTABLE),
        Takes::Reference => text(REFERENCE),
        Takes::Period => text(PERIOD),
        Takes::Number(most) => {
            object([("type", json!("integer")), ("minimum", json!(1)), ("maximum", json!(most))])
        }
        Takes::Flag => object([("type", json!("boolean"))]),
        Takes::Texts => {
            let least = u8::from(setting.default == REQUIRED);
            object([
                ("type", json!("array")),
                ("items", Value::Object(text(PRINTABLE))),
                ("uniqueItems", json!(true)),
                ("minItems", json!(least)),
            ])
        }
        Takes::Addresses => {
            let address = Value::Object(text(PRINTABLE));
            let more = Value::Object(section(&format!("{within}.{}", setting.key)));
            object([
                ("type", json!("array")),
                ("items", json!({"anyOf": [address, more]})),
                ("uniqueItems", json!(true)),
            ])
        }
        Takes::Table => table(within, setting.key),
    };
    let default = match setting.default {
        "" | REQUIRED => String::new(),
        default => format!(" (without it: {default})"),
    };
    property.insert("description".into(), json!(format!("{}{default}", setting.means)));
    Value::Object(property)
}

fn text(shape: Shape) -> Map<String, Value> {
    match shape {
        Shape::Like(pattern) => object([
            ("type", json!("string")),
            ("pattern", json!(pattern)),
            ("maxLength", json!(MAX_TEXT_BYTES)),
        ]),
        Shape::Words(words) => object([("enum", json!(words))]),
    }
}

/// A section of its own, or one for each name that people give.
fn table(within: &str, key: &str) -> Map<String, Value> {
    let named = format!("{key}.NAME");
    if named == "service.NAME" {
        return object([
            ("type", json!("object")),
            ("propertyNames", json!({"pattern": "^[a-z0-9-]{1,40}$"})),
            ("additionalProperties", Value::Object(service())),
        ]);
    }
    if within.is_empty() && SECTIONS.iter().any(|(section, _)| *section == named) {
        return object([
            ("type", json!("object")),
            ("propertyNames", json!({"pattern": NAME})),
            ("additionalProperties", Value::Object(section(&named))),
        ]);
    }
    section(&if within.is_empty() { key.to_owned() } else { format!("{within}.{key}") })
}

/// A service of any kind: the settings of all kinds. Which belong to which, the reader says.
fn service() -> Map<String, Value> {
    let kinds: Vec<&str> = service_kinds().iter().map(|kind| kind.name).collect();
    let mut properties =
        object([("kind", json!({"enum": kinds, "description": "what it is (without it: its name)"}))]);
    for setting in service_kinds().iter().flat_map(ServiceKind::all_settings) {
        let mut property = match setting.form {
            Form::Text | Form::File => text(Shape::Like(PRINTABLE)),
            Form::Url => text(Shape::Like("^https?://[^/?#@]+(/[^?#]*)?$")),
            Form::Secret => text(Shape::Like(REFERENCE)),
            Form::Period => text(Shape::Like(PERIOD)),
            Form::Flag => object([("type", json!("boolean"))]),
            Form::OneOf(words) => object([("enum", json!(words))]),
        };
        property.insert("description".into(), json!(setting.summary));
        // One name can be several things, by kind: then it is any text.
        let same = |other: &Value| {
            other.get("pattern") == property.get("pattern") && other.get("enum") == property.get("enum")
        };
        match properties.get(setting.name) {
            Some(other) if !same(other) => {
                properties.insert(setting.name.to_owned(), Value::Object(text(Shape::Like(PRINTABLE))));
            }
            Some(_) => {}
            None => drop(properties.insert(setting.name.to_owned(), Value::Object(property))),
        }
    }
    object([
        ("type", json!("object")),
        ("description", json!("A secrets manager, CI system or cluster that addresses start with.")),
        ("properties", Value::Object(properties)),
        ("additionalProperties", json!(false)),
    ])
}
