//! Calls of a vault, and what it answers with.

use std::collections::BTreeMap;

use model::{DestinationError, DestinationErrorKind as Kind};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{KeyVault, SUFFIX, is_secret};
use crate::{
    error::error,
    http::{Answer, Request},
    service::below,
};

const API: (&str, &str) = ("api-version", "7.4");
/// More pages than that are an endless list.
const MAX_PAGES: usize = 400;

/// A secret, or a version of one. Lists have no value.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bundle {
    pub(super) id: String,
    #[serde(default)]
    pub(super) value: Option<Zeroizing<String>>,
    #[serde(default)]
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) tags: Option<BTreeMap<String, String>>,
    pub(super) attributes: Attributes,
    /// Whether it belongs to a certificate.
    #[serde(default)]
    pub(super) managed: Option<bool>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Attributes {
    #[serde(default)]
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    pub(super) nbf: Option<i64>,
    #[serde(default)]
    pub(super) exp: Option<i64>,
    #[serde(default)]
    pub(super) created: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    value: Vec<Bundle>,
    #[serde(default)]
    next_link: Option<String>,
}

impl Bundle {
    /// The name and the version that its id has.
    pub(super) fn name_and_version(&self) -> Option<(String, Option<String>)> {
        let url = Url::parse(&self.id).ok()?;
        let mut path = url.path_segments()?;
        let (kind, name, version) = (path.next()?, path.next()?, path.next());
        let sound = kind == "secrets" && is_secret(name) && version.is_none_or(is_secret);
        sound.then(|| (name.to_owned(), version.map(str::to_owned)))
    }

    pub(super) fn version(&self) -> Option<String> {
        self.name_and_version()?.1
    }

    pub(super) fn has(&self, (tag, text): (&str, &str)) -> bool {
        self.tags.as_ref().and_then(|tags| tags.get(tag)).is_some_and(|held| held == text)
    }

    /// The same without a tag.
    pub(super) fn without(mut self, tag: (&str, &str)) -> Self {
        if self.has(tag) {
            self.tags = self.tags.map(|mut tags| {
                tags.remove(tag.0);
                tags
            });
            self.tags = self.tags.filter(|tags| !tags.is_empty());
        }
        self
    }
}

/// The word for what is refused, such as `ObjectIsDeletedButRecoverable`.
pub(super) fn inner_code(answer: &Answer) -> Option<String> {
    let body: Value = answer.json().ok()?;
    Some(body.get("error")?.get("innererror")?.get("code")?.as_str()?.to_owned())
}

impl KeyVault {
    fn suffix(&self) -> &str {
        self.config.settings().text("suffix").unwrap_or(SUFFIX)
    }

    /// What a token is asked for.
    pub(super) fn resource(&self) -> String {
        format!("https://{}", self.suffix())
    }

    pub(super) fn url(
        &self,
        vault: &str,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, DestinationError> {
        let given = self.config.settings().text("url").map(str::to_owned);
        let base = given.unwrap_or_else(|| format!("https://{vault}.{}", self.suffix()));
        let base = Url::parse(&base).map_err(|_unlikely| {
            let what = format!("cannot reach {}", self.remote.label());
            error(Kind::BadAddress, what, "its address is no URL", "see `url` and `suffix`")
        })?;
        Ok(below(below(base, segments, &[API]), &[], query))
    }

    pub(super) async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        let answer = self.session.send(&self.remote, request, || self.log_in()).await?;
        match inner_code(&answer).as_deref() {
            Some("ForbiddenByFirewall" | "ForbiddenByConnection") if answer.status == 403 => Err(answer.error(
                Kind::Denied,
                "the vault's firewall does not let this machine in",
                "allow its address or network (`az keyvault network-rule add`), or use the private endpoint as `url`",
            )),
            _ => Ok(answer),
        }
    }

    pub(super) async fn ask(
        &self,
        vault: &str,
        segments: &[&str],
        purpose: &str,
    ) -> Result<Answer, DestinationError> {
        self.send(Request::get(self.url(vault, segments, &[])?, purpose, need("getSecret/action", "get")))
            .await
    }

    /// One page of a list, and where the next one is.
    pub(super) async fn page(
        &self,
        url: Url,
        purpose: &str,
    ) -> Result<(Vec<Bundle>, Option<Url>), DestinationError> {
        let need = need("readMetadata/action", "list");
        let answer = self.send(Request::get(url.clone(), purpose, need)).await?.ok()?;
        let page: Page = answer.json()?;
        let next = match page.next_link.filter(|link| !link.is_empty()) {
            None => None,
            // The token goes nowhere else, and not in circles.
            Some(link) => match Url::parse(&link) {
                Ok(next) if next.origin() == url.origin() && next != url => Some(next),
                _ => return Err(answer.misshapen("a next page that is none of this vault")),
            },
        };
        Ok((page.value, next))
    }

    /// Every version of a secret, the newest first.
    pub(super) async fn versions(
        &self,
        vault: &str,
        name: &str,
        purpose: &str,
    ) -> Result<Vec<Bundle>, DestinationError> {
        let mut all = Vec::new();
        let mut next = Some(self.url(vault, &["secrets", name, "versions"], &[("maxresults", "25")])?);
        for _ in 0..MAX_PAGES {
            let Some(url) = next else { break };
            let (page, following) = self.page(url, purpose).await?;
            all.extend(page);
            next = following;
        }
        all.sort_by_key(|bundle| std::cmp::Reverse(bundle.attributes.created));
        Ok(all)
    }
}

/// A permission, as roles call it and as access policies do.
pub(super) fn need(action: &str, policy: &str) -> String {
    let action = format!("Microsoft.KeyVault/vaults/secrets/{action}");
    format!("`{action}` (role `Key Vault Secrets Officer`; in an access policy `{policy}`)")
}
