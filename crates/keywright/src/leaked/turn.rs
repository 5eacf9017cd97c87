//! The end of a leaked key that is ours: the rotation that `keywright rotate NAME --compromised` does.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use model::{IntegrationName, Mode, Report, Rotation, RotationStatus};
use rotation::{Engine, Outcome, Preview, Request, RotationErrorKind};
use serde_json::{Value, json};

use super::judge::Judged;
use super::note::note;
use crate::ui::report_json;

const AT_ONCE: usize = 8;

/// Whether it is done, or only said what would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Now,
    /// The same; people are told by a notice when it is done.
    NowAndTell,
    DryRun,
}

/// What became of one integration whose key leaked.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) integration: IntegrationName,
    /// Its new key reaches nobody by itself.
    pub(crate) is_told_by_hand: bool,
    pub(crate) end: End,
}

/// How far it came.
#[derive(Debug)]
pub(crate) enum End {
    /// The leaked key is proved dead, the new one is everywhere.
    Done(Box<Rotation>),
    /// It stands at these problems, and is tried again.
    Stalled(Box<Rotation>, Vec<Report>),
    /// Another process is at it.
    InHand,
    /// It could not be begun.
    Failed(Box<Report>),
    /// It would be done.
    Would(Box<Preview>),
}

/// Turns the keys that are ours and not known to be dead: one rotation an integration. The log tells first that they were
/// found.
pub(crate) async fn turn(engine: &Engine, all: &[Judged], doing: Doing) -> Vec<Turned> {
    if doing != Doing::DryRun {
        // A log that takes no events is no reason to let a key live; the rotation tells of it too.
        note(engine, all, "scan").await.ok();
    }
    let mut seen = BTreeSet::new();
    let now = engine.clock.now();
    let meant = all.iter().filter(|one| !one.life.is_dead()).filter_map(Judged::ours);
    let meant = meant.filter(|ours| {
        let lives = ours.key.state.lives() && !ours.key.has_ended(now);
        lives && seen.insert(ours.integration.name.clone())
    });
    let meant: Vec<_> = meant.map(|ours| &ours.integration).collect();
    futures_util::stream::iter(meant)
        .map(|integration| async move {
            let request = Request::new(integration.name.clone(), Mode::Compromised);
            let end = match doing {
                Doing::Now | Doing::NowAndTell => turn_now(engine, &request, doing).await,
                Doing::DryRun => match engine.preview(&request).await {
                    Ok(preview) => End::Would(Box::new(preview)),
                    Err(failure) => End::Failed(failure.report),
                },
            };
            let is_told_by_hand = integration.is_told_by_hand();
            Turned { integration: integration.name.clone(), is_told_by_hand, end }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// One that is on its way already is driven on.
async fn turn_now(engine: &Engine, request: &Request, doing: Doing) -> End {
    let id = match engine.start(request).await {
        Ok(id) => id,
        Err(failure) => match failure.kind {
            RotationErrorKind::AlreadyOpen(id) => id,
            _ => return End::Failed(failure.report),
        },
    };
    // What cannot be promised is no reason to let the key live.
    if doing == Doing::NowAndTell {
        rotation::owe(&*engine.store, id).await.ok();
    }
    match Box::pin(engine.drive(id)).await {
        Ok(Outcome::Over(rotation) | Outcome::Waiting(rotation, _)) => End::Done(rotation),
        Ok(Outcome::Stalled(rotation, reports)) => End::Stalled(rotation, reports),
        Err(failure) if matches!(failure.kind, RotationErrorKind::Busy(_) | RotationErrorKind::LeaseLost) => {
            End::InHand
        }
        Err(failure) => End::Failed(failure.report),
    }
}

impl Turned {
    /// Whether something is left to be done.
    pub(crate) fn is_left(&self) -> bool {
        match &self.end {
            End::Done(rotation) => rotation.status != RotationStatus::Done,
            End::Would(_) => false,
            End::Stalled(..) | End::InHand | End::Failed(_) => true,
        }
    }

    /// The rotation, if there is one.
    pub(crate) fn rotation(&self) -> Option<&Rotation> {
        match &self.end {
            End::Done(rotation) | End::Stalled(rotation, _) => Some(rotation),
            End::InHand | End::Failed(_) | End::Would(_) => None,
        }
    }

    /// One line for people, without colour.
    pub(crate) fn line(&self) -> String {
        let name = &self.integration;
        match &self.end {
            End::Done(rotation) if rotation.status == RotationStatus::Done => {
                let gap = rotation.gap_ms.map(|ms| format!("; {ms} ms without a working key"));
                format!(
                    "turned `{name}`: the leaked key is proved dead, the new one is in place{}{}",
                    gap.unwrap_or_default(),
                    self.by_hand()
                )
            }
            End::Done(rotation) => {
                format!("`{name}` is {}: another rotation is at it", rotation.status.as_str())
            }
            End::Stalled(rotation, reports) => {
                let why = reports.iter().map(Report::line).collect::<Vec<_>>().join("; ");
                let works = crate::commands::works_meanwhile(rotation);
                format!("stalled `{name}`: {works}; {why}; now: keywright rotate --resume {name}")
            }
            End::InHand => format!("`{name}` is being turned by another process"),
            End::Failed(report) => format!("not turned `{name}`: {}", report.line()),
            End::Would(preview) => {
                let steps: Vec<&str> = preview.steps.iter().map(|step| step.kind.as_str()).collect();
                format!("would turn `{name}` as compromised: {}{}", steps.join(", "), self.by_hand())
            }
        }
    }

    fn by_hand(&self) -> String {
        if self.is_told_by_hand {
            format!(
                "; it has no destination: `keywright rotate {}` shows a person a new key",
                self.integration
            )
        } else {
            String::new()
        }
    }

    /// The same as JSON.
    pub(crate) fn view(&self) -> Value {
        let mut view = json!({
            "integration": self.integration,
            "left": self.is_left(),
            "text": self.line(),
            "rotation": self.rotation().map(crate::view::RotationView::from),
        });
        let because = match &self.end {
            End::Stalled(_, reports) => reports.iter().map(report_json).collect(),
            End::Failed(report) => vec![report_json(report)],
            End::Done(_) | End::InHand | End::Would(_) => Vec::new(),
        };
        if let Some(fields) = view.as_object_mut() {
            fields.insert("because".into(), json!(because));
        }
        view
    }
}
