//! Executions, credentials and tags, as much of each as a client sees.

use std::collections::BTreeMap;

use crate::clock;
use crate::ids::Ids;
use crate::state::Workflows;

/// One run of a workflow; it went well.
#[derive(Clone)]
pub(crate) struct Execution {
    pub(crate) number: u64,
    pub(crate) workflow: String,
    pub(crate) started_ms: i64,
}

/// A credential. What it holds is not even kept.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) user: String,
    pub(crate) created_ms: i64,
}

/// A tag.
#[derive(Clone)]
pub(crate) struct Tag {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
}

impl Execution {
    pub(crate) fn started(&self) -> String {
        clock::iso(self.started_ms)
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Things {
    /// By number.
    pub(crate) executions: BTreeMap<u64, Execution>,
    /// By id, as n8n lists them.
    pub(crate) credentials: BTreeMap<String, Credential>,
    /// By id.
    pub(crate) tags: BTreeMap<String, Tag>,
}

impl Things {
    /// So many executions of the workflows that there are, in turn, a second apart.
    pub(crate) fn preset(now_ms: i64, executions: u32, workflows: &Workflows) -> Self {
        let mut things = Self::default();
        let ids: Vec<&str> = workflows.all().map(|workflow| workflow.id.as_str()).collect();
        for (number, workflow) in (1..=u64::from(executions)).zip(ids.iter().cycle()) {
            let ago_s = i64::from(executions) - i64::try_from(number).unwrap_or_default();
            let started_ms = now_ms - ago_s * 1000;
            let execution = Execution { number, workflow: (*workflow).to_owned(), started_ms };
            things.executions.insert(number, execution);
        }
        things
    }

    pub(crate) fn add_credential(
        &mut self,
        ids: &mut Ids,
        now_ms: i64,
        user: &str,
        name: &str,
        kind: &str,
    ) -> &Credential {
        let credential = Credential {
            id: ids.short(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            user: user.to_owned(),
            created_ms: now_ms,
        };
        self.credentials.entry(credential.id.clone()).or_insert(credential)
    }

    pub(crate) fn add_tag(&mut self, ids: &mut Ids, now_ms: i64, name: &str) -> &Tag {
        let tag = Tag { id: ids.short(), name: name.to_owned(), created_ms: now_ms };
        self.tags.entry(tag.id.clone()).or_insert(tag)
    }
}
