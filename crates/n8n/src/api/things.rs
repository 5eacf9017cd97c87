//! Credentials, users, tags, projects, variables.

use model::{Secret, Timestamp};
use serde_json::{Map, Value};

use super::fields::{Fields, FromFields};

/// A credential, without what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// n8n's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type, such as `httpHeaderAuth`.
    pub kind: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// What else n8n tells, such as `shared`.
    pub rest: Map<String, Value>,
}

/// A user of the instance.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceUser {
    /// n8n's id.
    pub id: String,
    /// Login id.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Such as `global:owner`.
    pub role: Option<String>,
    /// Invited, and not come yet.
    pub pending: Option<bool>,
    /// Has a second factor (2.x).
    pub mfa_enabled: Option<bool>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

/// A tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// n8n's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

/// A project.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// n8n's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `personal` or `team`.
    pub kind: Option<String>,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

/// A variable; its value may be a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// n8n's id.
    pub id: String,
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Option<Secret>,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

impl FromFields for Credential {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self {
            id: fields.name("id")?,
            name: fields.text("name").unwrap_or_default(),
            kind: fields.text("type").unwrap_or_default(),
            created_at: fields.instant("createdAt"),
            updated_at: fields.instant("updatedAt"),
            rest: fields.rest(),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl FromFields for InstanceUser {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self {
            id: fields.name("id")?,
            email: fields.text("email"),
            first_name: fields.text("firstName"),
            last_name: fields.text("lastName"),
            role: fields.text("role"),
            pending: fields.flag("isPending"),
            mfa_enabled: fields.flag("mfaEnabled"),
            created_at: fields.instant("createdAt"),
            updated_at: fields.instant("updatedAt"),
            rest: fields.rest(),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl FromFields for Tag {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        let (id, name) = (fields.name("id")?, fields.text("name").unwrap_or_default());
        Some(Self { id, name, rest: fields.rest() })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl FromFields for Project {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self {
            id: fields.name("id")?,
            name: fields.text("name").unwrap_or_default(),
            kind: fields.text("type"),
            rest: fields.rest(),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl FromFields for Variable {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self {
            id: fields.name("id")?,
            key: fields.text("key").unwrap_or_default(),
            value: fields.text("value").map(Secret::new),
            rest: fields.rest(),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}
