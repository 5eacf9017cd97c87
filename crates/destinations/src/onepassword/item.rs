//! An item as Connect gives it: finds one field in it and changes that alone. What is not known here stays as it was.

use serde_json::{Map, Value, json};

use model::DestinationError;

/// Characters of an id.
const ID_CHARS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const ID_LENGTH: usize = 26;

/// Why a field cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Several have that name.
    Several,
    /// It holds a date or the like.
    OtherType,
    /// The item has not the shape of one.
    Misshapen,
}

/// Whether a text has the form of an id of 1Password.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn is(value: &Value, member: &str, text: &str) -> bool {
    value.get(member).and_then(Value::as_str) == Some(text)
}

/// The objects of a list; none if there is none.
fn list<'v>(item: &'v Value, member: &str) -> Result<&'v [Value], Unfit> {
    match item.get(member) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) if list.iter().all(Value::is_object) => Ok(list),
        Some(_) => Err(Unfit::Misshapen),
    }
}

/// All fields.
pub(super) fn fields(item: &Value) -> Result<&[Value], Unfit> {
    list(item, "fields")
}

/// Where the field of that name is: its id, its label, or a section's label or id, a dot, and either.
fn position(item: &Value, name: &str) -> Result<Option<usize>, Unfit> {
    let (fields, sections) = (fields(item)?, list(item, "sections")?);
    let section_of = |field: &Value| {
        let id = field.get("section")?.get("id")?.as_str()?;
        Some((id.to_owned(), sections.iter().find(|section| is(section, "id", id))))
    };
    let within = |field: &Value| {
        name.match_indices('.').any(|(dot, _)| {
            let (section, rest) =
                (name.get(..dot).unwrap_or_default(), name.get(dot + 1..).unwrap_or_default());
            let named = is(field, "id", rest) || is(field, "label", rest);
            named
                && section_of(field).is_some_and(|(id, found)| {
                    id == section || found.is_some_and(|found| is(found, "label", section))
                })
        })
    };
    let ways: [&dyn Fn(&Value) -> bool; 3] =
        [&|field| is(field, "id", name), &|field| is(field, "label", name), &within];
    for way in ways {
        let mut hits = fields.iter().enumerate().filter(|(_, field)| way(field)).map(|(index, _)| index);
        match (hits.next(), hits.next()) {
            (None, _) => {}
            (first, None) => return Ok(first),
            _ => return Err(Unfit::Several),
        }
    }
    Ok(None)
}

/// The text of a field; `None` if it is not there or empty.
pub(super) fn value<'v>(item: &'v Value, name: &str) -> Result<Option<&'v str>, Unfit> {
    let Some(field) = position(item, name)?.and_then(|index| fields(item).ok()?.get(index)) else {
        return Ok(None);
    };
    match field.get("value") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty()).map(String::as_str)),
        Some(_) => Err(Unfit::Misshapen),
    }
}

/// A field can take a key, or can be added.
pub(super) fn may_take(item: &Value, name: &str) -> Result<(), Unfit> {
    let field = position(item, name)?.and_then(|index| fields(item).ok()?.get(index));
    let kind = field.and_then(|field| field.get("type")).and_then(Value::as_str);
    match kind {
        Some("TOTP" | "DATE" | "MONTH_YEAR" | "MENU" | "REFERENCE" | "FILE") => Err(Unfit::OtherType),
        _ => Ok(()),
    }
}

/// Puts a text into a field, adds the field, or takes it away.
pub(super) fn set(item: &mut Value, name: &str, text: Option<&str>) -> Result<(), Unfit> {
    may_take(item, name)?;
    let found = position(item, name)?;
    let object = item.as_object_mut().ok_or(Unfit::Misshapen)?;
    match (found, text) {
        (Some(index), Some(text)) => {
            let field = array(object, "fields")?.get_mut(index).ok_or(Unfit::Misshapen)?;
            field.as_object_mut().ok_or(Unfit::Misshapen)?.insert("value".to_owned(), json!(text));
        }
        (Some(index), None) => {
            let fields = array(object, "fields")?;
            let field = fields.get_mut(index).ok_or(Unfit::Misshapen)?;
            if is_of_its_own(field) {
                fields.remove(index);
            } else {
                field.as_object_mut().ok_or(Unfit::Misshapen)?.insert("value".to_owned(), json!(""));
            }
        }
        (None, Some(text)) => add(object, name, text)?,
        (None, None) => {}
    }
    Ok(())
}

/// Whether a field was added to the item, rather than being one that its category has.
fn is_of_its_own(field: &Value) -> bool {
    let text = |member| field.get(member).and_then(Value::as_str).unwrap_or_default();
    text("type") == "CONCEALED" && text("purpose").is_empty() && is_id(text("id"))
}

fn array<'v>(object: &'v mut Map<String, Value>, member: &str) -> Result<&'v mut Vec<Value>, Unfit> {
    let value = object.entry(member).or_insert(Value::Null);
    if value.is_null() {
        *value = json!([]);
    }
    value.as_array_mut().ok_or(Unfit::Misshapen)
}

fn add(object: &mut Map<String, Value>, name: &str, text: &str) -> Result<(), Unfit> {
    let split = name.split_once('.').filter(|(section, label)| !section.is_empty() && !label.is_empty());
    let label = split.map_or(name, |(_, label)| label);
    let mut field = Map::new();
    for (member, text) in [("id", &*new_id()?), ("type", "CONCEALED"), ("label", label), ("value", text)] {
        field.insert(member.to_owned(), json!(text));
    }
    if let Some((section, _)) = split {
        field.insert("section".to_owned(), json!({"id": section_id(object, section)?}));
    }
    array(object, "fields")?.push(Value::Object(field));
    Ok(())
}

/// The id of a section, which is added where it is missing.
fn section_id(object: &mut Map<String, Value>, section: &str) -> Result<String, Unfit> {
    let sections = array(object, "sections")?;
    let known = sections.iter().find(|known| is(known, "id", section) || is(known, "label", section));
    if let Some(id) = known.and_then(|known| known.get("id")).and_then(Value::as_str) {
        return Ok(id.to_owned());
    }
    let id = new_id()?;
    sections.push(json!({"id": id, "label": section}));
    Ok(id)
}

fn new_id() -> Result<String, Unfit> {
    let mut bytes = [0; ID_LENGTH];
    // Without randomness nothing else here works either.
    getrandom::fill(&mut bytes).map_err(|_none| Unfit::Misshapen)?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(ID_CHARS.get(usize::from(byte % 32)).copied().unwrap_or(b'a')))
        .collect())
}

/// What a field that cannot be used means.
pub(super) fn unfit(unfit: Unfit, address: &model::Address) -> DestinationError {
    let (because, mend) = match unfit {
        Unfit::Several => {
            ("several fields of the item have that name", "write `SECTION.FIELD`, or the field's id")
        }
        Unfit::OtherType => {
            ("the field is of a type that holds no key", "give a field of type password or text")
        }
        Unfit::Misshapen => ("the item has not the shape of one", "see whether `url` is a Connect server"),
    };
    let kind = model::DestinationErrorKind::Malformed;
    crate::error::error(kind, format!("cannot use `{address}`"), because, mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Value {
        serde_json::from_str(
            r#"{"id": "i", "version": 3, "odd": {"big": 18446744073709551615, "e": 120.4369},
            "sections": [{"id": "s1", "label": "Prod"}, {"id": "s2", "label": "Test", "odd": 1}],
            "fields": [
              {"id": "username", "type": "STRING", "purpose": "USERNAME", "label": "user name", "value": "u"},
              {"id": "f1", "type": "CONCEALED", "label": "key", "value": "a", "section": {"id": "s1"}},
              {"id": "f2", "type": "CONCEALED", "label": "key", "value": "b", "section": {"id": "s2"}},
              {"id": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "type": "CONCEALED", "label": "n8n.prod", "value": "c"},
              {"id": "otp", "type": "TOTP", "label": "otp", "value": "d"},
              {"id": "none", "type": "STRING", "label": "none"}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_field_is_found_by_id_label_and_section() {
        let check = |name: &str, wanted: Result<Option<&str>, Unfit>| {
            assert_eq!(value(&item(), name), wanted, "{name}");
        };
        check("username", Ok(Some("u")));
        check("user name", Ok(Some("u")));
        check("key", Err(Unfit::Several));
        check("Prod.key", Ok(Some("a")));
        check("s2.f2", Ok(Some("b")));
        check("n8n.prod", Ok(Some("c")));
        check("none", Ok(None));
        check("Other.key", Ok(None));
        assert_eq!(value(&json!({"fields": {}}), "x"), Err(Unfit::Misshapen));
        assert_eq!(value(&json!({"fields": null}), "x"), Ok(None));
    }

    #[test]
    fn a_change_leaves_the_rest() {
        let mut changed = item();
        set(&mut changed, "Test.key", Some("new")).unwrap();
        let mut wanted = item();
        wanted["fields"][2]["value"] = json!("new");
        assert_eq!(changed.to_string(), wanted.to_string());
        assert_eq!(set(&mut changed, "otp", Some("x")), Err(Unfit::OtherType));
        // One that the category has is emptied, one of its own is taken away.
        set(&mut changed, "username", None).unwrap();
        assert_eq!(changed["fields"][0]["value"], json!(""));
        set(&mut changed, "n8n.prod", None).unwrap();
        assert_eq!(changed["fields"].as_array().unwrap().len(), 5);
        set(&mut changed, "nothing", None).unwrap();
        assert_eq!(changed["fields"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn a_field_is_added_to_its_section() {
        for (name, sections) in [("Prod.fresh", 2), ("New.fresh", 3), ("fresh", 2), (".fresh", 2)] {
            let mut changed = item();
            set(&mut changed, name, Some("new")).unwrap();
            assert_eq!(value(&changed, name), Ok(Some("new")), "{name}");
            assert_eq!(changed["sections"].as_array().unwrap().len(), sections, "{name}");
            let added = changed["fields"].as_array().unwrap().last().unwrap();
            assert!(is_id(added["id"].as_str().unwrap()) && added["type"] == "CONCEALED");
            set(&mut changed, name, None).unwrap();
            assert_eq!(changed["fields"], item()["fields"]);
        }
        let mut bare = json!({"version": 1});
        set(&mut bare, "a.b", Some("new")).unwrap();
        assert_eq!(value(&bare, "a.b"), Ok(Some("new")));
    }
}
