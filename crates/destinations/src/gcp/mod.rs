//! `gcp-secret-manager:PROJECT/SECRET[#FIELD]`: the latest version of a secret of Google Cloud, or a field of it.
//!
//! There is no lock, and `latest` may lag behind for minutes: what was added here is known by its number.

mod account;
mod calls;
mod crc32c;
mod metadata;
mod search;
mod slot;
mod versions;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use model::{Address, DestinationError, DestinationErrorKind as Kind};

use crate::{
    Context,
    error::error,
    http::Remote,
    kinds::Opened,
    search::Search,
    service::{Cached, Form, Outside, Service, ServiceConfig, ServiceKind, Setting, setting},
    slot::Slotted,
};

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "gcp-secret-manager",
    title: "Google Cloud Secret Manager",
    example: "gcp-secret-manager:team-prod/n8n-api-key",
    form: "PROJECT/SECRET[#FIELD]",
    summary: "a secret of Google Cloud Secret Manager, or one field of its JSON",
    settings: SETTINGS,
    sets: &[],
    either: &[&[&["credentials"], &["credentials_file"]]],
    environment: &[
        ("GOOGLE_APPLICATION_CREDENTIALS", "credentials_file"),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", "url"),
    ],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://secretmanager.europe-west3.rep.googleapis.com\"", "Google's own, of the `location`", "where its API is"),
    setting("location", Form::Text, "\"europe-west3\"", "none: global secrets", "the region whose regional secrets are meant"),
    setting("credentials", Form::Secret, "\"sealed:gcp\"", "none", "where the JSON of a service account's key is, or of another credential"),
    setting("credentials_file", Form::File, "\"/etc/keywright/gcp.json\"", "`GOOGLE_APPLICATION_CREDENTIALS`, else gcloud's own, else the machine's metadata", "a file of that JSON; read for each login"),
    setting("quota_project", Form::Text, "\"team-prod\"", "none", "the project that calls are counted on; a person's own login needs it"),
    setting("project", Form::Text, "\"team-prod\"", "none", "the project that a search looks through"),
    setting("old_versions", Form::OneOf(&["keep", "disable", "destroy"]), "\"disable\"", "keep", "what becomes of versions that hold a dead key"),
];

fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    let location = config.settings().text("location").unwrap_or_default();
    if !location.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        let what = format!("cannot use {}", config.label());
        return Err(error(Kind::BadAddress, what, "its `location` is none", "such as `europe-west3`"));
    }
    Ok(Arc::new(SecretManager {
        remote: Remote::new(config, outside),
        local: Remote::local(config, outside),
        config: config.clone(),
        session: Cached::default(),
        added: Mutex::default(),
    }))
}

struct SecretManager {
    remote: Remote,
    /// To the machine's metadata.
    local: Remote,
    config: ServiceConfig,
    session: Cached,
    /// The last version that was added here, by project and secret.
    added: Mutex<BTreeMap<(String, String), u64>>,
}

/// As Google names projects, by id or number; older ones have a domain before them.
fn is_project(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b':');
    !name.is_empty() && name.len() <= 100 && name.bytes().all(plain) && !name.starts_with('.')
}

/// As Google names secrets.
fn is_secret(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[async_trait::async_trait]
impl Service for SecretManager {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let (place, field) = match address.rest().split_once('#') {
            Some((place, field)) => (place, Some(field)),
            None => (address.rest(), None),
        };
        match place.split_once('/') {
            Some((project, name)) if is_project(project) && is_secret(name) && field != Some("") => {
                Ok(Arc::new(Slotted(slot::Latest {
                    service: self,
                    address: address.clone(),
                    project: project.to_owned(),
                    name: name.to_owned(),
                    field: field.map(str::to_owned),
                })))
            }
            _ => Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it is no project and name of a secret (letters, digits, `-`, `_`), with or without a field",
                format!("write `{}:PROJECT/SECRET` or `…#FIELD`, such as `{}`", address.kind(), KIND.example),
            )),
        }
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.search_project(search).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_strictly() {
        assert!(is_project("team-prod") && is_project("1234") && is_project("example.com:team"));
        assert!(!is_project("") && !is_project("..") && !is_project("a/b") && !is_project("A"));
        assert!(is_secret("n8n_Key-1") && !is_secret("") && !is_secret("a.b") && !is_secret("a:add"));
    }
}
