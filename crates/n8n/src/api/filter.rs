//! What is asked of a list.

use url::form_urlencoded::Serializer;

/// Which workflows.
#[derive(Clone, Debug, Default)]
pub struct WorkflowFilter {
    /// Only those in this state.
    pub state: Option<WorkflowState>,
    /// Only the one with this name.
    pub name: Option<String>,
    /// Only those with all of these tags, by name.
    pub tags: Vec<String>,
    /// Only those of this project.
    pub project: Option<String>,
}

/// Whether something of a workflow runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkflowState {
    /// It does.
    Active,
    /// It does not.
    Inactive,
}

/// Which executions.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    /// Only those with this status, such as `error`.
    pub status: Option<String>,
    /// Only this workflow's.
    pub workflow: Option<String>,
    /// Only this project's.
    pub project: Option<String>,
}

/// Whether executions come with what passed through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncludeData {
    /// With it.
    Yes,
    /// Without.
    No,
}

impl WorkflowFilter {
    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(state) = self.state {
            query.append_pair("active", if state == WorkflowState::Active { "true" } else { "false" });
        }
        if let Some(name) = &self.name {
            query.append_pair("name", name);
        }
        if !self.tags.is_empty() {
            query.append_pair("tags", &self.tags.join(","));
        }
        if let Some(project) = &self.project {
            query.append_pair("projectId", project);
        }
        query.finish()
    }
}

impl ExecutionFilter {
    pub(super) fn query(&self, data: IncludeData) -> String {
        let mut query = Serializer::new(String::new());
        if data == IncludeData::Yes {
            query.append_pair("includeData", "true");
        }
        let named = [("status", &self.status), ("workflowId", &self.workflow), ("projectId", &self.project)];
        for (name, value) in named {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}
