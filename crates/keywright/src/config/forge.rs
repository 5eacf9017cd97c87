//! `[forge.NAME]`: where pushes come from, its secrets still references.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forges::{Forge, ForgeKind};
use model::{ForgeName, Report, SecretRef, Store};

use super::read::Section;
use super::root::reference;
use super::secrets::resolved;

/// A forge as the file declares it.
#[derive(Clone, Debug)]
pub(crate) struct ForgeConfig {
    pub(crate) name: ForgeName,
    kind: ForgeKind,
    url: String,
    pub(crate) repositories: BTreeSet<String>,
    secret: SecretRef,
    token: Option<SecretRef>,
    ca: Option<PathBuf>,
    pub(crate) action: Action,
}

/// What is done about a key of ours that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is killed at once, and a new one put in place.
    Rotate,
    /// People are told.
    Notify,
}

pub(super) fn read(top: &Section<'_>, folder: &Path) -> Vec<ForgeConfig> {
    let declared = top.named::<ForgeName>("forge", "forge.NAME");
    declared.into_iter().filter_map(|(name, section)| one(name, &section, folder)).collect()
}

fn one(name: ForgeName, section: &Section<'_>, folder: &Path) -> Option<ForgeConfig> {
    let kind = section.text("kind").and_then(|text| {
        let kind = ForgeKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        if kind.is_none() {
            section.wrong("kind", "is none of `github`, `gitlab`");
        }
        kind
    });
    let action = match section.text("action") {
        None | Some("rotate") => Action::Rotate,
        Some("notify") => Action::Notify,
        Some(_) => {
            section.wrong("action", "is neither `rotate` nor `notify`");
            return None;
        }
    };
    let (repositories, url) = (repositories(section), url(section));
    let (secret, token) = (reference(section, "secret", folder), reference(section, "token", folder));
    let (kind, ca) = (kind?, section.text("ca").map(|ca| folder.join(ca)));
    let url = if section.has("url") { url? } else { kind.usual_url().to_owned() };
    Some(ForgeConfig { name, kind, url, repositories: repositories?, secret: secret?, token, ca, action })
}

/// Each a name that can be a path.
fn repositories(section: &Section<'_>) -> Option<BTreeSet<String>> {
    let texts = section.texts("repositories");
    if texts.is_empty() && section.has("repositories") {
        section.wrong("repositories", "names none");
        return None;
    }
    for (text, line) in &texts {
        if !Forge::is_repository(text) {
            let form = section.form("repositories");
            section.page.fault(
                *line,
                section.at("repositories"),
                "holds what is no name of a repository",
                form,
            );
        }
    }
    let texts = texts.into_iter().map(|(text, line)| (text.to_owned(), line)).collect();
    Some(section.distinct("repositories", texts).into_iter().collect())
}

/// Without a slash at its end.
fn url(section: &Section<'_>) -> Option<String> {
    let text = section.text("url")?;
    let sound = match text.split_once("://") {
        Some(("https", rest)) => !rest.is_empty() && !rest.starts_with('/'),
        Some(("file", rest)) => rest.starts_with('/'),
        _ => false,
    };
    // A password has its own setting, and what stands behind these marks is no part of a repository's address.
    let plain = !text.contains(['@', '?', '#', ' ', '\\']);
    if sound && plain {
        return Some(text.trim_end_matches('/').to_owned());
    }
    let why = if sound { "holds more than host and path" } else { "is neither `https://` nor `file:///`" };
    section.wrong("url", why);
    None
}

impl ForgeConfig {
    /// With its secrets fetched.
    pub(crate) async fn resolve(&self, store: &dyn Store) -> Result<Forge, Report> {
        let token = match &self.token {
            Some(reference) => Some(resolved(store, reference).await?),
            None => None,
        };
        Ok(Forge {
            name: self.name.clone(),
            kind: self.kind,
            url: self.url.clone(),
            repositories: self.repositories.clone(),
            secret: resolved(store, &self.secret).await?,
            token,
            ca: self.ca.clone(),
        })
    }

    /// Where its secrets are, by their settings.
    pub(super) fn references(&self) -> impl Iterator<Item = (String, &SecretRef)> {
        let all = [("secret", Some(&self.secret)), ("token", self.token.as_ref())];
        all.into_iter()
            .filter_map(|(key, reference)| Some((format!("forge.{}.{key}", self.name), reference?)))
    }
}
