//! `[instance.NAME]`.

use std::path::Path;

use model::{InstanceName, IntegrationName, LoginRefs, SecretRef, TransportRefs};
use n8n::{BaseUrl, InsecureHttp};

use super::read::Section;
use super::root::reference;
use crate::fleet::InstanceWish;

pub(super) fn read(top: &Section<'_>, folder: &Path) -> Vec<InstanceWish> {
    let declared = top.named::<InstanceName>("instance", "instance.NAME");
    declared.into_iter().filter_map(|(name, section)| one(name, &section, folder)).collect()
}

fn one(name: InstanceName, section: &Section<'_>, folder: &Path) -> Option<InstanceWish> {
    if format!("{name}-root").parse::<IntegrationName>().is_err() {
        section.page.fault(
            section.line,
            &section.path,
            "has too long a name",
            "its root key is called NAME-root",
        );
    }
    let insecure =
        if section.flag("dangerous_plain_http") { InsecureHttp::Accepted } else { InsecureHttp::Refused };
    let url = section.text("url").and_then(|url| match BaseUrl::parse(url, insecure) {
        Ok(url) => Some(url.as_str().to_owned()),
        Err(failure) => {
            section.wrong("url", format!("cannot be used: {}", failure.report.line()));
            None
        }
    });
    let transport = transport(section, folder);
    let admin = section.section("admin", "instance.NAME.admin");
    if section.flag("assisted") {
        let login = LoginRefs::default();
        return Some(InstanceWish { name, url: url?, admin_email: None, login, transport, insecure });
    }
    if section.has("assisted") {
        section.wrong("assisted", "is not `true`: leave it out, and write an `admin`");
    }
    let admin = admin?;
    let login = LoginRefs {
        password: reference(&admin, "password", folder),
        totp: reference(&admin, "totp", folder),
    };
    let email = admin.text("email")?.to_owned();
    Some(InstanceWish { name, url: url?, admin_email: Some(email), login, transport, insecure })
}

/// The way there, where it is not the system's own.
fn transport(section: &Section<'_>, folder: &Path) -> TransportRefs {
    let mut refs = TransportRefs::default();
    let path = |text: &str| folder.join(text).display().to_string();
    if let Some(tls) = section.section("tls", "instance.NAME.tls") {
        refs.ca = tls.text("ca").map(path);
        refs.client_certificate = tls.text("client_certificate").map(path);
        refs.client_key = reference(&tls, "client_key", folder);
    }
    if let Some(proxy) = section.section("proxy", "instance.NAME.proxy") {
        refs.proxy = proxy.text("url").map(str::to_owned);
        if let Some(fault) = proxy.text("url").and_then(n8n::ProxyConfig::url_fault) {
            proxy.wrong("url", format!("cannot be used: {fault}"));
        }
        refs.proxy_user = proxy.text("user").map(str::to_owned);
        refs.proxy_password = reference(&proxy, "password", folder);
    }
    refs
}

/// Where the secrets of an instance are, by their settings.
pub(crate) fn references<'a>(
    name: &InstanceName,
    login: &'a LoginRefs,
    transport: &'a TransportRefs,
) -> impl Iterator<Item = (String, &'a SecretRef)> {
    let all = [
        ("admin.password", &login.password),
        ("admin.totp", &login.totp),
        ("tls.client_key", &transport.client_key),
        ("proxy.password", &transport.proxy_password),
    ];
    all.into_iter()
        .filter_map(move |(key, reference)| Some((format!("instance.{name}.{key}"), reference.as_ref()?)))
}
