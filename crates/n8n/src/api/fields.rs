//! What n8n says of a thing, taken field by field. A field of another type than expected stays where it is.

use model::Timestamp;
use serde_json::{Map, Value};

/// A thing that is made of an object's fields.
pub trait FromFields: Sized + Send + 'static {
    /// The thing; `None` if what names it is missing.
    #[doc(hidden)]
    fn from_fields(fields: Fields) -> Option<Self>;

    /// What n8n tells it by.
    fn id(&self) -> &str;
}

/// An object's fields that nobody has taken yet.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// Takes a field if `as_wanted` makes something of it.
    fn take<T>(&mut self, name: &str, as_wanted: impl FnOnce(Value) -> Result<T, Value>) -> Option<T> {
        let value = self.0.get_mut(name)?;
        match as_wanted(value.take()) {
            Ok(taken) => {
                self.0.remove(name);
                Some(taken)
            }
            Err(other) => {
                *value = other;
                None
            }
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    /// A text or a number, as text: ids are either.
    pub(crate) fn name(&mut self, name: &str) -> Option<String> {
        self.take(name, |value| match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(other),
        })
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.take(name, |value| value.as_bool().ok_or(value))
    }

    pub(crate) fn instant(&mut self, name: &str) -> Option<Timestamp> {
        self.take(name, |value| value.as_str().and_then(|text| text.parse().ok()).ok_or(value))
    }

    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        self.take(name, |value| match value {
            Value::Array(items) => Ok(items),
            other => Err(other),
        })
    }

    pub(crate) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.take(name, |value| match value {
            Value::Object(fields) => Ok(fields),
            other => Err(other),
        })
    }

    /// Anything but null.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        self.take(name, |value| if value.is_null() { Err(value) } else { Ok(value) })
    }

    /// A thing; left as it is if it is none.
    pub(crate) fn one<T: FromFields>(&mut self, name: &str) -> Option<T> {
        let made = T::from_fields(Self(self.0.get(name)?.as_object()?.clone()))?;
        self.0.remove(name);
        Some(made)
    }

    /// A list of things; left as it is if one of them is none.
    pub(crate) fn many<T: FromFields>(&mut self, name: &str) -> Vec<T> {
        let Some(Value::Array(items)) = self.0.get(name) else { return Vec::new() };
        let made: Option<Vec<T>> =
            items.iter().map(|item| T::from_fields(Self(item.as_object()?.clone()))).collect();
        if made.is_some() {
            self.0.remove(name);
        }
        made.unwrap_or_default()
    }

    pub(crate) fn rest(self) -> Map<String, Value> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_type_is_not_lost() {
        let Ok(Value::Object(map)) = serde_json::from_str(
            r#"{"id":7,"name":"x","active":"yes","createdAt":"yesterday","nodes":{},"data":null,"new":[1]}"#,
        ) else {
            panic!("an object")
        };
        let mut fields = Fields::new(map);
        assert_eq!(fields.name("id").as_deref(), Some("7"));
        assert_eq!(fields.text("name").as_deref(), Some("x"));
        assert_eq!((fields.flag("active"), fields.instant("createdAt")), (None, None));
        assert_eq!((fields.list("nodes"), fields.value("data"), fields.text("absent")), (None, None, None));
        let rest = serde_json::to_string(&fields.rest()).unwrap();
        assert_eq!(rest, r#"{"active":"yes","createdAt":"yesterday","data":null,"new":[1],"nodes":{}}"#);
    }
}
