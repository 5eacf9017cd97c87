//! What a command says of the rotations that it drove.

use model::{Mode, Period, Report, Rotation, RotationId, RotationStatus, StepKind, StepState};
use rotation::{Outcome, RotationError};
use serde_json::{Value, json};

use crate::Exit;
use crate::app::App;
use crate::error::CommandError;
use crate::progress::shown;
use crate::ui::{BAD, BOLD, GOOD, WARN, clean, report_json};
use crate::view::RotationView;

/// Says what came of each rotation as it comes, and in the end whether something is left to be done.
pub(crate) struct Teller<'a> {
    app: &'a App,
    exit: Exit,
    /// For `--json`, which is one document.
    views: Vec<Value>,
    /// Rotations whose key was told when they began to wait.
    told: Vec<RotationId>,
    tally: Tally,
}

/// What came of many: told in the end, when the lines of each have scrolled away.
#[derive(Default)]
struct Tally {
    over: usize,
    waiting: usize,
    /// Who, and what it stopped at.
    left: Vec<(String, String)>,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(app: &'a App) -> Self {
        Self { app, exit: Exit::Done, views: Vec::new(), told: Vec::new(), tally: Tally::default() }
    }

    /// Does not tell the keys of these again.
    pub(crate) fn told(mut self, told: Vec<RotationId>) -> Self {
        self.told = told;
        self
    }

    /// `who` is what a rotation is called that could not even be begun.
    pub(crate) async fn tell(
        &mut self,
        who: &str,
        result: Result<Outcome, RotationError>,
    ) -> Result<(), CommandError> {
        match result {
            Ok(Outcome::Over(rotation)) => {
                self.tally.over += 1;
                self.line(&over_line(&rotation));
                self.view(&rotation).await?;
            }
            Ok(Outcome::Waiting(rotation, until)) => {
                self.tally.waiting += 1;
                let resume = "keywright rotate --resume   # from cron, or by hand then";
                self.line(&format!(
                    "{GOOD}delivered{GOOD:#} {BOLD}{}{BOLD:#}: the old key works until {}, then: {resume}",
                    rotation.integration,
                    shown(until)
                ));
                self.view(&rotation).await?;
            }
            Ok(Outcome::Stalled(rotation, reports)) => {
                self.exit = Exit::Failed;
                let problem = reports.iter().map(Report::line).collect::<Vec<_>>().join("; ");
                self.tally.left.push((rotation.integration.to_string(), problem));
                report_stalled(self.app, &rotation, &reports);
                self.view(&rotation).await?;
            }
            Err(failure) => {
                self.exit = Exit::Failed;
                self.tally.left.push((who.to_owned(), failure.report.line()));
                if self.app.ui.is_json() {
                    self.views.push(json!({"rotation": who, "error": report_json(&failure.report)}));
                }
                self.app.ui.report(&CommandError::from(failure).report);
            }
        }
        Ok(())
    }

    fn line(&self, line: &str) {
        if !self.app.ui.is_json() {
            self.app.ui.out(line);
        }
    }

    /// The rotation as JSON, and its key where nobody else would be told it.
    async fn view(&mut self, rotation: &Rotation) -> Result<(), CommandError> {
        let secret = self.untold(rotation).await?;
        if self.app.ui.is_json() {
            let mut view = json!(RotationView::from(rotation));
            if let (Some(secret), Some(fields)) = (&secret, view.as_object_mut()) {
                fields.insert("secret".into(), secret.expose().into());
            }
            self.views.push(view);
        } else if let Some(secret) = secret {
            self.app.ui.note("It has no destination, so this is the only time that its new key is shown:");
            self.app.ui.secret(secret.expose())?;
        }
        Ok(())
    }

    /// The new key of an integration without destinations, whose user has to be told it once: as soon as it
    /// is in place. A rotation that waited for its grace told it before.
    async fn untold(&self, rotation: &Rotation) -> Result<Option<model::Secret>, CommandError> {
        let waited = rotation.step(StepKind::Grace).is_some() && rotation.grace != Period::ZERO;
        let in_place = match rotation.status {
            RotationStatus::Waiting => true,
            RotationStatus::Done => !waited,
            _ => false,
        };
        let is_new = in_place && rotation.mode != Mode::Deliver && !self.told.contains(&rotation.id);
        let Some(key) = rotation.new_key.filter(|_| is_new) else {
            return Ok(None);
        };
        let integration = self.app.store.integration(&rotation.integration).await?;
        if integration.is_some_and(|of| of.is_told_by_hand()) {
            return Ok(self.app.store.key_secret(key).await?);
        }
        Ok(None)
    }

    pub(crate) fn finish(self) -> Result<Exit, CommandError> {
        if self.app.ui.is_json() {
            let left: Vec<Value> =
                self.tally.left.iter().map(|(who, why)| json!({"name": who, "because": why})).collect();
            self.app.ui.secret(&json!({"rotations": self.views, "left": left}).to_string())?;
        } else {
            self.tally.lines().iter().for_each(|line| self.app.ui.out(line));
        }
        Ok(self.exit)
    }
}

impl Tally {
    /// Nothing for one rotation: its own line says it all.
    fn lines(&self) -> Vec<String> {
        let Self { over, waiting, left } = self;
        let all = over + waiting + left.len();
        if all < 2 {
            return Vec::new();
        }
        let mut lines = vec![format!(
            "{BOLD}{over} of {all} done{BOLD:#}, {waiting} delivered and in their grace, {} left:",
            left.len()
        )];
        if left.is_empty() {
            lines = vec![format!(
                "{BOLD}{over} of {all} done{BOLD:#}, {waiting} delivered and in their grace, nothing left"
            )];
        }
        lines.extend(left.iter().map(|(who, why)| format!("  {BAD}{who}{BAD:#}  {}", clean(why))));
        if !left.is_empty() {
            lines.push("  again: keywright rotate --resume   # when their problems are mended".into());
        }
        lines
    }
}

fn over_line(rotation: &Rotation) -> String {
    let name = &rotation.integration;
    let gap = rotation.gap_ms.map(|ms| format!("; {ms} ms without a working key")).unwrap_or_default();
    match (rotation.status, rotation.mode) {
        (RotationStatus::Aborted, Mode::Deliver) => {
            format!("{WARN}undone{WARN:#} {BOLD}{name}{BOLD:#}: the key stays where it was delivered by now")
        }
        (RotationStatus::Aborted, _) => {
            format!("{WARN}undone{WARN:#} {BOLD}{name}{BOLD:#}: all is as it was before")
        }
        (RotationStatus::Superseded, _) => format!("{WARN}superseded{WARN:#} {BOLD}{name}{BOLD:#}"),
        (_, Mode::Revoke) => format!("{GOOD}revoked{GOOD:#} {BOLD}{name}{BOLD:#}: the key is proved dead"),
        (_, Mode::Adopt) => format!("{GOOD}adopted{GOOD:#} {BOLD}{name}{BOLD:#}: the key is ours to turn"),
        (_, Mode::Create) => format!("{GOOD}made{GOOD:#} {BOLD}{name}{BOLD:#}: the key is in place"),
        (_, Mode::Deliver) => {
            format!("{GOOD}delivered{GOOD:#} {BOLD}{name}{BOLD:#}: its key is in place again")
        }
        _ => format!(
            "{GOOD}rotated{GOOD:#} {BOLD}{name}{BOLD:#}: the new key is in place, the old one is proved dead{gap}"
        ),
    }
}

/// What a stalled rotation stopped at, and what works meanwhile.
pub(crate) fn report_stalled(app: &App, rotation: &Rotation, reports: &[Report]) {
    for report in reports {
        let what = format!("`{}`: {}", rotation.integration, report.what);
        app.ui.report(&Report { what, ..report.clone() });
    }
    let again = rotation.next_try.map(|at| format!(", next try at {}", shown(at))).unwrap_or_default();
    let name = &rotation.integration;
    let doing = if rotation.status == RotationStatus::Aborting { "undoing" } else { "rotation" };
    app.ui.trouble(&format!(
        "{BAD}stalled{BAD:#} {BOLD}{name}{BOLD:#}: {}; {doing} {} goes on where it stopped{again}\n  now:   keywright rotate --resume {name}",
        works_meanwhile(rotation),
        rotation.id
    ));
}

/// Which key works while a rotation stands still: what a person in a hurry has to know first.
pub(crate) fn works_meanwhile(rotation: &Rotation) -> &'static str {
    let done = |kind| rotation.step(kind).is_some_and(|step| step.state == StepState::Done);
    match (rotation.mode, rotation.status) {
        (Mode::Deliver, RotationStatus::Aborting) => "the key stays as it is",
        (Mode::Deliver, _) if done(StepKind::Prove) => "the key works, but not every destination may hold it",
        (Mode::Deliver, _) => "nothing was delivered yet",
        (_, RotationStatus::Aborting) => "the old key works",
        (Mode::Create, _) => "the key is not in place yet",
        (Mode::Adopt, _) => "the key works",
        (Mode::Compromised | Mode::Revoke, _) if !done(StepKind::ProveDead) => {
            "THE OLD KEY MAY STILL WORK (it can be deleted by hand in n8n's settings)"
        }
        (Mode::Compromised, _) => {
            "the old key is dead and the new one is not everywhere: its integration is down"
        }
        (Mode::Revoke, _) => "the key is dead",
        (Mode::Graceful, _) if done(StepKind::Grace) => "the new key is in place",
        (Mode::Graceful, _)
            if rotation.step(StepKind::Grace).is_none()
                && rotation.touched(StepKind::Create)
                && !done(StepKind::Create)
                && !done(StepKind::Retire) =>
        {
            "the old key may be dead by now, and there is no new one yet"
        }
        (Mode::Graceful, _)
            if rotation.step(StepKind::Grace).is_none() && rotation.touched(StepKind::Create) =>
        {
            "the old key is dead and the new one is not everywhere: its integration is down"
        }
        (Mode::Graceful, _) => "the old key still works",
    }
}
