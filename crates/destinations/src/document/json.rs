//! Texts in JSON, with the comments and last commas that editors and agents allow in their configuration.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use zeroize::Zeroizing;

use super::pointer::{Pointer, index};
use super::{Fault, Quotes, Slot};

pub(super) const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};
const BOM: char = '\u{feff}';

pub(super) fn find(text: &str, to: &Pointer) -> Result<Slot, Fault> {
    let json = text.strip_prefix(BOM).unwrap_or(text);
    let skipped = text.len() - json.len();
    let parsed = parse_to_ast(json, &CollectOptions::default(), &OPTIONS)
        .map_err(|fault| Fault::at(json, fault.range().start, "it is no JSON from here on"))?;
    let mut value = parsed.value.ok_or_else(|| Fault::at(json, 0, "there is nothing in it"))?;
    for (number, part) in to.parts().iter().enumerate() {
        let next = match value {
            Value::Object(object) => member(json, object, part)?,
            Value::Array(array) => index(part).and_then(|at| array.elements.into_iter().nth(at)),
            _ => None,
        };
        value = next.ok_or_else(|| Fault::Missing { part: to.upto(number) })?;
    }
    let range = value.range();
    let at = range.start + skipped..range.end + skipped;
    let held = match value {
        Value::StringLit(text) => Zeroizing::new(text.value.into_owned()),
        Value::NullKeyword(_) => Zeroizing::default(),
        _ => return Err(Fault::at(json, range.start, "what is there is neither a text nor null")),
    };
    Ok(Slot { at, held, quotes: Quotes::Double })
}

/// Readers of a name that stands there twice disagree about which of the two counts.
fn member<'a>(json: &str, object: Object<'a>, name: &str) -> Result<Option<Value<'a>>, Fault> {
    let mut found = None;
    for property in object.properties {
        if property.name.as_str() != name {
            continue;
        }
        if found.is_some() {
            return Err(Fault::at(json, property.range.start, "this name is there a second time"));
        }
        found = Some(property.value);
    }
    Ok(found)
}

/// In double quotes, as YAML and TOML read it too.
pub(super) fn write(value: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 2 + 2));
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // All of them are in the first 256 characters.
            c if c.is_control() => {
                let hex = |shift: u32| char::from_digit(u32::from(c) >> shift & 0xf, 16).unwrap_or('0');
                text.extend(['\\', 'u', '0', '0', hex(4), hex(0)]);
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}
