//! One field of a JSON object; every other byte of it stays as it is.

use jsonc_parser::{CollectOptions, ParseOptions, ast, common::Ranged as _, parse_to_ast};
use zeroize::Zeroizing;

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_trailing_commas: false,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Why a field can neither be read nor written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Odd {
    NoObject,
    Twice,
    NoText,
}

impl Odd {
    /// In words that follow "it".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NoObject => "holds no JSON object, so that it has no fields",
            Self::Twice => "has this field twice, and readers disagree about which one counts",
            Self::NoText => "has something else than a text in this field",
        }
    }
}

/// What a field holds; `None` if it is not there.
pub(crate) fn get(text: &str, field: &str) -> Result<Option<Zeroizing<String>>, Odd> {
    let object = parse(text)?;
    match find(&object, field)? {
        None => Ok(None),
        Some((_, property)) => match &property.value {
            ast::Value::StringLit(held) => Ok(Some(Zeroizing::new(held.value.clone().into_owned()))),
            ast::Value::NullKeyword(_) => Ok(None),
            _ => Err(Odd::NoText),
        },
    }
}

/// Every field and its text; of what is deeper, the JSON. `None` if it is no object.
pub(crate) fn all(text: &str) -> Option<Vec<(String, Zeroizing<String>)>> {
    let object = parse(text).ok()?;
    let fields = object.properties.iter().filter_map(|property| {
        let held = match &property.value {
            ast::Value::StringLit(held) => held.value.clone().into_owned(),
            ast::Value::Object(_) | ast::Value::Array(_) => property.value.text(text).to_owned(),
            _ => return None,
        };
        Some((property.name.as_str().to_owned(), Zeroizing::new(held)))
    });
    Some(fields.collect())
}

/// With that text in the field; a new one comes last, spaced as the one before it.
pub(crate) fn set(text: &str, field: &str, value: &str) -> Result<Zeroizing<String>, Odd> {
    let object = parse(text)?;
    let value = quoted(value);
    if let Some((_, property)) = find(&object, field)? {
        if !matches!(property.value, ast::Value::StringLit(_) | ast::Value::NullKeyword(_)) {
            return Err(Odd::NoText);
        }
        let range = property.value.range();
        return splice(text, range.start, range.end, &[&value]);
    }
    let name = quoted(field);
    let Some(last) = object.properties.last() else {
        let inside = object.range.start + 1;
        return splice(text, inside, inside, &[&name, ":", &value]);
    };
    let colon = text.get(last.name.range().end..last.value.start()).ok_or(Odd::NoObject)?;
    let before = object.properties.iter().rev().nth(1);
    let (comma, from) = before.map_or((",", object.range.start + 1), |before| ("", before.range.end));
    let space = text.get(from..last.range.start).ok_or(Odd::NoObject)?;
    splice(text, last.range.end, last.range.end, &[comma, space, &name, colon, &value])
}

/// Without the field.
pub(crate) fn remove(text: &str, field: &str) -> Result<Zeroizing<String>, Odd> {
    let object = parse(text)?;
    let Some((at, property)) = find(&object, field)? else { return Ok(Zeroizing::new(text.to_owned())) };
    let before = at.checked_sub(1).and_then(|at| object.properties.get(at));
    let (from, to) = match (before, object.properties.get(at + 1)) {
        (_, Some(next)) => (property.range.start, next.range.start),
        (Some(before), None) => (before.range.end, property.range.end),
        (None, None) => (property.range.start, property.range.end),
    };
    splice(text, from, to, &[])
}

/// An object with that field and nothing else.
pub(crate) fn alone(field: &str, value: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{{{}:{}}}", *quoted(field), *quoted(value)))
}

fn parse(text: &str) -> Result<ast::Object<'_>, Odd> {
    let parsed =
        parse_to_ast(text, &CollectOptions::default(), &STRICT).map_err(|_not_quoted| Odd::NoObject)?;
    match parsed.value {
        Some(ast::Value::Object(object)) => Ok(object),
        _ => Err(Odd::NoObject),
    }
}

fn find<'o, 'a>(
    object: &'o ast::Object<'a>,
    field: &str,
) -> Result<Option<(usize, &'o ast::ObjectProp<'a>)>, Odd> {
    let mut found =
        object.properties.iter().enumerate().filter(|(_, property)| property.name.as_str() == field);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Odd::Twice),
        (first, None) => Ok(first),
    }
}

fn splice(text: &str, from: usize, to: usize, between: &[&str]) -> Result<Zeroizing<String>, Odd> {
    let (Some(head), Some(tail)) = (text.get(..from), text.get(to..)) else { return Err(Odd::NoObject) };
    let length = text.len() + between.iter().map(|part| part.len()).sum::<usize>();
    let mut whole = Zeroizing::new(String::with_capacity(length));
    whole.push_str(head);
    whole.extend(between.iter().copied());
    whole.push_str(tail);
    Ok(whole)
}

fn quoted(text: &str) -> Zeroizing<String> {
    Zeroizing::new(serde_json::Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ODD: &str =
        "{ \"n\" : 1.0, \"big\":1e400,\n  \"key\": \"old\", \"deep\": {\"key\": [\"\\u00e9\"]} }";

    #[test]
    fn only_the_field_changes() {
        assert_eq!(get(ODD, "key").unwrap().unwrap().as_str(), "old");
        let set_to = set(ODD, "key", "a\"b").unwrap();
        assert_eq!(*set_to, ODD.replacen("\"old\"", "\"a\\\"b\"", 1));
        assert_eq!(get(&set_to, "key").unwrap().unwrap().as_str(), "a\"b");
        let without = remove(ODD, "key").unwrap();
        assert_eq!(*without, ODD.replacen("\"key\": \"old\", ", "", 1));
        assert_eq!(get(&without, "key"), Ok(None));
        let texts = all(ODD).unwrap();
        let texts: Vec<(&str, &str)> =
            texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(texts, [("key", "old"), ("deep", "{\"key\": [\"\\u00e9\"]}")]);
    }

    #[test]
    fn a_new_field_is_spaced_as_the_others_and_leaves_no_trace() {
        for (text, expected) in [
            ("{}", "{\"k\":\"v\"}"),
            ("{\"a\":1}", "{\"a\":1,\"k\":\"v\"}"),
            ("{\"a\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 2, \"k\": \"v\"}"),
            ("{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"k\": \"v\"\n}\n"),
        ] {
            let with = set(text, "k", "v").unwrap();
            assert_eq!(*with, expected);
            assert_eq!(*remove(&with, "k").unwrap(), text);
        }
        assert_eq!(alone("k\"", "v").as_str(), "{\"k\\\"\":\"v\"}");
        assert_eq!(*set("{\"k\":null}", "k", "v").unwrap(), "{\"k\":\"v\"}");
    }

    #[test]
    fn what_cannot_be_told_is_not_touched() {
        for (text, expected) in [
            ("text", Odd::NoObject),
            ("", Odd::NoObject),
            ("[\"k\"]", Odd::NoObject),
            ("{\"k\":\"a\",}", Odd::NoObject),
            ("{\"k\":\"a\"} x", Odd::NoObject),
            ("{/**/\"k\":\"a\"}", Odd::NoObject),
            ("{\"k\":\"a\",\"\\u006b\":\"b\"}", Odd::Twice),
            ("{\"k\":1}", Odd::NoText),
            ("{\"k\":{}}", Odd::NoText),
        ] {
            assert_eq!((get(text, "k"), set(text, "k", "v")), (Err(expected), Err(expected)), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(get(&deep, "k"), Err(Odd::NoObject));
    }

    proptest! {
        #[test]
        fn other_readers_find_the_same(fields in prop::collection::btree_map("[a-z]{0,3}|\\PC{1,4}", "\\PC{0,8}", 0..5), key in "[a-z]{1,3}", value in "\\PC{0,12}") {
            let text = serde_json::to_string(&fields).unwrap();
            let mut expected = fields.clone();
            expected.insert(key.clone(), value.clone());
            let with = set(&text, &key, &value).unwrap();
            prop_assert_eq!(&serde_json::from_str::<std::collections::BTreeMap<String, String>>(&with).unwrap(), &expected);
            let held = get(&with, &key).unwrap().unwrap();
            prop_assert_eq!(held.as_str(), value.as_str());
            expected.remove(&key);
            let without = remove(&with, &key).unwrap();
            prop_assert_eq!(serde_json::from_str::<std::collections::BTreeMap<String, String>>(&without).unwrap(), expected);
        }
    }
}
