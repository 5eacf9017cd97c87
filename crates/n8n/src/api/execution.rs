//! Executions.

use model::Timestamp;
use serde_json::{Map, Value};

use super::fields::{Fields, FromFields};

/// One run of a workflow. Its data holds what passed through, keys in headers included: `Debug` shows its id.
#[derive(Clone, PartialEq)]
pub struct Execution {
    /// n8n's id: a number, the newest the largest.
    pub id: String,
    /// The workflow's id.
    pub workflow_id: Option<String>,
    /// Such as `success`, `error`, `running`, `waiting`; absent on 1.60 and the like.
    pub status: Option<String>,
    /// What started it, such as `webhook`, `trigger`, `manual`.
    pub mode: Option<String>,
    /// Whether it came to its end.
    pub finished: Option<bool>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub stopped_at: Option<Timestamp>,
    /// Until when it waits.
    pub wait_till: Option<Timestamp>,
    /// The execution that it tries again.
    pub retry_of: Option<String>,
    /// What passed through, where it was asked for.
    pub data: Option<Value>,
    /// The workflow as it was, where data was asked for.
    pub workflow_data: Option<Value>,
    /// What else n8n tells.
    pub rest: Map<String, Value>,
}

impl FromFields for Execution {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        Some(Self {
            id: fields.name("id")?,
            workflow_id: fields.name("workflowId"),
            status: fields.text("status"),
            mode: fields.text("mode"),
            finished: fields.flag("finished"),
            started_at: fields.instant("startedAt"),
            stopped_at: fields.instant("stoppedAt"),
            wait_till: fields.instant("waitTill"),
            retry_of: fields.name("retryOf"),
            data: fields.value("data"),
            workflow_data: fields.value("workflowData"),
            rest: fields.rest(),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl std::fmt::Debug for Execution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution").field("id", &self.id).finish_non_exhaustive()
    }
}
