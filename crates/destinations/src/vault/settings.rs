//! The two kinds, and what can be set of them.

use crate::service::{Form, ServiceKind, Setting, setting};

use super::open;

const SETS: &[&[&str]] = &[&["role_id", "secret_id"], &["mount", "kv_version"]];

const EITHER: &[&[&[&str]]] = &[&[
    &["token"],
    &["token_file"],
    &["role_id", "secret_id"],
    &["kubernetes_role", "kubernetes_token_file"],
]];

pub(crate) const VAULT: ServiceKind = ServiceKind {
    name: "vault",
    title: "Vault",
    example: "vault:secret/n8n/backups#api_key",
    form: "MOUNT/PATH#FIELD",
    summary: "one field of a secret in HashiCorp Vault's KV engine, version 1 or 2",
    settings: &VAULT_SETTINGS,
    sets: SETS,
    either: EITHER,
    environment: &[
        ("VAULT_ADDR", "url"),
        ("VAULT_TOKEN", "token"),
        ("VAULT_NAMESPACE", "namespace"),
        ("VAULT_CACERT", "ca"),
    ],
    open,
};

pub(crate) const OPENBAO: ServiceKind = ServiceKind {
    name: "openbao",
    title: "OpenBao",
    example: "openbao:secret/n8n/backups#api_key",
    form: "MOUNT/PATH#FIELD",
    summary: "one field of a secret in OpenBao's KV engine, version 1 or 2",
    settings: &OPENBAO_SETTINGS,
    sets: SETS,
    either: EITHER,
    environment: &[
        ("BAO_ADDR", "url"),
        ("BAO_TOKEN", "token"),
        ("BAO_NAMESPACE", "namespace"),
        ("BAO_CACERT", "ca"),
        ("VAULT_ADDR", "url"),
        ("VAULT_TOKEN", "token"),
        ("VAULT_NAMESPACE", "namespace"),
        ("VAULT_CACERT", "ca"),
    ],
    open,
};

const VAULT_SETTINGS: [Setting; 13] =
    settings("`VAULT_ADDR`", "`VAULT_NAMESPACE`, else none", "`VAULT_TOKEN`, else `~/.vault-token`");
const OPENBAO_SETTINGS: [Setting; 13] = settings(
    "`BAO_ADDR`, else `VAULT_ADDR`",
    "`BAO_NAMESPACE`, else `VAULT_NAMESPACE`, else none",
    "`BAO_TOKEN`, else `VAULT_TOKEN`, else `~/.vault-token`",
);

#[rustfmt::skip]
const fn settings(url: &'static str, namespace: &'static str, token: &'static str) -> [Setting; 13] {
    [
        setting("url", Form::Url, "\"https://vault.example.com:8200\"", url, "where it is"),
        setting("namespace", Form::Text, "\"team-a\"", namespace, "the namespace that mounts are in"),
        setting("token", Form::Secret, "\"sealed:vault\"", token, "a token"),
        setting("token_file", Form::File, "\"/run/vault-agent/token\"", "none", "a file with a token that something else renews, such as the agent's sink; read for each call"),
        setting("role_id", Form::Text, "\"6a1f…\"", "none", "log in by AppRole: the role's id, together with `secret_id`"),
        setting("secret_id", Form::Secret, "\"file:/run/keywright/secret-id\"", "none", "where its secret id is"),
        setting("kubernetes_role", Form::Text, "\"keywright\"", "none", "log in by Kubernetes: the role"),
        setting("kubernetes_token_file", Form::File, "\"/var/run/secrets/vault/token\"", "the pod's own", "a file with the service account's token"),
        setting("auth_mount", Form::Text, "\"approle-eu\"", "`approle`, `kubernetes`", "where the auth method is mounted that is logged in by"),
        setting("auth_namespace", Form::Text, "\"admin\"", "`namespace`", "the namespace that is logged in at; `/` is the topmost"),
        setting("mount", Form::Text, "\"secret\"", "asked of the server", "the one mount that addresses are in, together with `kv_version`: for tokens that may not ask for it"),
        setting("kv_version", Form::OneOf(&["1", "2"]), "\"2\"", "asked of the server", "the version of its KV engine"),
        setting("old_versions", Form::OneOf(&["keep", "disable", "destroy"]), "\"destroy\"", "keep", "what becomes of older versions that hold a dead key: `disable` deletes them, which can be undone; `destroy` cannot"),
    ]
}
