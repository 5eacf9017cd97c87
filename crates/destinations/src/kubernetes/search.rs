//! A search through all Secrets that may be listed, page by page.

use model::{Blame, DestinationError};
use serde::Deserialize;

use super::{
    cluster::{Call, Cluster},
    secret::{Object, decoded},
    status::{Status, refusal},
};
use crate::search::Search;

/// Secrets of one page, at first.
const PAGE: usize = 100;
/// A page may be as large as this; a single Secret is a mebibyte at most.
const MAX_PAGE_BYTES: usize = 16 << 20;
/// How often a list that has expired is gone through anew.
const RESTARTS: u32 = 2;
/// Releases that Helm keeps: packed, and many of them large.
const HELM: &str = "type!=helm.sh/release.v1";

#[derive(Deserialize)]
struct Page {
    metadata: ListMeta,
    items: Option<Vec<Object>>,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// How a walk through a list ended.
enum Ended {
    Done,
    /// Secrets may not be listed there; why.
    Forbidden(DestinationError),
}

pub(super) async fn search(cluster: &Cluster, search: &mut Search) -> Result<(), DestinationError> {
    if let Some(namespace) = cluster.config.settings().text("namespace") {
        return match walk(cluster, Some(namespace), search).await? {
            Ended::Done => Ok(()),
            Ended::Forbidden(failure) => Err(failure),
        };
    }
    let Ended::Forbidden(failure) = walk(cluster, None, search).await? else { return Ok(()) };
    let Some(home) = cluster.namespace().await? else { return Err(failure) };
    search.leave_out(failure.report.line());
    match walk(cluster, Some(&home), search).await? {
        Ended::Done => Ok(()),
        Ended::Forbidden(failure) => Err(failure),
    }
}

/// Goes through the Secrets of a namespace, or of all.
async fn walk(
    cluster: &Cluster,
    namespace: Option<&str>,
    search: &mut Search,
) -> Result<Ended, DestinationError> {
    let path: &[&str] = match &namespace {
        Some(namespace) => &["api", "v1", "namespaces", namespace, "secrets"],
        None => &["api", "v1", "secrets"],
    };
    let place = namespace.map_or("all namespaces".to_owned(), |name| format!("namespace `{name}`"));
    let (mut limit, mut next, mut restarts, mut told) = (PAGE, None::<String>, 0, false);
    while search.read().is_continue() {
        let (purpose, need) =
            (format!("list the Secrets of {place}"), format!("`list` on `secrets` in {place}"));
        let mut call = Call::get(path, purpose, need).with("limit", limit.to_string()).up_to(MAX_PAGE_BYTES);
        call = call.with("fieldSelector", HELM);
        if let Some(next) = &next {
            call = call.with("continue", next);
        }
        let answer = match cluster.send(&call).await {
            // Too large a page: fewer at a time.
            Err(failure) if failure.report.blame == Blame::Hostile && limit > 1 => {
                limit = (limit / 10).max(1);
                continue;
            }
            answer => answer?,
        };
        if answer.status == 403 {
            return Ok(Ended::Forbidden(answer.refusal()));
        }
        if answer.status == 410 && next.is_some() {
            // It goes on with what is there now, or from the start.
            let onward = Status::of(&answer).next().map(str::to_owned);
            restarts += 1;
            if restarts <= RESTARTS && onward != next {
                next = onward;
                continue;
            }
        }
        if !answer.is_ok() {
            return Err(refusal(&answer, cluster.config.name()));
        }
        let page: Page = answer.json()?;
        if !told {
            search.leave_out(
                "Kubernetes: what Helm keeps of its releases (`helm.sh/release.v1`) is packed, and not looked into",
            );
            told = true;
        }
        for object in page.items.unwrap_or_default() {
            look(cluster, &object, search);
        }
        match page.metadata.next.filter(|next| !next.is_empty()) {
            None => return Ok(Ended::Done),
            Some(repeated) if Some(&repeated) == next.as_ref() => {
                return Err(answer.misshapen("the page after it is the same one"));
            }
            onward => next = onward,
        }
    }
    Ok(Ended::Done)
}

fn look(cluster: &Cluster, object: &Object, search: &mut Search) {
    let place = format!("{}:{}/{}", cluster.config.name(), object.metadata.namespace, object.metadata.name);
    for (key, encoded) in object.data.iter().flatten() {
        let at = format!("{place}#{key}");
        // A list that was begun anew shows it a second time.
        let seen = search.found.iter().any(|found| found.at == at);
        if let Some(text) = decoded(encoded).filter(|_| !seen) {
            search.look(&at, text.expose());
        }
    }
}
