//! A few workflows, so that a key has something to read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::clock;
use crate::ids::Ids;
use crate::state::User;

/// A workflow, as much of one as a client sees.
#[derive(Clone)]
pub(crate) struct Workflow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) version: String,
    pub(crate) created_ms: i64,
    /// `nodes`, `connections`, `settings` and what else came with it.
    pub(crate) parts: Map<String, Value>,
}

impl Workflow {
    pub(crate) fn created(&self) -> String {
        clock::iso(self.created_ms)
    }

    pub(crate) fn part(&self, name: &str) -> Value {
        self.parts.get(name).cloned().unwrap_or(Value::Null)
    }
}

/// By id, which is also the order in which n8n lists them.
#[derive(Default)]
pub(crate) struct Workflows(BTreeMap<String, Workflow>);

impl Workflows {
    pub(crate) fn preset(ids: &mut Ids, now_ms: i64, how_many: u32, owner: Option<&User>) -> Self {
        let mut workflows = Self::default();
        for number in 1..=how_many {
            let mut parts = Map::new();
            let node = json!({
                "id": ids.uuid(), "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1,
                "position": [0, 0], "parameters": {},
            });
            parts.insert("nodes".to_owned(), json!([node]));
            parts.insert("connections".to_owned(), json!({}));
            parts.insert("settings".to_owned(), json!({}));
            let user = owner.map(|user| user.id.clone()).unwrap_or_default();
            workflows.insert(Workflow {
                id: ids.short(),
                name: format!("Workflow {number}"),
                user,
                version: ids.uuid(),
                created_ms: now_ms,
                parts,
            });
        }
        workflows
    }

    pub(crate) fn insert(&mut self, workflow: Workflow) {
        self.0.insert(workflow.id.clone(), workflow);
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Workflow> {
        self.0.remove(id)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Workflow> {
        self.0.get(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Workflow> {
        self.0.values()
    }
}
