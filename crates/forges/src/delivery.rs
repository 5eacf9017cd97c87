//! What one webhook says: which repository, and what moved there. Only names and ids are taken from it.

use hyper::HeaderMap;
use serde::Deserialize;

use crate::signature::body_id;
use crate::{Forge, ForgeKind};

const MAX_ID_CHARS: usize = 80;
const MAX_REF_BYTES: usize = 300;

/// One webhook of a forge, seen to be the forge's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its own id: the same when it is sent again. Letters, digits, `-` and `_`.
    pub id: String,
    /// The repository, one of those that the configuration names.
    pub repository: String,
    /// What happened there.
    pub tells: Tells,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tells {
    /// A ref moved.
    Push {
        /// The ref, such as `refs/heads/main`.
        of: String,
        /// The commit that it led to, if there was one.
        old: Option<String>,
        /// The commit that it leads to, if it is there still.
        new: Option<String>,
    },
    /// The forge itself found a secret; which one it does not say.
    Alert,
}

/// Why there is nothing to do, or nothing can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoDelivery {
    /// It tells of something else.
    OtherEvent,
    /// It is no JSON, or lacks what it should have.
    Malformed,
    /// The configuration does not name the repository.
    OtherRepository,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    of: String,
    before: String,
    after: String,
    repository: Option<GitHubRepository>,
    project: Option<Project>,
}

#[derive(Deserialize)]
struct Alert {
    repository: Option<GitHubRepository>,
    project: Option<Project>,
    object_attributes: Option<Vulnerability>,
}

/// GitLab has a `repository` too, of another shape.
#[derive(Deserialize)]
struct GitHubRepository {
    full_name: Option<String>,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    url: Option<String>,
    report_type: Option<String>,
}

impl Delivery {
    /// Reads a body that was seen to be the forge's.
    pub(crate) fn read(forge: &Forge, headers: &HeaderMap, body: &[u8]) -> Result<Self, NoDelivery> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (event, id) = match forge.kind {
            ForgeKind::GitHub => (header("x-github-event"), header("x-github-delivery")),
            ForgeKind::GitLab => {
                let ids = ["webhook-id", "idempotency-key", "x-gitlab-event-uuid"].map(header);
                (header("x-gitlab-event"), ids.into_iter().find(|id| !id.is_empty()).unwrap_or_default())
            }
        };
        let (repository, tells) = match (forge.kind, event) {
            (ForgeKind::GitHub, "push") | (ForgeKind::GitLab, "Push Hook" | "Tag Push Hook") => {
                push(forge.kind, body)?
            }
            (ForgeKind::GitHub, "secret_scanning_alert" | "secret_scanning_alert_location")
            | (ForgeKind::GitLab, "Vulnerability Hook") => (alert(forge.kind, body)?, Tells::Alert),
            _ => return Err(NoDelivery::OtherEvent),
        };
        let repository = forge.repositories.get(&repository).ok_or(NoDelivery::OtherRepository)?.clone();
        Ok(Self { id: plain(id).unwrap_or_else(|| body_id(body)), repository, tells })
    }
}

fn push(kind: ForgeKind, body: &[u8]) -> Result<(String, Tells), NoDelivery> {
    let push: Push = serde_json::from_slice(body).map_err(|_other| NoDelivery::Malformed)?;
    let repository = name(kind, push.repository, push.project).ok_or(NoDelivery::Malformed)?;
    let is_ref = push.of.starts_with("refs/")
        && push.of.len() <= MAX_REF_BYTES
        && !push.of.chars().any(|c| c.is_control() || c == ' ');
    let (old, new) = (commit(&push.before)?, commit(&push.after)?);
    if !is_ref || (old.is_none() && new.is_none()) {
        return Err(NoDelivery::Malformed);
    }
    Ok((repository, Tells::Push { of: push.of, old, new }))
}

fn alert(kind: ForgeKind, body: &[u8]) -> Result<String, NoDelivery> {
    let alert: Alert = serde_json::from_slice(body).map_err(|_other| NoDelivery::Malformed)?;
    if kind == ForgeKind::GitHub {
        return name(kind, alert.repository, alert.project).ok_or(NoDelivery::Malformed);
    }
    let found = alert.object_attributes.ok_or(NoDelivery::Malformed)?;
    if found.report_type.as_deref() != Some("secret_detection") {
        return Err(NoDelivery::OtherEvent);
    }
    // Its payload has no project: only the page of the vulnerability tells, by its path before `/-/`.
    let path = found.url.as_deref().and_then(|url| {
        let (_, rest) = url.split_once("://")?;
        let (_, path) = rest.split_once('/')?;
        path.split("/-/").next().map(str::to_owned)
    });
    name(kind, None, alert.project).or(path).ok_or(NoDelivery::Malformed)
}

fn name(kind: ForgeKind, repository: Option<GitHubRepository>, project: Option<Project>) -> Option<String> {
    match kind {
        ForgeKind::GitHub => repository?.full_name,
        ForgeKind::GitLab => project?.path_with_namespace,
    }
}

/// An object's id; `None` if it is all zeros, which stands for nothing.
fn commit(text: &str) -> Result<Option<String>, NoDelivery> {
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_id {
        return Err(NoDelivery::Malformed);
    }
    Ok(text.bytes().any(|b| b != b'0').then(|| text.to_owned()))
}

fn plain(id: &str) -> Option<String> {
    let fits = (1..=MAX_ID_CHARS).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    fits.then(|| id.to_owned())
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
