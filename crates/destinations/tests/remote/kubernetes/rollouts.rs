//! Restarts of workloads.

use std::sync::Arc;

use model::{DestinationErrorKind as Kind, Hook};
use serde_json::{Value, json};

use super::KubernetesPlace;
use crate::place::{RemotePlace, services};

type Place = KubernetesPlace<false>;

/// The one that hooks are run for.
pub(crate) const ROTATION: &str = "01kb0000000000000000000000";

fn hook(place: &Place, address: &str, more: &[(&str, &str)]) -> Arc<dyn Hook> {
    let context = destinations::Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: Some(ROTATION.parse().unwrap()),
        hidden_variables: Vec::new(),
        services: services(place, more),
    };
    destinations::open_hook(&address.parse().unwrap(), &context).unwrap()
}

fn deployment(observed: u64, new: u64, reason: &str) -> Value {
    json!({
        "kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "backup", "generation": 2},
        "spec": {"replicas": 2, "strategy": {"type": "RollingUpdate"}},
        "status": {
            "observedGeneration": observed, "replicas": 2, "updatedReplicas": new, "availableReplicas": 2,
            "conditions": [{"type": "Progressing", "status": "True", "reason": reason}],
        },
    })
}

async fn place(states: Vec<Value>) -> Place {
    let place = Place::start().await;
    place.api.0.lock().unwrap().workload = states.into();
    place
}

const ADDRESS: &str = "kubernetes:backups/deployment/backup";

#[tokio::test]
async fn a_workload_is_restarted_and_seen_to_be_rolled_out() {
    let states = vec![
        deployment(2, 2, "NewReplicaSetAvailable"),
        deployment(1, 2, "x"),
        deployment(2, 1, "x"),
        deployment(2, 2, "x"),
    ];
    let place = place(states).await;
    let hook = hook(&place, ADDRESS, &[]);
    assert_eq!(hook.address().to_string(), ADDRESS);
    assert_eq!(hook.run().await.unwrap(), "rolled out: 2 of 2 pods are new, 2 are ready");
    assert_eq!(place.api.0.lock().unwrap().restarts, ["backup"]);
    place.server().assert_clean();
}

#[tokio::test]
async fn checking_a_hook_restarts_nothing() {
    let place = place(vec![deployment(2, 2, "x")]).await;
    hook(&place, ADDRESS, &[]).check().await.unwrap();
    assert!(place.api.0.lock().unwrap().restarts.is_empty());
    place.api.0.lock().unwrap().denied.insert("patch");
    for failure in [
        hook(&place, ADDRESS, &[]).check().await.unwrap_err(),
        hook(&place, ADDRESS, &[]).run().await.unwrap_err(),
    ] {
        assert_eq!(failure.kind, Kind::Denied);
        let need = "`patch` on `deployments.apps` `backup` in namespace `backups` is missing";
        assert!(failure.to_string().contains(need), "{failure}");
    }
    place.server().assert_clean();
}

#[tokio::test]
async fn what_is_not_there_is_not_restarted() {
    let place = place(Vec::new()).await;
    let failure = hook(&place, ADDRESS, &[]).check().await.unwrap_err();
    assert_eq!(failure.kind, Kind::NotFound, "{failure}");
    place.server().assert_clean();
}

#[tokio::test]
async fn what_a_restart_does_not_renew_is_refused() {
    let mut paused = deployment(2, 2, "x");
    paused["spec"]["paused"] = json!(true);
    let mut by_hand = deployment(2, 2, "x");
    by_hand["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    for (address, state) in [(ADDRESS, paused), ("kubernetes:backups/statefulset/backup", by_hand)] {
        let place = place(vec![state]).await;
        for failure in [
            hook(&place, address, &[]).check().await.unwrap_err(),
            hook(&place, address, &[]).run().await.unwrap_err(),
        ] {
            assert_eq!(failure.kind, Kind::Denied, "{failure}");
        }
        assert!(place.api.0.lock().unwrap().restarts.is_empty());
    }
}

#[tokio::test]
async fn new_pods_that_do_not_come_up_fail_the_hook() {
    let place = place(vec![deployment(2, 2, "x"), deployment(2, 1, "ProgressDeadlineExceeded")]).await;
    let failure = hook(&place, ADDRESS, &[]).run().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Failed);
    assert!(failure.to_string().contains("do not come up"), "{failure}");
    place.server().assert_clean();
}

#[tokio::test]
async fn a_rollout_that_takes_longer_than_was_said_fails_the_hook() {
    let place = place(vec![deployment(2, 2, "x"), deployment(2, 1, "x")]).await;
    let failure = hook(&place, ADDRESS, &[("rollout_timeout", "1s")]).run().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Failed);
    assert!(failure.to_string().contains("not rolled out after 1 s: 1 of 2 pods are new"), "{failure}");
    place.server().assert_clean();
}

#[tokio::test]
async fn a_rollout_that_takes_longer_than_its_workload_gives_it_fails_the_hook() {
    let mut state = deployment(2, 1, "x");
    state["spec"]["progressDeadlineSeconds"] = json!(1);
    let place = place(vec![state]).await;
    let failure = hook(&place, ADDRESS, &[]).run().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Failed);
    assert!(failure.to_string().contains("not rolled out after 1 s: 1 of 2 pods are new"), "{failure}");
    place.server().assert_clean();
}

#[tokio::test]
async fn a_restart_that_is_under_way_is_seen_to_its_end_and_not_begun_anew() {
    let (before, at, after) = ("2026-11-27T10:00:00Z", "2026-11-27T10:00:01.5Z", "2026-11-27T10:00:02Z");
    let other = "01kb0000000000000000000001";
    for (rotation, delivered, restarts) in
        [(ROTATION, before, 0), (ROTATION, at, 0), (ROTATION, after, 1), (other, before, 1), ("", before, 1)]
    {
        let restarted = |new| {
            let mut state = deployment(2, new, "x");
            let annotations =
                json!({"kubectl.kubernetes.io/restartedAt": at, "keywright.io/rotation": rotation});
            state["spec"]["template"]["metadata"] = json!({"annotations": annotations});
            state
        };
        let place = place(vec![restarted(1), restarted(2)]).await;
        let seen = hook(&place, ADDRESS, &[]).run_again(delivered.parse().unwrap()).await.unwrap();
        assert!(seen.starts_with("rolled out"), "{seen}");
        assert_eq!(place.api.0.lock().unwrap().restarts.len(), restarts, "{rotation} {delivered}");
        place.server().assert_clean();
    }
    // A first run restarts whatever was.
    let place = place(vec![deployment(2, 2, "x")]).await;
    hook(&place, ADDRESS, &[]).run().await.unwrap();
    assert_eq!(place.api.0.lock().unwrap().restarts.len(), 1);
}
