//! One page of a list, bounded in bytes, in values and in things.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::fields::{Fields, FromFields};
use crate::wire::{AtMost, is_id};

/// Largest answer.
pub(super) const BYTES: usize = 32 << 20;
/// Most values in one answer: each takes many times the memory of its text.
const VALUES: usize = 1_000_000;
/// Longest cursor.
const CURSOR_BYTES: usize = 1024;

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this position; things before it may come and go.
    Offset(u64),
    /// After the thing with this id.
    After(String),
    /// Where only the instance knows.
    Opaque(String),
}

/// A page's things, and where the list goes on.
pub(super) struct Page<T> {
    pub(super) things: Vec<T>,
    pub(super) next: Option<Place>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    data: AtMost<250, Map<String, Value>>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// Whether an answer may be taken apart: counts the values in it without keeping any.
pub(super) fn is_modest(json: &[u8]) -> bool {
    let (mut values, mut in_text, mut escaped) = (1_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values <= VALUES
}

/// A page of a list; `None` if it is none.
pub(super) fn page<T: FromFields>(json: &[u8]) -> Option<Page<T>> {
    let wire: WirePage = serde_json::from_slice(json).ok()?;
    let things = wire.data.0.into_iter().map(thing);
    let next = match wire.next_cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => Some(read(cursor)?),
        None => None,
    };
    Some(Page { things: things.collect::<Option<_>>()?, next })
}

/// One thing; `None` if it is none.
pub(super) fn one<T: FromFields>(json: &[u8]) -> Option<T> {
    let fields = is_modest(json).then(|| serde_json::from_slice(json).ok()).flatten()?;
    thing(fields)
}

/// A thing with an id that can stand in a path.
fn thing<T: FromFields>(fields: Map<String, Value>) -> Option<T> {
    T::from_fields(Fields::new(fields)).filter(|thing| is_id(thing.id()))
}

/// What a cursor says.
fn read(cursor: String) -> Option<Place> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Said {
        #[serde(default)]
        offset: Option<u64>,
        #[serde(default)]
        last_id: Option<String>,
    }
    if cursor.len() > CURSOR_BYTES {
        return None;
    }
    let said = STANDARD.decode(&cursor).ok().and_then(|json| serde_json::from_slice::<Said>(&json).ok());
    Some(match said {
        Some(Said { offset: Some(offset), .. }) => Place::Offset(offset),
        Some(Said { last_id: Some(id), .. }) => Place::After(id),
        _ => Place::Opaque(cursor),
    })
}

/// The cursor that leads there.
pub(super) fn cursor(place: &Place, limit: u16) -> String {
    let said = match place {
        Place::Offset(offset) => serde_json::json!({ "limit": limit, "offset": offset }),
        Place::After(id) => serde_json::json!({ "lastId": id, "limit": limit }),
        Place::Opaque(cursor) => return cursor.clone(),
    };
    STANDARD.encode(said.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::things::Tag;
    use super::*;

    fn next(cursor: &str) -> String {
        let json = serde_json::json!({ "data": [], "nextCursor": cursor }).to_string();
        format!("{:?}", page::<Tag>(json.as_bytes()).map(|page| page.next))
    }

    #[test]
    fn cursors_are_understood_or_kept() {
        for place in [Place::Offset(7), Place::After("12".to_owned()), Place::Opaque("abc".to_owned())] {
            assert_eq!(next(&cursor(&place, 3)), format!("Some(Some({place:?}))"));
        }
        assert_eq!(next(""), "Some(None)");
        let odd = STANDARD.encode(r#"{"limit":1,"offset":-1}"#);
        assert_eq!(next(&odd), format!("Some(Some(Opaque({odd:?})))"));
        assert_eq!(next(&"a".repeat(CURSOR_BYTES + 1)), "None");
    }

    #[test]
    fn what_would_fill_the_memory_is_found_before() {
        assert!(is_modest(br#"{"data":[{"id":"1,[[{{,,\",,"}]}"#));
        assert!(!is_modest("[0,".repeat(VALUES / 2 + 1).as_bytes()));
        assert!(is_modest(format!("\"{}\"", ",\\\"".repeat(VALUES)).as_bytes()));
        assert!(one::<Tag>(b"{\"name\":\"x\"}").is_none() && one::<Tag>(b"[]").is_none());
        assert!(page::<Tag>(b"{\"data\":[{\"id\":[]}]}").is_none());
    }
}
