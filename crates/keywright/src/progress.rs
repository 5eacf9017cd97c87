//! Progress lines: what a rotation does, step by step, on standard error.

use std::sync::Arc;

use model::{StepKind, Timestamp};
use rotation::{Moment, Observer, Point};

use crate::ui::{BAD, DIM, GOOD, Ui, WARN, clean};

/// Prints a line for each step that is done, fails or waits.
pub(crate) struct Progress {
    ui: Ui,
    also: Option<Arc<dyn Observer>>,
}

impl Progress {
    pub(crate) fn new(ui: Ui, also: Option<Arc<dyn Observer>>) -> Arc<Self> {
        Arc::new(Self { ui, also })
    }

    fn line(moment: Moment<'_>) -> Option<String> {
        let step = moment.step;
        let name = &moment.rotation.integration;
        let what = match &step.destination {
            Some(to) => format!("{:<10} {}", step.kind.as_str(), clean(&to.to_string())),
            None => step.kind.as_str().to_owned(),
        };
        match moment.point {
            Point::Done => Some(format!("{GOOD}✓{GOOD:#} {name}  {what}")),
            Point::Failed => {
                let problem = clean(step.problem.as_deref().unwrap_or_default());
                Some(format!("{BAD}✗{BAD:#} {name}  {what}  {DIM}{problem}{DIM:#}"))
            }
            Point::Waits(until) if step.kind == StepKind::Grace => {
                Some(format!("{WARN}…{WARN:#} {name}  the old key works until {}", shown(until)))
            }
            Point::Waits(until) => Some(format!("{WARN}…{WARN:#} {name}  {what}  again at {}", shown(until))),
            Point::Before | Point::Started | Point::Effected | Point::Stalled => None,
        }
    }
}

impl Observer for Progress {
    fn at(&self, moment: Moment<'_>) {
        if self.ui.is_talkative()
            && let Some(line) = Self::line(moment)
        {
            self.ui.note(&line);
        }
        if let Some(also) = &self.also {
            also.at(moment);
        }
    }
}

/// An instant for people: UTC, to the second.
pub(crate) fn shown(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string().replace('T', " ").replace('Z', " UTC")
}
