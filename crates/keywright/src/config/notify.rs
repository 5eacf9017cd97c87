//! `[notify.NAME]`: channels of notices, their secrets still references.

use std::net::Ipv6Addr;
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
    let kinds = section.texts("kinds");
    let kinds = kinds.into_iter().filter_map(|(text, line)| Some((kind(section, text, line)?, line)));
    let kinds = kinds.map(|(kind, line)| (kind.as_str(), line)).collect();
    let kinds = section.distinct("kinds", kinds);
    let kinds = NoticeKind::ALL.into_iter().filter(|kind| kinds.contains(&kind.as_str())).collect();
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
        Ok(_) => Ok(reference(section, "webhook", folder)?),
        Err(_) if text.starts_with("https://") || text.starts_with("http://") => {
            if let Err(fault) = notices::webhook_url(text, plain_http) {
                let problem = format!("cannot be used: {}", fault.because);
                section.page.fault(section.line_of("webhook"), section.at("webhook"), problem, fault.mend);
            }
            Err(Secret::new(text))
        }
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
    let server = section.text("server").and_then(|text| {
        let server = host_and_port(text);
        if server.is_none() {
            let url = text.contains("://") || text.contains('@');
            let problem = if url { "is more than host and port" } else { "is no host and port" };
            section.wrong("server", problem);
        }
        server
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
    if security == MailSecurity::Plain && server.is_some_and(|(host, _)| !notices::is_loopback(host)) {
        section.wrong("security", "is `plain`: what goes to another machine could be read on its way");
    }
    let (user, password) = (section.text("user"), reference(section, "password", folder));
    let to = recipients(section);
    let from = section.text("from").filter(|from| {
        let fits = notices::is_mailbox(from);
        if !fits {
            section.wrong("from", "is no mail address");
        }
        fits
    });
    let ((host, port), from) = (server?, from?.to_owned());
    let mail = Mail { host: host.to_owned(), port, security, login: None, from, to, ca_pem: None };
    let login = user.map(str::to_owned).zip(password);
    Some(WayRefs::Mail { mail, login, ca: section.text("ca").map(|ca| folder.join(ca)) })
}

/// Each once, however its name is written before it.
fn recipients(section: &Section<'_>) -> Vec<String> {
    let texts = section.texts("to");
    if texts.is_empty() && section.has("to") {
        section.wrong("to", "holds nobody");
    }
    let mut addresses = Vec::new();
    for (text, line) in &texts {
        if notices::is_mailbox(text) {
            let address = text.rsplit_once('<').map_or(*text, |(_, address)| address.trim_end_matches('>'));
            addresses.push((address.trim().to_ascii_lowercase(), *line));
        } else {
            section.page.fault(*line, section.at("to"), "holds what is no mail address", section.form("to"));
        }
    }
    section.distinct("to", addresses);
    texts.into_iter().map(|(text, _)| text.to_owned()).collect()
}

/// A name, an address of version 4, or one of version 6 in brackets; and a port.
fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port != 0)?;
    let fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
    };
    fits.then_some((host, port))
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

    /// Where its secrets are, by their settings.
    pub(super) fn references(&self) -> impl Iterator<Item = (String, &SecretRef)> {
        let (one, two) = match &self.way {
            WayRefs::Webhook { url, secret, .. } => (
                url.as_ref().ok().map(|url| ("webhook", url)),
                secret.as_ref().map(|secret| ("secret", secret)),
            ),
            WayRefs::Command { .. } => (None, None),
            WayRefs::Mail { login, .. } => {
                (login.as_ref().map(|(_, reference)| ("mail.password", reference)), None)
            }
        };
        let named = |(key, reference)| (format!("notify.{}.{key}", self.name), reference);
        one.into_iter().chain(two).map(named)
    }
}
