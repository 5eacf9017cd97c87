//! What settings of one section have to do with each other: the reader holds them, the schema says them.

use serde_json::{Value, json};

use super::read::Section;

/// One rule of a section.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// One of these, and no more.
    OneOf(&'static [&'static str]),
    /// One, or the other, or neither.
    NotBoth(&'static str, &'static str),
    /// Both or neither.
    Together(&'static str, &'static str),
    /// The first only where the second is.
    OnlyWith(&'static str, &'static str),
}

/// All of them, by section.
pub(super) const RULES: [(&str, Rule); 8] = [
    ("instance.NAME", Rule::OneOf(&["admin", "assisted"])),
    ("instance.NAME.tls", Rule::Together("client_certificate", "client_key")),
    ("instance.NAME.proxy", Rule::Together("user", "password")),
    ("integration.NAME", Rule::NotBoth("rotate_on", "rotate_every")),
    ("notify.NAME", Rule::OneOf(&["webhook", "command", "mail"])),
    ("notify.NAME", Rule::OnlyWith("secret", "webhook")),
    ("notify.NAME", Rule::OnlyWith("dangerous_plain_http", "webhook")),
    ("notify.NAME.mail", Rule::Together("user", "password")),
];

fn of(section: &str) -> impl Iterator<Item = Rule> {
    RULES.iter().filter(move |(of, _)| *of == section).map(|(_, rule)| *rule)
}

/// Tells what of a section breaks a rule.
pub(super) fn check(section: &Section<'_>) {
    for rule in of(section.kind) {
        match rule {
            Rule::OneOf(keys) => one_of(section, keys),
            Rule::NotBoth(one, other) if section.has(one) && section.has(other) => {
                section.wrong(one, format!("stands beside `{other}`: only one of them can hold"));
            }
            Rule::Together(one, other) if section.has(one) != section.has(other) => {
                let lone = if section.has(one) { one } else { other };
                section.wants(lone, format!("stands alone: `{one}` and `{other}` go together"));
            }
            Rule::OnlyWith(key, with) if section.has(key) && !section.has(with) => {
                section.wants(key, format!("goes with `{with}` only"));
            }
            Rule::NotBoth(..) | Rule::Together(..) | Rule::OnlyWith(..) => {}
        }
    }
}

fn one_of(section: &Section<'_>, keys: &[&str]) {
    let names = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let form = "write one of them";
    match keys.iter().filter(|key| section.has(key)).count() {
        1 => {}
        0 => section.page.absence(section.line, &section.path, format!("has none of {names}"), form),
        _ => section.page.fault(section.line, &section.path, format!("has several of {names}"), form),
    }
}

/// The rules of a section in the words of JSON Schema, all of which hold.
pub(super) fn schema(section: &str) -> Vec<Value> {
    let required = |key: &&str| json!({"required": [key]});
    let one = |rule: Rule| match rule {
        Rule::OneOf(keys) => json!({"oneOf": keys.iter().map(required).collect::<Vec<_>>()}),
        Rule::NotBoth(one, other) => json!({"not": {"required": [one, other]}}),
        Rule::Together(one, other) => json!({"dependentRequired": {one: [other], other: [one]}}),
        Rule::OnlyWith(key, with) => json!({"dependentRequired": {key: [with]}}),
    };
    of(section).map(one).collect()
}
