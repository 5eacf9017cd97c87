//! How an instance is reached: what its record refers to, fetched.

use std::path::Path;

use model::{Instance, InstanceName, Report, Store, TransportRefs};
use n8n::{ProxyConfig, Transport};

use crate::config::resolved;
use crate::error::operator;

/// A file of certificates is no longer than this.
const MAX_PEM_BYTES: u64 = 4 << 20;

/// The way to a known instance.
pub(crate) async fn of(store: &dyn Store, instance: &Instance) -> Result<Transport, Report> {
    resolve(store, &instance.name, &instance.transport).await
}

/// Reads files and fetches secrets.
pub(crate) async fn resolve(
    store: &dyn Store,
    name: &InstanceName,
    refs: &TransportRefs,
) -> Result<Transport, Report> {
    let ca = refs.ca.as_deref().map(|path| pem(name, path)).transpose()?;
    let identity = match (&refs.client_certificate, &refs.client_key) {
        (Some(certificate), Some(key)) => Some((pem(name, certificate)?, resolved(store, key).await?)),
        _ => None,
    };
    let proxy = match &refs.proxy {
        None => None,
        Some(url) => Some(ProxyConfig {
            url: url.clone(),
            user: refs.proxy_user.clone(),
            password: match &refs.proxy_password {
                Some(reference) => Some(resolved(store, reference).await?),
                None => None,
            },
        }),
    };
    Ok(Transport { ca, identity, proxy })
}

fn pem(name: &InstanceName, path: &str) -> Result<Vec<u8>, Report> {
    use std::io::Read as _;

    let cannot = || operator(format!("cannot read `{path}`, the way to instance `{name}`"));
    let file = std::fs::File::open(Path::new(path)).map_err(|error| cannot().caused_by(&error))?;
    let mut bytes = Vec::new();
    file.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes).map_err(|error| cannot().caused_by(&error))?;
    Ok(bytes)
}
