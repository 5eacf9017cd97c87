//! Texts in TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::pointer::{Pointer, index};
use super::{Fault, Quotes, Slot, json};

pub(super) fn find(text: &str, to: &Pointer) -> Result<Slot, Fault> {
    let parsed = DeTable::parse(text).map_err(|fault| {
        Fault::at(text, fault.span().map_or(0, |span| span.start), "it is no TOML from here on")
    })?;
    let missing = |number| Fault::Missing { part: to.upto(number) };
    let (first, rest) = to.parts().split_first().ok_or_else(|| missing(0))?;
    let mut value: &Spanned<DeValue<'_>> = parsed.get_ref().get(first.as_str()).ok_or_else(|| missing(0))?;
    for (number, part) in rest.iter().enumerate() {
        let next = match value.get_ref() {
            DeValue::Table(table) => table.get(part.as_str()),
            DeValue::Array(array) => index(part).and_then(|at| array.get(at)),
            _ => None,
        };
        value = next.ok_or_else(|| missing(number + 1))?;
    }
    let at = value.span();
    let DeValue::String(held) = value.get_ref() else {
        return Err(Fault::at(text, at.start, "what is there is no text"));
    };
    let single = text.get(at.clone()).is_some_and(|text| text.starts_with('\''));
    let quotes = if single { Quotes::Single } else { Quotes::Double };
    Ok(Slot { at, held: Zeroizing::new(held.clone().into_owned()), quotes })
}

pub(super) fn write(value: &str, quotes: Quotes) -> Zeroizing<String> {
    if quotes == Quotes::Single && !value.contains(|c: char| c == '\'' || c.is_control()) {
        return Zeroizing::new(format!("'{value}'"));
    }
    json::write(value)
}
