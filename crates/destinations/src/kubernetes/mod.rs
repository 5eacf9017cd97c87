//! `kubernetes:NAMESPACE/SECRET#KEY`: one key of a Secret; and as a hook `kubernetes:NAMESPACE/deployment/NAME`, which
//! restarts a workload.
//!
//! Written by server-side apply in our own name, so that other keys are left alone and what others manage is not taken
//! from them. The lock is `resourceVersion`.

mod address;
mod cluster;
mod exec;
mod kubeconfig;
mod node;
mod progress;
mod rollout;
mod search;
mod secret;
mod status;
mod way;

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind as Kind, Hook};

use self::{address::Place, cluster::Cluster, rollout::Rollout, secret::SecretKey};
use crate::{
    Context,
    error::error,
    kinds::Opened,
    search::Search,
    service::{Form, Outside, Service, ServiceConfig, ServiceKind, Setting, setting},
    slot::Slotted,
};

/// The field manager in whose name everything is written.
const MANAGER: &str = "keywright";

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "kubernetes",
    title: "Kubernetes",
    example: "kubernetes:backups/n8n#N8N_API_KEY",
    form: "NAMESPACE/SECRET#KEY",
    summary: "one key of a Kubernetes Secret",
    settings: SETTINGS,
    sets: &[&["url", "token"]],
    either: &[&[&["url", "token"], &["kubeconfig", "context"]]],
    environment: &[
        ("KUBECONFIG", "kubeconfig"),
        ("HOME", "kubeconfig"),
        ("KUBERNETES_SERVICE_HOST", "url"),
        ("KUBERNETES_SERVICE_PORT", "url"),
    ],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("kubeconfig", Form::File, "\"kubeconfig\"", "the files of `KUBECONFIG`, else `~/.kube/config`, else the pod's service account", "the file that says where the cluster is and what opens it, as for `kubectl`"),
    setting("context", Form::Text, "\"prod\"", "the current one", "the context of the kubeconfig"),
    setting("url", Form::Url, "\"https://10.0.0.1:6443\"", "the kubeconfig's", "where its API is, together with `token`"),
    setting("token", Form::Secret, "\"sealed:kubernetes\"", "the kubeconfig's", "a service account's token, together with `url`"),
    setting("namespace", Form::Text, "\"backups\"", "all namespaces", "the one namespace that a search looks through"),
    setting("force", Form::Flag, "true", "false", "take a key over from another field manager that set it"),
    setting("rollout_timeout", Form::Period, "\"10m\"", "a deployment's own `progressDeadlineSeconds`, else ten minutes", "how long a hook waits for the new pods; if they are not there by then, it fails"),
];

fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    if let Some(namespace) = config.settings().text("namespace").filter(|name| !address::is_namespace(name)) {
        return Err(error(
            Kind::BadAddress,
            format!("cannot use {}", config.label()),
            format!("`{}` is no name of a namespace", transport::shown(namespace, 80)),
            format!("see `namespace` in [service.{}]", config.name()),
        ));
    }
    Ok(Arc::new(Kubernetes { cluster: Cluster::new(config, outside) }))
}

struct Kubernetes {
    cluster: Cluster,
}

#[async_trait::async_trait]
impl Service for Kubernetes {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let place = Place::parse(address)?;
        Ok(Arc::new(Slotted(SecretKey { service: self, address: address.clone(), place })))
    }

    fn hook(
        self: Arc<Self>,
        address: &Address,
        context: &Context,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        let (namespace, workload, name) = address::workload(address)?;
        let (address, rotation) = (address.clone(), context.rotation);
        Ok(Arc::new(Rollout { service: self, address, namespace, workload, name, rotation }))
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        search::search(&self.cluster, search).await
    }
}
