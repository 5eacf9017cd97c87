//! JSON: one object on one line; its shape is stable (`docs/reference/leaks-report.md`).

use std::io::{self, Write};

use detector::{Kind, Proof, Severity};
use model::{Fingerprint, Timestamp};
use serde::Serialize;
use serde::ser::SerializeStruct;

use super::place::{NameView, PlaceView};
use super::steps::{Step, steps};
use super::unread::UnreadView;
use super::whose::{AliveView, OwnerView};
use super::{Secrets, clean_json};
use crate::{AllowLine, AllowUse, Allowed, AllowedBy, Expiry, Judged, Leak, Pushed, Spot};

/// Writes the report as JSON.
pub fn json(out: &mut dyn Write, judged: &Judged, secrets: Secrets) -> io::Result<()> {
    clean_json::write(out, &Whole { judged, secrets })
}

struct Whole<'a> {
    judged: &'a Judged,
    secrets: Secrets,
}

// By hand, so that one leak at a time is in memory as a view.
impl Serialize for Whole<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { judged, secrets } = *self;
        let mut whole = serializer.serialize_struct("report", 10)?;
        whole.serialize_field("verdict", judged.verdict().name())?;
        whole.serialize_field("at", &judged.at)?;
        let leaks = judged.worst_first();
        whole.serialize_field(
            "leaks",
            &Each(|| leaks.iter().map(|leak| LeakView::new(leak, judged, secrets))),
        )?;
        whole.serialize_field("more_findings", &judged.more_findings)?;
        whole.serialize_field("allowed", &Each(|| judged.allowed().map(AllowedView::from)))?;
        whole.serialize_field("allowlists", &Each(|| judged.allowlists.iter().map(AllowlistView::from)))?;
        whole.serialize_field("unread", &Each(|| judged.unread.iter().map(UnreadView::from)))?;
        whole.serialize_field("more_unread", &judged.more_unread)?;
        whole.serialize_field("tally", &judged.tally)?;
        whole.end()
    }
}

/// A list that is made while it is written.
pub(super) struct Each<F>(pub(super) F);

impl<F: Fn() -> I, I: Iterator<Item = T>, T: Serialize> Serialize for Each<F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Serialize)]
struct LeakView<'a> {
    fingerprint: Fingerprint,
    tail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    kind: Kind,
    title: &'static str,
    severity: Severity,
    proof: Proof,
    owner: OwnerView<'a>,
    alive: AliveView<'a>,
    user: Option<&'a str>,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    expired: Option<bool>,
    pushed: Option<Pushed>,
    places: Vec<PlaceView<'a>>,
    /// Lines of allowlists whose time is over.
    lapsed: Vec<ByView<'a>>,
    next_steps: Vec<Step>,
}

impl<'a> LeakView<'a> {
    fn new(leak: &'a Leak, judged: &Judged, secrets: Secrets) -> Self {
        let token = &leak.token;
        let mut lapsed: Vec<&AllowedBy> =
            leak.places.iter().filter_map(|spot| spot.lapsed.as_ref()).collect();
        lapsed.dedup();
        Self {
            fingerprint: leak.fingerprint,
            tail: token.secret.tail(),
            secret: (secrets == Secrets::Shown).then(|| token.secret.expose()),
            kind: token.kind,
            title: token.kind.title(),
            severity: token.kind.severity(),
            proof: token.proof,
            owner: (&leak.owner).into(),
            alive: (&leak.alive).into(),
            user: token.claims.user.as_deref(),
            issued_at: token.claims.issued_at,
            expires_at: token.claims.expires_at,
            expired: match leak.expiry(judged.at) {
                Expiry::Never | Expiry::Ends(_) => Some(false),
                Expiry::Ended(_) => Some(true),
                Expiry::Unsaid => None,
            },
            pushed: leak.pushed(),
            places: leak.places.iter().map(PlaceView::from).collect(),
            lapsed: lapsed.into_iter().map(ByView::from).collect(),
            next_steps: steps(leak, judged.at),
        }
    }
}

#[derive(Serialize)]
struct AllowedView<'a> {
    fingerprint: Fingerprint,
    tail: String,
    kind: Kind,
    how: &'static str,
    by: Option<ByView<'a>>,
    place: PlaceView<'a>,
}

impl<'a> From<(&'a Leak, &'a Spot, &'a Allowed)> for AllowedView<'a> {
    fn from((leak, spot, allowed): (&'a Leak, &'a Spot, &'a Allowed)) -> Self {
        let (how, by) = match allowed {
            Allowed::Inline => ("inline", None),
            Allowed::List(by) => ("allowlist", Some(ByView::from(by))),
        };
        let Leak { fingerprint, token, .. } = leak;
        let (fingerprint, tail, kind) = (*fingerprint, token.secret.tail(), token.kind);
        Self { fingerprint, tail, kind, how, by, place: spot.into() }
    }
}

#[derive(Serialize)]
struct ByView<'a> {
    file: NameView,
    #[serde(flatten)]
    line: LineView<'a>,
}

#[derive(Serialize)]
struct LineView<'a> {
    line: usize,
    fingerprint: Fingerprint,
    reason: &'a str,
    by: Option<&'a str>,
    until: Option<Timestamp>,
}

impl<'a> From<&'a AllowLine> for LineView<'a> {
    fn from(line: &'a AllowLine) -> Self {
        let AllowLine { line, fingerprint, reason, by, until, path: _ } = line;
        Self { line: *line, fingerprint: *fingerprint, reason, by: by.as_deref(), until: *until }
    }
}

impl<'a> From<&'a AllowedBy> for ByView<'a> {
    fn from(by: &'a AllowedBy) -> Self {
        Self { file: NameView::of(by.file.as_os_str().as_encoded_bytes()), line: by.line.as_ref().into() }
    }
}

#[derive(Serialize)]
struct AllowlistView<'a> {
    file: NameView,
    places: usize,
    unused: Vec<LineView<'a>>,
    lapsed: Vec<LineView<'a>>,
}

impl<'a> From<&'a AllowUse> for AllowlistView<'a> {
    fn from(list: &'a AllowUse) -> Self {
        Self {
            file: NameView::of(list.file.as_os_str().as_encoded_bytes()),
            places: list.places,
            unused: list.unused.iter().map(|line| line.as_ref().into()).collect(),
            lapsed: list.lapsed.iter().map(|line| line.as_ref().into()).collect(),
        }
    }
}
