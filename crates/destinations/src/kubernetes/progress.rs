//! How far a rollout is, by the rules of `kubectl rollout status`. Pure.

use std::{collections::BTreeMap, time::Duration};

use model::{RotationId, Timestamp};
use serde::Deserialize;

use super::address::Workload;

/// When it was restarted, as `kubectl` writes it too; and the rotation that we did it for.
pub(super) const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
pub(super) const ROTATION: &str = "keywright.io/rotation";
/// How long a deployment gives its rollout if it says nothing, and we give those that cannot say it.
const PATIENCE: u64 = 600;
/// A deployment that says so gives it for ever.
const FOR_EVER: u64 = i32::MAX as u64;

/// A workload, as far as we look at it. What its kind does not have is nothing.
#[derive(Deserialize)]
pub(super) struct Object {
    metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    generation: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    replicas: Option<u64>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    update_strategy: Strategy,
    progress_deadline_seconds: Option<u64>,
    #[serde(default)]
    template: Template,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Template {
    metadata: TemplateMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TemplateMetadata {
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy {
    #[serde(rename = "type")]
    name: String,
    rolling_update: Option<Rolling>,
}

#[derive(Deserialize)]
struct Rolling {
    partition: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    observed_generation: u64,
    replicas: u64,
    updated_replicas: u64,
    available_replicas: u64,
    ready_replicas: u64,
    desired_number_scheduled: u64,
    updated_number_scheduled: u64,
    number_available: u64,
    update_revision: String,
    current_revision: String,
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    name: String,
    #[serde(default)]
    reason: String,
}

/// How far it is; the words are made of numbers alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Done(String),
    Under(String),
    Failed(String),
}

/// Why a restart would restart nothing, and what mends that.
pub(super) fn fault(workload: Workload, object: &Object) -> Option<(&'static str, &'static str)> {
    match workload {
        Workload::Deployment => {
            object.spec.paused.then_some(("its rollout is paused", "kubectl rollout resume deployment NAME"))
        }
        Workload::StatefulSet | Workload::DaemonSet => (object.spec.update_strategy.name == "OnDelete")
            .then_some((
                "its pods are renewed only when somebody deletes them (`OnDelete`)",
                "set its `updateStrategy` to `RollingUpdate`, or use `command:` with what restarts it",
            )),
    }
}

/// How long its rollout may take where no setting says it.
pub(super) fn patience(object: &Object) -> Duration {
    let own = object.spec.progress_deadline_seconds.filter(|seconds| *seconds < FOR_EVER);
    Duration::from_secs(own.unwrap_or(PATIENCE))
}

/// Whether it was restarted for that rotation, after a delivery.
pub(super) fn is_restarted(object: &Object, rotation: RotationId, delivered: Timestamp) -> bool {
    let annotations = object.spec.template.metadata.annotations.as_ref();
    let says = |name| annotations?.get(name).map(String::as_str);
    let at = says(RESTARTED_AT).and_then(|at| at.parse::<Timestamp>().ok());
    says(ROTATION) == Some(rotation.to_string().as_str()) && at.is_some_and(|at| at >= delivered)
}

pub(super) fn progress(workload: Workload, object: &Object) -> Progress {
    let (spec, status) = (&object.spec, &object.status);
    // Until it was seen, the status is that of before.
    if status.observed_generation < object.metadata.generation {
        return Progress::Under("not begun yet".to_owned());
    }
    let wanted = spec.replicas.unwrap_or(1);
    let (wanted, new, ready, left) = match workload {
        Workload::Deployment => {
            let late = |condition: &Condition| {
                condition.name == "Progressing" && condition.reason == "ProgressDeadlineExceeded"
            };
            if status.conditions.iter().any(late) {
                return Progress::Failed(
                    "it was restarted, and its new pods do not come up (`ProgressDeadlineExceeded`)"
                        .to_owned(),
                );
            }
            let new = status.updated_replicas;
            (wanted, new, status.available_replicas, status.replicas.saturating_sub(new))
        }
        Workload::DaemonSet => {
            let wanted = status.desired_number_scheduled;
            (wanted, status.updated_number_scheduled, status.number_available, 0)
        }
        Workload::StatefulSet => {
            // Those below the partition stay as they are.
            let rolling = spec.update_strategy.rolling_update.as_ref();
            let below = rolling.and_then(|rolling| rolling.partition).unwrap_or(0).min(wanted);
            let renewed = status.update_revision == status.current_revision;
            let new =
                if renewed { wanted } else { (status.updated_replicas.saturating_add(below)).min(wanted) };
            (wanted, new, status.ready_replicas, 0)
        }
    };
    let state = format!("{new} of {wanted} pods are new, {ready} are ready");
    match (new >= wanted && ready >= wanted, left) {
        (true, 0) => Progress::Done(state),
        (_, 0) => Progress::Under(state),
        (_, left) => Progress::Under(format!("{state}, {left} old ones are left")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(workload: Workload, spec: &Value, status: &Value, expected: &str) {
        let mut object = json!({"metadata": {"generation": 3}, "spec": spec, "status": status});
        if status.is_null() {
            object.as_object_mut().unwrap().remove("status");
        }
        let said = format!("{:?}", progress(workload, &serde_json::from_value(object).unwrap()));
        assert!(said.starts_with(expected), "{said} for {status}");
    }

    #[test]
    fn a_deployment_is_done_when_all_pods_are_new_and_the_old_ones_gone() {
        let spec = json!({"replicas": 2});
        let status = |generation: u64, replicas: u64, new: u64, available: u64| json!({"observedGeneration": generation, "replicas": replicas, "updatedReplicas": new, "availableReplicas": available});
        let d = Workload::Deployment;
        check(d, &spec, &status(2, 2, 2, 2), "Under(\"not begun");
        check(d, &spec, &status(3, 3, 1, 2), "Under(\"1 of 2 pods are new, 2 are ready, 2 old");
        check(d, &spec, &status(3, 3, 2, 2), "Under(\"2 of 2 pods are new, 2 are ready, 1 old");
        check(d, &spec, &status(3, 2, 2, 1), "Under(\"2 of 2 pods are new, 1 are ready\"");
        check(d, &spec, &status(3, 2, 2, 2), "Done(\"2 of 2");
        check(d, &json!({"replicas": 0}), &json!({"observedGeneration": 3}), "Done(\"0 of 0");
        let late = json!({"observedGeneration": 3, "conditions": [
            {"type": "Available", "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]});
        check(d, &spec, &late, "Failed(");
        check(d, &spec, &json!(null), "Under(\"not begun");
    }

    #[test]
    fn a_stateful_set_leaves_those_below_its_partition() {
        let s = Workload::StatefulSet;
        let status = |new: u64, ready: u64, current: &str| json!({"observedGeneration": 3, "updatedReplicas": new, "readyReplicas": ready, "updateRevision": "b", "currentRevision": current});
        check(s, &json!({"replicas": 3}), &status(1, 3, "a"), "Under(\"1 of 3");
        check(s, &json!({"replicas": 3}), &status(0, 3, "b"), "Done(\"3 of 3");
        let partitioned = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        check(s, &partitioned, &status(1, 3, "a"), "Done(\"3 of 3");
        check(s, &partitioned, &status(1, 2, "a"), "Under(\"3 of 3 pods are new, 2");
    }

    #[test]
    fn a_daemon_set_is_done_on_every_node() {
        let status = |new: u64, available: u64| json!({"observedGeneration": 3, "desiredNumberScheduled": 2, "updatedNumberScheduled": new, "numberAvailable": available});
        check(Workload::DaemonSet, &json!({}), &status(1, 2), "Under(\"1 of 2");
        check(Workload::DaemonSet, &json!({}), &status(2, 1), "Under(\"2 of 2");
        check(Workload::DaemonSet, &json!({}), &status(2, 2), "Done(\"2 of 2");
    }

    #[test]
    fn a_rollout_is_given_the_time_that_its_workload_gives_it() {
        for (spec, seconds) in [
            (json!({}), 600),
            (json!({"progressDeadlineSeconds": 30}), 30),
            (json!({"progressDeadlineSeconds": 7200}), 7200),
            (json!({"progressDeadlineSeconds": i32::MAX}), 600),
        ] {
            let object = json!({"metadata": {"generation": 1}, "spec": spec});
            let patience = patience(&serde_json::from_value(object).unwrap());
            assert_eq!(patience.as_secs(), seconds, "{spec}");
        }
    }

    #[test]
    fn what_a_restart_would_not_restart_is_told() {
        let fault = |workload, spec: Value| {
            let object = json!({"metadata": {"generation": 1}, "spec": spec});
            fault(workload, &serde_json::from_value(object).unwrap()).map(|(because, _)| because)
        };
        assert!(fault(Workload::Deployment, json!({"paused": true})).unwrap().contains("paused"));
        assert_eq!(fault(Workload::Deployment, json!({})), None);
        for workload in [Workload::StatefulSet, Workload::DaemonSet] {
            assert!(fault(workload, json!({"updateStrategy": {"type": "OnDelete"}})).is_some());
            assert_eq!(fault(workload, json!({"updateStrategy": {"type": "RollingUpdate"}})), None);
        }
    }
}
