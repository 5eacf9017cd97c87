//! `kubernetes:NAMESPACE/deployment/NAME` as a hook: restarts a workload as `kubectl rollout restart` does, and sees what
//! becomes of it.

use std::{sync::Arc, time::Duration};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Hook, RotationId, Timestamp};
use serde_json::json;

use super::{
    Kubernetes,
    address::Workload,
    cluster::Call,
    progress::{Object, Progress, RESTARTED_AT, ROTATION, fault, is_restarted, patience, progress},
    status::{Status, refusal},
};
use crate::http::Answer;

const STRATEGIC: &str = "application/strategic-merge-patch+json";
/// Between two looks; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Rollout {
    pub(super) service: Arc<Kubernetes>,
    pub(super) address: Address,
    pub(super) namespace: String,
    pub(super) workload: Workload,
    pub(super) name: String,
    /// What it is run for.
    pub(super) rotation: Option<RotationId>,
}

impl Rollout {
    fn path(&self) -> [&str; 7] {
        ["apis", "apps", "v1", "namespaces", &self.namespace, self.workload.resource(), &self.name]
    }

    fn need(&self, verb: &str) -> String {
        let resource = self.workload.resource();
        format!("`{verb}` on `{resource}.apps` `{}` in namespace `{}`", self.name, self.namespace)
    }

    fn purpose(&self) -> String {
        format!("restart `{}`", self.address.rest())
    }

    /// The workload, and the answer that it came in.
    async fn look(&self) -> Result<(Object, Answer), DestinationError> {
        let path = self.path();
        let call = Call::get(&path, self.purpose(), self.need("get"));
        let answer = self.service.cluster.send(&call).await?;
        if !answer.is_ok() {
            return Err(refusal(&answer, self.service.cluster.config.name()));
        }
        let object = answer.json()?;
        Ok((object, answer))
    }

    /// It is there, and a restart would restart its pods.
    async fn look_if_restartable(&self) -> Result<Object, DestinationError> {
        let (object, answer) = self.look().await?;
        match fault(self.workload, &object) {
            None => Ok(object),
            Some((because, mend)) => Err(answer.error(Kind::Denied, because, mend)),
        }
    }

    async fn patch(&self, trial: bool) -> Result<Answer, DestinationError> {
        let now = self.service.cluster.outside.clock().now().to_string();
        // Without a rotation, an older one's id is taken away.
        let rotation = self.rotation.map(|rotation| rotation.to_string());
        let annotations = json!({RESTARTED_AT: now, ROTATION: rotation});
        let body = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        let path = self.path();
        let mut call = Call::patch(&path, STRATEGIC, &body, self.purpose(), self.need("patch"));
        if trial {
            call = call.with("dryRun", "All");
        }
        self.service.cluster.send(&call).await
    }

    fn failed(&self, answer: &Answer, because: String) -> DestinationError {
        let mend = format!(
            "kubectl rollout status --namespace {} {} {}",
            self.namespace,
            self.workload.resource(),
            self.name
        );
        answer.error(Kind::Failed, because, mend)
    }

    async fn restart(&self, object: &Object) -> Result<String, DestinationError> {
        let answer = self.patch(false).await?;
        if !answer.is_ok() {
            return Err(refusal(&answer, self.service.cluster.config.name()));
        }
        self.wait(object).await
    }

    /// Looks until it is rolled out, or for as long as is waited.
    async fn wait(&self, object: &Object) -> Result<String, DestinationError> {
        let asked = self.service.cluster.config.settings().seconds("rollout_timeout");
        let patience = asked.map_or_else(|| patience(object), Duration::from_secs);
        let end = tokio::time::Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        loop {
            let (object, answer) = self.look().await?;
            let state = match progress(self.workload, &object) {
                Progress::Done(state) => return Ok(format!("rolled out: {state}")),
                Progress::Failed(because) => return Err(self.failed(&answer, because)),
                Progress::Under(state) => state,
            };
            let now = tokio::time::Instant::now();
            if now >= end {
                let seconds = patience.as_secs();
                let because = format!("it was restarted, and is not rolled out after {seconds} s: {state}");
                return Err(self.failed(&answer, because));
            }
            tokio::time::sleep(pause.min(end - now)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[async_trait::async_trait]
impl Hook for Rollout {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.look_if_restartable().await?;
        let answer = self.patch(true).await?;
        if answer.is_ok() || Status::of(&answer).forbids_trials() {
            return Ok(());
        }
        Err(refusal(&answer, self.service.cluster.config.name()))
    }

    async fn run(&self) -> Result<String, DestinationError> {
        let object = self.look_if_restartable().await?;
        self.restart(&object).await
    }

    async fn run_again(&self, delivered: Timestamp) -> Result<String, DestinationError> {
        let object = self.look_if_restartable().await?;
        match self.rotation {
            // Begun anew, a rollout that takes longer than is waited would never end.
            Some(rotation) if is_restarted(&object, rotation, delivered) => self.wait(&object).await,
            _ => self.restart(&object).await,
        }
    }
}
