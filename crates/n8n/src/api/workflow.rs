//! Workflows: the draft, the published version, and older ones.

use model::Timestamp;
use serde_json::{Map, Value};

use super::fields::{Fields, FromFields};
use super::things::Tag;

/// A workflow. What is in it may hold secrets: `Debug` shows its id and name.
#[derive(Clone, PartialEq)]
pub struct Workflow {
    /// n8n's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether something of it runs by itself.
    pub active: bool,
    /// Whether it is archived.
    pub archived: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// The draft's version.
    pub version_id: Option<String>,
    /// The published version's id, where versions are published apart from the draft.
    pub active_version_id: Option<String>,
    /// The published version itself, where it was told.
    pub active_version: Option<WorkflowVersion>,
    /// The draft's nodes.
    pub nodes: Vec<Value>,
    /// The draft's connections.
    pub connections: Map<String, Value>,
    /// Settings.
    pub settings: Map<String, Value>,
    /// Data that is pinned to nodes.
    pub pin_data: Option<Map<String, Value>>,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Whose it is.
    pub shared: Vec<Share>,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

impl Workflow {
    /// What runs: the published version where there is one apart from the draft.
    pub fn published(&self) -> Option<&WorkflowVersion> {
        self.active_version.as_ref()
    }

    /// Whether another version is published than the draft, so that what runs is not what the editor shows.
    pub fn draft_differs(&self) -> bool {
        self.active_version_id.is_some() && self.active_version_id != self.version_id
    }
}

/// One version of a workflow. `Debug` shows its id.
#[derive(Clone, PartialEq)]
pub struct WorkflowVersion {
    /// Its id.
    pub version_id: String,
    /// The workflow's id.
    pub workflow_id: Option<String>,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Who made it, by name.
    pub authors: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Its nodes; a history does not tell them.
    pub nodes: Option<Vec<Value>>,
    /// Its connections; a history does not tell them.
    pub connections: Option<Map<String, Value>>,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

/// A project that has a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The project's id.
    pub project_id: String,
    /// In which role, such as `workflow:owner`.
    pub role: Option<String>,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

impl FromFields for Workflow {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self {
            id: fields.name("id")?,
            name: fields.text("name").unwrap_or_default(),
            active: fields.flag("active").unwrap_or_default(),
            archived: fields.flag("isArchived").unwrap_or_default(),
            created_at: fields.instant("createdAt"),
            updated_at: fields.instant("updatedAt"),
            version_id: fields.text("versionId"),
            active_version_id: fields.text("activeVersionId"),
            active_version: fields.one("activeVersion"),
            nodes: fields.list("nodes").unwrap_or_default(),
            connections: fields.object("connections").unwrap_or_default(),
            settings: fields.object("settings").unwrap_or_default(),
            pin_data: fields.object("pinData"),
            tags: fields.many("tags"),
            shared: fields.many("shared"),
            rest: fields.rest(),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl FromFields for WorkflowVersion {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self {
            version_id: fields.text("versionId")?,
            workflow_id: fields.text("workflowId"),
            name: fields.text("name"),
            authors: fields.text("authors"),
            created_at: fields.instant("createdAt"),
            updated_at: fields.instant("updatedAt"),
            nodes: fields.list("nodes"),
            connections: fields.object("connections"),
            rest: fields.rest(),
        })
    }

    fn id(&self) -> &str {
        &self.version_id
    }
}

impl FromFields for Share {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self { project_id: fields.text("projectId")?, role: fields.text("role"), rest: fields.rest() })
    }

    fn id(&self) -> &str {
        &self.project_id
    }
}

impl std::fmt::Debug for Workflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workflow").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WorkflowVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkflowVersion").field("version_id", &self.version_id).finish_non_exhaustive()
    }
}
