//! What the API says when it says no: a `Status`, told apart by its reasons; its message is looked at, and not quoted.

use model::{DestinationError, DestinationErrorKind as Kind};
use serde::Deserialize;

use crate::http::Answer;

/// Why one that nobody can change is not written, and what mends that.
pub(super) const IMMUTABLE: (&str, &str) = (
    "the Secret is immutable; nothing was written",
    "delete it and make it anew without `immutable: true`, or deliver to another",
);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    kind: String,
    reason: String,
    message: String,
    details: Option<Details>,
    metadata: Option<ListMeta>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    kind: String,
    causes: Option<Vec<Cause>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
}

impl Status {
    /// What an answer says; empty if it is no `Status`.
    pub(super) fn of(answer: &Answer) -> Self {
        let status: Option<Self> = serde_json::from_slice(&answer.body).ok();
        status.filter(|status| status.kind == "Status").unwrap_or_default()
    }

    pub(super) fn is(&self, reason: &str) -> bool {
        self.reason == reason
    }

    /// Where a list goes on after its page has expired.
    pub(super) fn next(&self) -> Option<&str> {
        self.metadata.as_ref()?.next.as_deref().filter(|next| !next.is_empty())
    }

    /// Whether a webhook is in the way of a trial that changes nothing.
    pub(super) fn forbids_trials(&self) -> bool {
        self.message.contains("does not support dry run")
    }

    fn causes(&self) -> impl Iterator<Item = &Cause> {
        self.details.iter().flat_map(|details| details.causes.iter().flatten())
    }

    /// The field managers that have what was to be changed.
    pub(super) fn managers(&self) -> Vec<String> {
        let conflicts = self.causes().filter(|cause| cause.reason == "FieldManagerConflict");
        let mut names: Vec<String> = conflicts
            .map(|cause| transport::shown(cause.message.split('"').nth(1).unwrap_or("another"), 60))
            .collect();
        names.dedup();
        names.truncate(5);
        names
    }
}

/// The error that an answer means. `name` is the service's, for the mend.
pub(super) fn refusal(answer: &Answer, name: &str) -> DestinationError {
    let status = Status::of(answer);
    let managers = status.managers();
    let says = |text: &str| status.message.contains(text);
    match answer.status {
        409 if !managers.is_empty() => {
            let managers = managers.join("`, `");
            answer.error(
                Kind::Denied,
                format!("the field manager `{managers}` has set this key, and would be overruled"),
                format!("let `{managers}` leave it out; or set `force = true` in [service.{name}]"),
            )
        }
        409 if status.is("AlreadyExists") => {
            answer.error(Kind::Changed, "somebody made it meanwhile; nothing was written", "try again")
        }
        403 if status.causes().any(|cause| cause.reason == "NamespaceTerminating") => answer.error(
            Kind::Denied,
            "its namespace is being deleted",
            "deliver to another namespace, or wait and make it anew",
        ),
        403 if says("exceeded quota") => answer.error(
            Kind::Denied,
            "a quota of its namespace is used up",
            "kubectl describe resourcequota --namespace NAMESPACE",
        ),
        400 | 403 if says("admission webhook") || says("ValidatingAdmissionPolicy") => answer.error(
            Kind::Denied,
            "a rule of the cluster (an admission webhook or policy) refuses it",
            "see the log of the API server for which one, and why",
        ),
        404 if status.details.as_ref().is_some_and(|details| details.kind == "namespaces") => answer.error(
            Kind::NotFound,
            "its namespace is not there",
            "kubectl create namespace NAMESPACE; or see whether it is written right",
        ),
        422 if says("immutable") => answer.error(Kind::Denied, IMMUTABLE.0, IMMUTABLE.1),
        422 => answer.error(
            Kind::Denied,
            "the API refuses it as invalid",
            "see what it says to `kubectl apply --server-side --dry-run=server`",
        ),
        _ => answer.refusal(),
    }
}
