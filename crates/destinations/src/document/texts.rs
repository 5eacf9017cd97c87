//! Every text of a document, with the pointer that leads to it.

use jsonc_parser::ast::Value;
use jsonc_parser::{CollectOptions, parse_to_ast};
use saphyr_parser::{Event, Parser};
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::{Format, json, pointer::shown_part, yaml};

/// A pointer, and what is there.
type Text = (String, Zeroizing<String>);
/// Deeper is no configuration.
const DEEPEST: usize = 64;

impl Format {
    /// By a file's name.
    pub(crate) fn of_name(name: &str) -> Option<(&'static str, Self)> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "json" | "jsonc" | "json5" => Some(("json", Self::Json)),
            "yaml" | "yml" => Some(("yaml", Self::Yaml)),
            "toml" => Some(("toml", Self::Toml)),
            _ => None,
        }
    }

    /// All texts that `wanted` says yes to, as far as the document can be read.
    pub(crate) fn texts(self, text: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<Text> {
        let mut found = Found { wanted, texts: Vec::new() };
        match self {
            Self::Json => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                let parsed = parse_to_ast(text, &CollectOptions::default(), &json::OPTIONS);
                if let Some(value) = parsed.ok().and_then(|parsed| parsed.value) {
                    found.json(&value, "", 0);
                }
            }
            Self::Toml => {
                if let Ok(parsed) = DeTable::parse(text) {
                    found.toml_table(parsed.get_ref(), "", 0);
                }
            }
            Self::Yaml => found.yaml(text),
        }
        found.texts
    }
}

struct Found<'w> {
    wanted: &'w dyn Fn(&str) -> bool,
    texts: Vec<Text>,
}

/// A mapping or a sequence of YAML that is open.
struct Open {
    at: String,
    /// The name whose value comes next, in a mapping.
    name: Option<String>,
    /// The number of the element that comes next, in a sequence.
    next: Option<usize>,
}

impl Found<'_> {
    fn take(&mut self, at: &str, text: &str) {
        if (self.wanted)(text) && !at.is_empty() {
            self.texts.push((at.to_owned(), Zeroizing::new(text.to_owned())));
        }
    }

    fn json(&mut self, value: &Value<'_>, at: &str, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            Value::StringLit(text) => self.take(at, &text.value),
            Value::Object(object) => {
                for property in &object.properties {
                    let at = format!("{at}/{}", shown_part(property.name.as_str()));
                    self.json(&property.value, &at, depth + 1);
                }
            }
            Value::Array(array) => {
                for (number, value) in array.elements.iter().enumerate() {
                    self.json(value, &format!("{at}/{number}"), depth + 1);
                }
            }
            _ => {}
        }
    }

    fn toml_table(&mut self, table: &DeTable<'_>, at: &str, depth: usize) {
        for (name, value) in table {
            let at = format!("{at}/{}", shown_part(name.get_ref()));
            self.toml(value.get_ref(), &at, depth + 1);
        }
    }

    fn toml(&mut self, value: &DeValue<'_>, at: &str, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            DeValue::String(text) => self.take(at, text),
            DeValue::Table(table) => self.toml_table(table, at, depth),
            DeValue::Array(array) => {
                for (number, value) in array.iter().enumerate() {
                    self.toml(value.get_ref(), &format!("{at}/{number}"), depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Without a tree: events come in the order of the text.
    fn yaml(&mut self, text: &str) {
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new_from_str(text).take(yaml::MAX_EVENTS) {
            let Ok((event, _)) = event else {
                // What cannot be read to its end cannot be delivered to.
                self.texts.clear();
                return;
            };
            match event {
                Event::Scalar(text, ..) => {
                    if let Some(at) = place(&mut open, Some(&text)) {
                        self.take(&at, &text);
                    }
                }
                Event::MappingStart(..) | Event::SequenceStart(..) => {
                    let at = place(&mut open, None).unwrap_or_default();
                    let next = matches!(event, Event::SequenceStart(..)).then_some(0);
                    open.push(Open { at, name: None, next });
                }
                Event::MappingEnd | Event::SequenceEnd => drop(open.pop()),
                Event::Alias(_) => drop(place(&mut open, None)),
                _ => {}
            }
        }
    }
}

/// Where what begins now is; `None` for a name, which is none of its own.
fn place(open: &mut [Open], scalar: Option<&str>) -> Option<String> {
    let Some(top) = open.last_mut() else { return Some(String::new()) };
    if let Some(next) = &mut top.next {
        let at = format!("{}/{next}", top.at);
        *next += 1;
        return Some(at);
    }
    if let Some(name) = top.name.take() {
        return Some(format!("{}/{}", top.at, shown_part(&name)));
    }
    // A name that is no text leads nowhere.
    top.name = Some(scalar.unwrap_or_default().to_owned());
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: Format, text: &str, wanted: &[&str]) {
        let found = format.texts(text, &|text| text == "canary");
        let found: Vec<&str> = found.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(found, wanted, "{text}");
    }

    #[test]
    fn every_text_has_its_pointer() {
        let json = "// x\n{\"a\": [1, \"canary\", {\"b/c\": \"canary\",}], \"canary\": \"no\"}";
        check(Format::Json, json, &["/a/1", "/a/2/b~1c"]);
        check(Format::Toml, "a = 'canary'\n[b.\"c~\"]\nd = [\"x\", \"canary\"]\n", &["/a", "/b/c~0/d/1"]);
        let yaml = "a: canary\nb:\n  - c: 'canary'\n    canary: no\n  - canary\n? [1, 2]\n: x\nd: {e: &x \"canary\", f: *x, g: canary}\n";
        check(Format::Yaml, yaml, &["/a", "/b/0/c", "/b/1", "/d/e", "/d/g"]);
        for format in [Format::Json, Format::Yaml, Format::Toml] {
            check(format, "{[canary", &[]);
        }
    }
}
