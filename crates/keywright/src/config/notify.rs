//! `[notify.NAME]`: channels of notices, their secrets still references.

use std::path::{Path, PathBuf};

use model::{ChannelName, NoticeKind, Report, Secret, SecretRef, Store};
use notices::{ChannelConfig, Mail, MailSecurity, PlainHttp, Way, Webhook};

use super::nearest;
use super::read::Section;
use super::root::reference;
use super::secrets::resolved;
use crate::error::operator;

/// A channel as the file declares it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) name: ChannelName,
    kinds: Vec<NoticeKind>,
    way: WayRefs,
}

#[derive(Clone, Debug)]
enum WayRefs {
    Webhook { url: Result<SecretRef, Secret>, secret: Option<SecretRef>, plain_http: PlainHttp },
    Command { line: String },
    Mail { mail: Mail, login: Option<(String, SecretRef)>, ca: Option<PathBuf> },
}

pub(super) fn read(top: &Section<'_>, folder: &Path) -> Vec<Channel> {
    let declared = top.named::<ChannelName>("notify", "notify.NAME");
    declared.into_iter().filter_map(|(name, section)| one(name, &section, folder)).collect()
}

fn one(name: ChannelName, section: &Section<'_>, folder: &Path) -> Option<Channel> {
    let ways: Vec<&str> = ["webhook", "command", "mail"].into_iter().filter(|way| section.has(way)).collect();
    if ways.len() != 1 {
        let problem = if ways.is_empty() { "has no way to tell" } else { "has several ways to tell" };
        section.page.fault(section.line, &section.path, problem, "write one of `webhook`, `command`, `mail`");
    }
    for only_webhooks in ["secret", "dangerous_plain_http"] {
        if section.has(only_webhooks) && !section.has("webhook") {
            section.wrong(only_webhooks, "goes with `webhook` only");
        }
    }
    let kinds =
        section.texts("kinds").into_iter().filter_map(|(text, line)| kind(section, text, line)).collect();
    let way = match *ways.first()? {
        "webhook" => webhook(section, folder)?,
        "command" => WayRefs::Command { line: command(section)? },
        _ => mail(&section.section("mail", "notify.NAME.mail")?, folder)?,
    };
    Some(Channel { name, kinds, way })
}

fn kind(section: &Section<'_>, text: &str, line: usize) -> Option<NoticeKind> {
    let names = || NoticeKind::ALL.iter().filter(|kind| **kind != NoticeKind::Test).map(|kind| kind.as_str());
    let found = NoticeKind::ALL.into_iter().find(|kind| *kind != NoticeKind::Test && kind.as_str() == text);
    if found.is_none() {
        let near = nearest(text, names());
        let form = near.map_or_else(
            || format!("kinds are {}", names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        section.page.fault(
            line,
            section.at("kinds"),
            format!("holds `{}`, which is no kind of notice", super::read::shown(text)),
            form,
        );
    }
    found
}

fn webhook(section: &Section<'_>, folder: &Path) -> Option<WayRefs> {
    let text = section.text("webhook")?;
    let plain_http =
        if section.flag("dangerous_plain_http") { PlainHttp::DangerousAnywhere } else { PlainHttp::Loopback };
    let url = match text.parse::<SecretRef>() {
        Ok(SecretRef::File(file)) => Ok(SecretRef::File(folder.join(file).display().to_string())),
        Ok(other) => Ok(other),
        Err(_) if text.starts_with("https://") || text.starts_with("http://") => Err(Secret::new(text)),
        Err(_) => {
            section.wrong("webhook", "is neither an http(s) URL nor says where one is");
            return None;
        }
    };
    Some(WayRefs::Webhook { url, secret: reference(section, "secret", folder), plain_http })
}

fn command(section: &Section<'_>) -> Option<String> {
    let line = section.text("command")?;
    if line.starts_with('/') {
        return Some(line.to_owned());
    }
    section.wrong("command", "does not begin with the whole path of a program");
    None
}

fn mail(section: &Section<'_>, folder: &Path) -> Option<WayRefs> {
    let server = section.text("server").and_then(|server| {
        let parts = server.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        if parts.is_none_or(|(host, port)| host.is_empty() || port == 0) {
            section.wrong("server", "is no host and port");
            return None;
        }
        parts
    });
    let security = match section.text("security") {
        None | Some("starttls") => MailSecurity::StartTls,
        Some("tls") => MailSecurity::Tls,
        Some("plain") => MailSecurity::Plain,
        Some(_) => {
            section.wrong("security", "is none of `starttls`, `tls`, `plain`");
            return None;
        }
    };
    let (user, password) = (section.text("user"), reference(section, "password", folder));
    if section.has("user") != section.has("password") {
        let lone = if section.has("user") { "user" } else { "password" };
        section.wrong(lone, "stands alone: `user` and `password` go together");
    }
    let to: Vec<String> = section.texts("to").into_iter().map(|(to, _)| to.to_owned()).collect();
    if to.is_empty() && section.has("to") {
        section.wrong("to", "holds nobody");
    }
    let (host, port) = server?;
    let from = section.text("from")?.to_owned();
    let mail = Mail { host: host.to_owned(), port, security, login: None, from, to, ca_pem: None };
    let login = user.map(str::to_owned).zip(password);
    Some(WayRefs::Mail { mail, login, ca: section.text("ca").map(|ca| folder.join(ca)) })
}

impl Channel {
    /// With its secrets fetched.
    pub(super) async fn resolve(&self, store: &dyn Store) -> Result<ChannelConfig, Report> {
        let way = match &self.way {
            WayRefs::Webhook { url, secret, plain_http } => Way::Webhook(Webhook {
                url: match url {
                    Ok(reference) => resolved(store, reference).await?,
                    Err(text) => text.clone(),
                },
                secret: match secret {
                    Some(reference) => Some(resolved(store, reference).await?),
                    None => None,
                },
                plain_http: *plain_http,
                ca_pem: None,
            }),
            WayRefs::Command { line } => Way::Command { line: line.clone() },
            WayRefs::Mail { mail, login, ca } => {
                let login = match login {
                    Some((user, reference)) => Some((user.clone(), resolved(store, reference).await?)),
                    None => None,
                };
                let ca_pem = ca.as_ref().map(|ca| {
                    std::fs::read_to_string(ca).map_err(|error| {
                        operator(format!("cannot read `{}`", ca.display())).caused_by(&error)
                    })
                });
                Way::Mail(Mail { login, ca_pem: ca_pem.transpose()?, ..mail.clone() })
            }
        };
        Ok(ChannelConfig { name: self.name.clone(), kinds: self.kinds.clone(), way })
    }

    /// Where its secrets are.
    pub(super) fn references(&self) -> impl Iterator<Item = &SecretRef> {
        let (one, two) = match &self.way {
            WayRefs::Webhook { url, secret, .. } => (url.as_ref().ok(), secret.as_ref()),
            WayRefs::Command { .. } => (None, None),
            WayRefs::Mail { login, .. } => (login.as_ref().map(|(_, reference)| reference), None),
        };
        one.into_iter().chain(two)
    }
}
