//! How a cluster is reached: by settings, by a `kubeconfig`, or from within.

use std::path::{Path, PathBuf};

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use transport::Transport;
use url::Url;

use super::{exec::Plugin, kubeconfig::Kubeconfig};
use crate::{
    error::error,
    service::{MAX_FILE_BYTES, Outside, ServiceConfig, read_file, read_text, url_fault},
};

/// Where a pod finds what it logs in with.
pub(super) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Where a cluster is, and what opens it.
pub(super) struct Way {
    pub(super) url: Url,
    /// As far as no setting says otherwise.
    pub(super) transport: Transport,
    pub(super) login: Login,
    /// Where it is at home.
    pub(super) namespace: Option<String>,
}

/// What opens it, where it is not a certificate alone.
pub(super) enum Login {
    Nothing,
    Token(Secret),
    /// Rotated by others: read again and again.
    TokenFile(PathBuf),
    Exec(Box<Plugin>),
}

/// Finds the way, in the order of `kubectl`. `account` is [`SERVICE_ACCOUNT`].
pub(super) async fn find(
    config: &ServiceConfig,
    outside: &dyn Outside,
    account: &Path,
) -> Result<Way, DestinationError> {
    let settings = config.settings();
    let plain_http = settings.flag("dangerous_plain_http");
    if let Some(text) = settings.text("url") {
        return direct(config, outside, text).await;
    }
    let context = settings.text("context");
    if let Some(path) = settings.text("kubeconfig") {
        let read = Kubeconfig::read(config.label(), &[path.to_owned()]).await?;
        let kubeconfig = read.ok_or_else(|| {
            error(
                Kind::NotFound,
                format!("cannot log in at {}", config.label()),
                format!("its kubeconfig `{path}` is not there"),
                format!("see `kubeconfig` in [service.{}]", config.name()),
            )
        })?;
        return kubeconfig.way(context, plain_http).await;
    }
    let paths: Vec<String> = match (outside.variable("KUBECONFIG"), outside.variable("HOME")) {
        (Some(list), _) => {
            list.expose().split(':').filter(|path| !path.is_empty()).map(str::to_owned).collect()
        }
        (None, Some(home)) => vec![format!("{}/.kube/config", home.expose())],
        (None, None) => Vec::new(),
    };
    if let Some(kubeconfig) = Kubeconfig::read(config.label(), &paths).await? {
        return kubeconfig.way(context, plain_http).await;
    }
    within(config, outside, account).await
}

async fn direct(config: &ServiceConfig, outside: &dyn Outside, text: &str) -> Result<Way, DestinationError> {
    let settings = config.settings();
    let what = || format!("cannot log in at {}", config.label());
    let fault = url_fault(text, settings.flag("dangerous_plain_http"));
    let url = Url::parse(text).ok().filter(|_| fault.is_none()).ok_or_else(|| {
        let because = format!("its address {}", fault.unwrap_or("is not a URL"));
        error(Kind::BadAddress, what(), because, format!("set `url` in [service.{}]", config.name()))
    })?;
    let login = match settings.secret("token") {
        Some(reference) => Login::Token(outside.secret(&reference).await.map_err(|report| {
            let mut failure = error(Kind::Denied, what(), report.line(), "");
            failure.report.mend = report.mend;
            failure
        })?),
        None => Login::Nothing,
    };
    Ok(Way { url, transport: Transport::default(), login, namespace: None })
}

/// As a pod does it.
async fn within(
    config: &ServiceConfig,
    outside: &dyn Outside,
    account: &Path,
) -> Result<Way, DestinationError> {
    let what = || format!("cannot log in at {}", config.label());
    let variable = |name| outside.variable(name);
    let (Some(host), Some(port)) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"))
    else {
        return Err(error(
            Kind::BadAddress,
            what(),
            "there is no kubeconfig, and this is no pod",
            format!(
                "set `kubeconfig`, or `url` and `token`, in [service.{}]; or set KUBECONFIG",
                config.name()
            ),
        ));
    };
    let host =
        if host.expose().contains(':') { format!("[{}]", host.expose()) } else { host.expose().to_owned() };
    let url = Url::parse(&format!("https://{host}:{}", port.expose())).map_err(|_not_quoted| {
        error(
            Kind::BadAddress,
            what(),
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no host and port",
            "see the pod's environment",
        )
    })?;
    let path = account.join("ca.crt").display().to_string();
    let ca = read_file(&path, MAX_FILE_BYTES, what()).await?.map(|pem| pem.to_vec());
    let ca = ca.ok_or_else(|| {
        let mend = "mount the service account's token (`automountServiceAccountToken`)";
        error(Kind::NotFound, what(), format!("`{path}` is not there"), mend)
    })?;
    let namespace = read_text(&account.join("namespace").display().to_string(), what()).await?;
    Ok(Way {
        url,
        transport: Transport { ca: Some(ca), ..Transport::default() },
        login: Login::TokenFile(account.join("token")),
        namespace: namespace.map(|name| name.to_string()),
    })
}
