//! The one list of service kinds.

use std::sync::Arc;

use model::DestinationError;

use super::{Form, Outside, Service, ServiceConfig, Setting};
use crate::{
    aws, azure, doppler, gcp, gitea, github, gitlab, infisical, kubernetes, onepassword, vault, webhook,
};

/// What opens a service.
pub(crate) type Open = fn(&ServiceConfig, &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError>;

/// One kind of service, for opening, help and the reference.
#[derive(Clone, Copy, Debug)]
pub struct ServiceKind {
    /// As `kind` has it, and what an address of an undeclared one starts with.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// A whole address.
    pub example: &'static str,
    /// What an address looks like after the name, for the reference.
    pub form: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Its own settings; [`HTTP`] come on top.
    pub settings: &'static [Setting],
    /// Settings that are given together or not at all.
    pub sets: &'static [&'static [&'static str]],
    /// Ways of which one may be given; a way is the settings that belong to it.
    pub either: &'static [&'static [&'static [&'static str]]],
    /// Variables of the environment that stand in for settings, and for which.
    pub environment: &'static [(&'static str, &'static str)],
    pub(crate) open: Open,
}

/// Services that have hooks and nothing else.
const HOOKS_ONLY: &[&str] = &[webhook::KIND.name];

impl ServiceKind {
    /// Whether a key can be delivered there; else it has hooks only.
    pub fn holds_keys(&self) -> bool {
        !HOOKS_ONLY.contains(&self.name)
    }

    /// The address of a hook, where it has one beside its destinations.
    pub fn hook_example(&self) -> Option<&'static str> {
        match self.name {
            "github" => Some("github:acme/site/deploy.yml@main"),
            "kubernetes" => Some("kubernetes:prod/deployment/app"),
            _ => None,
        }
    }

    /// Its own settings and those of every service.
    pub fn all_settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.settings.iter().chain(HTTP)
    }

    pub(super) fn all_sets(&self) -> impl Iterator<Item = &'static [&'static str]> {
        const HTTP_SETS: &[&[&str]] =
            &[&["client_certificate", "client_key"], &["proxy_user", "proxy_password"]];
        self.sets.iter().chain(HTTP_SETS).copied()
    }
}

const KINDS: &[ServiceKind] = &[
    vault::VAULT,
    vault::OPENBAO,
    aws::SECRETS_MANAGER,
    aws::PARAMETER,
    onepassword::KIND,
    doppler::KIND,
    infisical::KIND,
    azure::KIND,
    gcp::KIND,
    github::KIND,
    gitlab::KIND,
    gitea::GITEA,
    gitea::FORGEJO,
    kubernetes::KIND,
    webhook::KIND,
];

/// All kinds, in the order of the docs.
pub fn service_kinds() -> &'static [ServiceKind] {
    KINDS
}

pub(super) fn find(name: &str) -> Option<&'static ServiceKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Settings that every service has: how it is reached.
#[rustfmt::skip]
pub const HTTP: &[Setting] = &[
    setting("ca", Form::File, "\"ca.pem\"", "the system's", "a file of certificate authorities in PEM, instead of the system's"),
    setting("client_certificate", Form::File, "\"us.pem\"", "none", "a file of our certificate and its chain in PEM, together with `client_key`"),
    setting("client_key", Form::Secret, "\"file:us.key\"", "none", "where its private key is, in PEM, unencrypted"),
    setting("proxy", Form::Text, "\"http://proxy.example.com:3128\"", "the environment's", "the proxy to go through, without user and password"),
    setting("proxy_user", Form::Text, "\"keywright\"", "none", "who we are to the proxy, together with `proxy_password`"),
    setting("proxy_password", Form::Secret, "\"env:PROXY_PASSWORD\"", "none", "where its password is"),
    setting("timeout", Form::Period, "\"30s\"", "30s", "how long one call may take"),
    setting("dangerous_plain_http", Form::Flag, "true", "false", "accept `http://` to another host, so that secrets travel in the clear"),
];

/// A setting, in the order that tables show it.
pub(crate) const fn setting(
    name: &'static str,
    form: Form,
    example: &'static str,
    absent: &'static str,
    summary: &'static str,
) -> Setting {
    Setting { name, form, example, absent, summary }
}
