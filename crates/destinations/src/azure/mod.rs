//! `azure-key-vault:VAULT/SECRET`: a secret of Azure Key Vault.
//!
//! There is no lock: what was put is looked at again. A new version carries over type, tags and attributes.

mod account;
mod calls;
mod search;
mod slot;
mod versions;

use std::sync::Arc;

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

/// What follows a vault's name in Azure's public cloud.
const SUFFIX: &str = "vault.azure.net";

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "azure-key-vault",
    title: "Azure Key Vault",
    example: "azure-key-vault:team-prod/n8n-api-key",
    form: "VAULT/SECRET",
    summary: "a secret of Azure Key Vault",
    settings: SETTINGS,
    sets: &[],
    either: &[&[&["client_secret"], &["federated_token_file"], &["managed_identity"]]],
    environment: &[
        ("AZURE_TENANT_ID", "tenant_id"),
        ("AZURE_CLIENT_ID", "client_id"),
        ("AZURE_CLIENT_SECRET", "client_secret"),
        ("AZURE_FEDERATED_TOKEN_FILE", "federated_token_file"),
        ("AZURE_AUTHORITY_HOST", "authority"),
    ],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://team-prod.vault.azure.net\"", "`https://VAULT.` and `suffix`", "where the vault is, whatever an address calls it"),
    setting("suffix", Form::Text, "\"vault.usgovcloudapi.net\"", "`vault.azure.net`", "what follows a vault's name, in another cloud: `vault.usgovcloudapi.net`, `vault.azure.cn`"),
    setting("authority", Form::Url, "\"https://login.microsoftonline.us\"", "`AZURE_AUTHORITY_HOST`, else `https://login.microsoftonline.com`", "where tokens are issued"),
    setting("tenant_id", Form::Text, "\"8d2b6d0a-9b3e-4b0f-8a11-3c7c0f9e1a11\"", "`AZURE_TENANT_ID`", "the tenant that the application is in"),
    setting("client_id", Form::Text, "\"1f6c2a34-51c2-4b6e-bb5a-0d5c7a7b2c11\"", "`AZURE_CLIENT_ID`", "the application, or the user-assigned managed identity"),
    setting("client_secret", Form::Secret, "\"sealed:azure\"", "`AZURE_CLIENT_SECRET`", "where the application's client secret is"),
    setting("federated_token_file", Form::File, "\"/var/run/secrets/azure/tokens/azure-identity-token\"", "`AZURE_FEDERATED_TOKEN_FILE`", "the file of a workload identity's token; read for each login"),
    setting("managed_identity", Form::Flag, "true", "where nothing else is given", "log in as the machine's managed identity, whatever the environment has"),
    setting("vaults", Form::Text, "\"team-prod team-dev\"", "none", "names of the vaults that a search looks through"),
    setting("old_versions", Form::OneOf(&["keep", "disable"]), "\"disable\"", "keep", "what becomes of versions that hold a dead key"),
];

fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    let suffix = config.settings().text("suffix").unwrap_or(SUFFIX);
    if !suffix.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')) {
        let what = format!("cannot use {}", config.label());
        return Err(error(
            Kind::BadAddress,
            what,
            "its `suffix` is no domain",
            format!("such as `{SUFFIX}`"),
        ));
    }
    Ok(Arc::new(KeyVault {
        remote: Remote::new(config, outside),
        local: Remote::local(config, outside),
        config: config.clone(),
        session: Cached::default(),
    }))
}

struct KeyVault {
    remote: Remote,
    /// To what gives this machine its identity.
    local: Remote,
    config: ServiceConfig,
    session: Cached,
}

/// As Azure names vaults.
fn is_vault(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-')
}

/// As Azure names secrets.
fn is_secret(name: &str) -> bool {
    (1..=127).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[async_trait::async_trait]
impl Service for KeyVault {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        match address.rest().split_once('/') {
            Some((vault, name)) if is_vault(vault) && is_secret(name) => {
                Ok(Arc::new(Slotted(slot::VaultSecret {
                    service: self,
                    address: address.clone(),
                    vault: vault.to_owned(),
                    name: name.to_owned(),
                })))
            }
            _ => Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it is no name of a vault and of a secret (letters, digits, `-`)",
                format!("write `{}:VAULT/SECRET`, such as `{}`", address.kind(), KIND.example),
            )),
        }
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.search_vaults(search).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_strictly() {
        for good in ["abc", "team-prod", "a23456789012345678901234"] {
            assert!(is_vault(good), "{good}");
        }
        for bad in ["ab", "1ab", "a.b", "abc-", "a2345678901234567890123456", "evil.example/", ""] {
            assert!(!is_vault(bad), "{bad}");
        }
        assert!(is_secret("n8n-api-key") && !is_secret("") && !is_secret("n8n_key") && !is_secret("a/b"));
    }
}
