//! The shapes in which versions speak of keys, and what is made of them.

use std::marker::PhantomData;

use model::{ListedKey, Scope, Secret, Timestamp};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Most answers of `/rest` are wrapped.
#[derive(serde::Deserialize)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

/// A list of keys: a page of everybody's (2.x), or all of one's own (1.x).
pub(crate) enum WireList<K> {
    Page(Vec<K>),
    All(Vec<K>),
}

/// More keys than this is no honest list.
pub(crate) const MAX_KEYS: usize = 50_000;
/// More scopes than this no key has.
const MAX_SCOPES: usize = 1000;

/// At most so many; one more is an error, found before it is kept.
pub(crate) struct AtMost<const MAX: usize, T>(pub(crate) Vec<T>);

impl<'de, const MAX: usize, T: Deserialize<'de>> Deserialize<'de> for AtMost<MAX, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<const MAX: usize, T>(PhantomData<T>);
        impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for Elements<MAX, T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "at most {MAX} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(element) = elements.next_element()? {
                    if all.len() == MAX {
                        return Err(serde::de::Error::invalid_length(MAX, &self));
                    }
                    all.push(element);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_seq(Elements::<MAX, T>(PhantomData)).map(Self)
    }
}

/// Names of scopes.
pub(crate) type WireScopes = AtMost<MAX_SCOPES, String>;

/// Not `untagged`: that would keep whatever comes before looking at it.
impl<'de, K: Deserialize<'de>> Deserialize<'de> for WireList<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(bound = "K: Deserialize<'de>")]
        struct Page<K> {
            items: AtMost<MAX_KEYS, K>,
        }
        struct Either<K>(PhantomData<K>);
        impl<'de, K: Deserialize<'de>> Visitor<'de> for Either<K> {
            type Value = WireList<K>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("keys, or a page of keys")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, keys: A) -> Result<WireList<K>, A::Error> {
                let keys = AtMost::<MAX_KEYS, K>::deserialize(SeqAccessDeserializer::new(keys))?;
                Ok(WireList::All(keys.0))
            }

            fn visit_map<A: MapAccess<'de>>(self, page: A) -> Result<WireList<K>, A::Error> {
                let page = Page::<K>::deserialize(MapAccessDeserializer::new(page))?;
                Ok(WireList::Page(page.items.0))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Something in a list of keys that has a key's id.
pub(crate) trait HasId {
    /// n8n's id of the key.
    fn id(&self) -> &str;
}

/// A key's id alone: all that is needed to see whether it is still there.
#[derive(serde::Deserialize)]
pub(crate) struct WireId {
    pub(crate) id: String,
}

impl HasId for WireId {
    fn id(&self) -> &str {
        &self.id
    }
}

impl HasId for WireKey {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A key in a list. Its text is redacted there and not even read.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireKey {
    pub(crate) id: String,
    label: String,
    #[serde(default)]
    scopes: Option<WireScopes>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    expires_at: Option<i64>,
    #[serde(default)]
    last_used_at: Option<String>,
    #[serde(default)]
    owner: Option<WireOwner>,
}

#[derive(serde::Deserialize)]
struct WireOwner {
    #[serde(default)]
    email: Option<String>,
}

/// A key just made (1.72 and later).
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireCreated {
    pub(crate) id: String,
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) scopes: Option<WireScopes>,
    /// The text, where versions redact `apiKey`.
    #[serde(default)]
    pub(crate) raw_api_key: Option<String>,
    /// The text on 1.72; redacted later.
    #[serde(default)]
    pub(crate) api_key: Option<String>,
}

/// A user's one key on 1.60: whole when just made, redacted when asked for, absent when there is none.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireOnly {
    #[serde(default)]
    pub(crate) api_key: Option<String>,
}

impl WireKey {
    /// As callers see it; `None` if its id is not fit to be put into a path.
    pub(crate) fn listed(self) -> Option<ListedKey> {
        is_id(&self.id).then(|| ListedKey {
            native_id: self.id,
            label: clean(&self.label),
            // Other people's keys are not ours to judge: an odd scope is left out, not an error.
            scopes: names(self.scopes.as_ref()).filter_map(|scope| scope.parse().ok()).collect(),
            created_at: self.created_at.as_deref().and_then(instant),
            expires_at: self.expires_at.and_then(|s| Timestamp::from_second(s).ok()),
            last_used_at: self.last_used_at.as_deref().and_then(instant),
            owner: self.owner.and_then(|owner| owner.email).as_deref().map(clean),
        })
    }
}

impl WireCreated {
    /// The text of the key, if it is one and not a redaction.
    pub(crate) fn take_secret(&mut self) -> Option<Secret> {
        usable(self.raw_api_key.take().or_else(|| self.api_key.take()))
    }

    /// Its scopes; `None` if one of them is not a scope.
    pub(crate) fn scopes(&self) -> Option<Vec<Scope>> {
        names(self.scopes.as_ref()).map(|scope| scope.parse().ok()).collect()
    }
}

fn names(scopes: Option<&WireScopes>) -> impl Iterator<Item = &String> {
    scopes.into_iter().flat_map(|scopes| &scopes.0)
}

/// A text, unless it is redacted or cannot be a header.
pub(crate) fn usable(text: Option<String>) -> Option<Secret> {
    let secret = Secret::new(text?);
    let fit = |b: u8| b.is_ascii_graphic() && b != b'*';
    secret.expose().bytes().all(fit).then_some(secret)
}

/// Whether it is an id that can stand in a path as it is.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Labels and addresses are other people's texts; they are shown in tables.
fn clean(text: &str) -> String {
    text.chars().take(320).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(json: &str) -> Vec<ListedKey> {
        let wire: Data<WireList<WireKey>> = serde_json::from_str(json).unwrap();
        let (WireList::Page(items) | WireList::All(items)) = wire.data;
        items.into_iter().map(|key| key.listed().unwrap()).collect()
    }

    #[test]
    fn both_shapes_of_a_list_are_read() {
        let page = list(
            r#"{"data":{"items":[{"id":"a","label":"x","apiKey":"***abcd","scopes":["tag:list","?"],
            "createdAt":"2026-01-02T03:04:05.678Z","lastUsedAt":null,"expiresAt":1700000000,
            "owner":{"email":"a@example.com"}}],"counts":{"mine":1,"all":1}}}"#,
        );
        assert_eq!(page[0].scopes, ["tag:list".parse().unwrap()]);
        assert_eq!(page[0].created_at, "2026-01-02T03:04:05.678Z".parse().ok());
        assert_eq!(page[0].owner.as_deref(), Some("a@example.com"));
        let all = list(r#"{"data":[{"id":"a","label":"My API Key","apiKey":"eyJ***"}]}"#);
        assert_eq!((all[0].label.as_str(), all[0].expires_at), ("My API Key", None));
    }

    #[test]
    fn an_id_that_would_change_the_path_is_refused() {
        for bad in ["", "../x", "a/b", "a?b", "a%2f", "ü", &"a".repeat(129)] {
            assert!(!is_id(bad), "{bad}");
        }
        assert!(is_id("dlSYsRKIcyj8Ljyo") && is_id("0c1e-_"));
    }

    #[test]
    fn labels_lose_control_characters() {
        let key = list("{\"data\":[{\"id\":\"a\",\"label\":\"\\u001b[2Jx\"}]}");
        assert_eq!(key[0].label, "\u{fffd}[2Jx");
    }

    #[test]
    fn a_redacted_text_is_no_secret() {
        assert_eq!(usable(Some("******canary".to_owned())), None);
        assert_eq!(usable(Some("can ary".to_owned())), None);
        assert_eq!(usable(Some("canary".to_owned())), Some(Secret::new("canary")));
    }
}
