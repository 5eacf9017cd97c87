//! What people are told unasked, and the port to how.

use std::collections::BTreeMap;

use crate::{ChannelName, Failure, InstanceName, IntegrationName, NoticeId, RotationId, Timestamp};

/// Something that a person should know. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Its id; the same when it is sent again.
    pub id: NoticeId,
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub kind: NoticeKind,
    /// The instance concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instance: Option<InstanceName>,
    /// The integration concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub integration: Option<IntegrationName>,
    /// The rotation concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotation: Option<RotationId>,
    /// One line for people.
    pub text: String,
    /// A command that mends it, or shows more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mend: Option<String>,
    /// What else there is to know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub detail: BTreeMap<String, serde_json::Value>,
}

impl Notice {
    /// One with nothing but its text.
    pub fn new(id: NoticeId, at: Timestamp, kind: NoticeKind, text: String) -> Self {
        Self {
            id,
            at,
            kind,
            instance: None,
            integration: None,
            rotation: None,
            text,
            mend: None,
            detail: BTreeMap::new(),
        }
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A rotation stopped at a problem, or wants a person.
    Stalled,
    /// A key is due soon and cannot be turned by itself, or ends by itself soon.
    DueSoon,
    /// A rotation is done.
    Done,
    /// A key that nobody declared is at an instance.
    UnknownKey,
    /// A key that always called calls no more.
    Silence,
    /// A key of ours is not at its instance any more.
    MissingKey,
    /// A destination does not hold its key any more.
    Drifted,
    /// An instance cannot be reached, or its login is refused.
    Unreachable,
    /// A key was found where none belongs.
    Leaked,
    /// A person wanted to see whether notices arrive.
    Test,
}

impl NoticeKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Stalled,
        Self::DueSoon,
        Self::Done,
        Self::UnknownKey,
        Self::Silence,
        Self::MissingKey,
        Self::Drifted,
        Self::Unreachable,
        Self::Leaked,
        Self::Test,
    ];

    /// Its name in configuration and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stalled => "stalled",
            Self::DueSoon => "due_soon",
            Self::Done => "done",
            Self::UnknownKey => "unknown_key",
            Self::Silence => "silence",
            Self::MissingKey => "missing_key",
            Self::Drifted => "drifted",
            Self::Unreachable => "unreachable",
            Self::Leaked => "leaked",
            Self::Test => "test",
        }
    }
}

/// What a caller may branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelErrorKind {
    /// The setting means nothing to its kind, or a secret that it names is not to be had.
    BadSetting,
    /// No answer, or not in time. The notice may have arrived or not.
    Unreachable,
    /// The other side refused it.
    Refused,
    /// The other side asked to wait; the report says how long.
    Throttled,
    /// It failed: exit code, 5xx.
    Failed,
}

/// A channel's failure.
pub type ChannelError = Failure<ChannelErrorKind>;

/// One way to tell people. Every call is bounded in time and in what it reads.
#[async_trait::async_trait]
pub trait Channel: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &ChannelName;

    /// Sends a notice. Sending it again may make it arrive again, with the same id.
    async fn send(&self, notice: &Notice) -> Result<(), ChannelError>;
}
