//! Running a workflow, so that what it deploys takes up the new key.

use std::{collections::BTreeMap, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Hook};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    GitHub,
    address::Workflow,
    calls::{ok, refusal},
};
use crate::http::Request;

pub(super) struct Dispatch {
    pub(super) service: Arc<GitHub>,
    pub(super) address: Address,
    pub(super) workflow: Workflow,
}

#[derive(Deserialize)]
struct State {
    state: String,
}

impl Dispatch {
    fn path(&self) -> Vec<&str> {
        let Workflow { owner, repo, file, .. } = &self.workflow;
        vec!["repos", owner, repo, "actions", "workflows", file]
    }

    fn need(&self, level: &str) -> String {
        let Workflow { owner, repo, .. } = &self.workflow;
        format!("the permission `actions: {level}` on `{owner}/{repo}` (a classic token: the scope `repo`)")
    }
}

#[async_trait::async_trait]
impl Hook for Dispatch {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        let purpose = format!("look at the workflow of `{}`", self.address);
        let answer = ok(self.service.ask(&self.path(), &[], purpose, self.need("read")).await?)?;
        let State { state } = answer.json()?;
        if state != "active" {
            return Err(answer.error(
                Kind::Denied,
                format!("the workflow is not active but `{}`", transport::shown(&state, 40)),
                format!("enable it: `gh workflow enable {}`", self.workflow.file),
            ));
        }
        let Workflow { owner, repo, .. } = &self.workflow;
        self.service.may_change(owner, repo, "actions", &self.need("write")).await
    }

    async fn run(&self) -> Result<String, DestinationError> {
        let Workflow { owner, repo, file, reference, inputs } = &self.workflow;
        let path: Vec<&str> = self.path().into_iter().chain(["dispatches"]).collect();
        let inputs: BTreeMap<_, _> = inputs.iter().cloned().collect();
        let body = if inputs.is_empty() {
            json!({"ref": reference})
        } else {
            json!({"ref": reference, "inputs": inputs})
        };
        let url = self.service.url(&path, &[])?;
        let request = Request::new(Method::POST, url, format!("run `{}`", self.address), self.need("write"));
        let answer = self.service.send(request.json(&body)?).await?;
        if answer.status == 422 {
            return Err(answer.error(
                Kind::NotFound,
                format!(
                    "it answered 422: `{file}` has no trigger `workflow_dispatch`, `{reference}` is no branch or tag, \
                     or an input is none that the workflow has"
                ),
                format!("see `on:` of `{file}` at `{reference}` in `{owner}/{repo}`"),
            ));
        }
        if !answer.is_ok() {
            return Err(refusal(&answer));
        }
        Ok(format!("GitHub took the order to run `{file}` at `{reference}`"))
    }
}
