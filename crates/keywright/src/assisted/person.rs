//! The person at the terminal. One question at a time, however many rotations run.

use model::Report;
use tokio::sync::{Mutex, MutexGuard};

use crate::prompt;
use crate::ui::{Ui, clean};

/// Who may be asked.
pub(crate) struct Person {
    ui: Ui,
    is_there: bool,
    asked: Mutex<()>,
}

/// A time in which nobody else asks.
pub(super) struct Turn<'p> {
    ui: Ui,
    _alone: MutexGuard<'p, ()>,
}

impl Person {
    /// Somebody at our terminal, if there is one.
    pub(crate) fn at_terminal(ui: Ui) -> Self {
        Self { ui, is_there: prompt::is_interactive(), asked: Mutex::new(()) }
    }

    /// Nobody: what runs by itself asks nobody.
    pub(crate) fn absent(ui: Ui) -> Self {
        Self { ui, is_there: false, asked: Mutex::new(()) }
    }

    /// Waits until nobody else asks; `None` if nobody is there.
    pub(super) async fn turn(&self) -> Option<Turn<'_>> {
        if !self.is_there {
            return None;
        }
        Some(Turn { ui: self.ui, _alone: self.asked.lock().await })
    }
}

impl Turn<'_> {
    /// What to do; told whatever the output is like, as nothing goes on without it.
    pub(super) fn tell(&mut self, text: &str) {
        self.ui.ask(text);
    }

    pub(super) fn tell_wrong(&mut self, report: &Report) {
        self.ui.ask(&clean(&report.line()));
    }

    /// A hidden answer; `None` if it is empty.
    pub(super) async fn secret(&mut self, question: &str) -> Result<Option<model::Secret>, Report> {
        let given = prompt::secret_or_nothing(question).await?;
        let trimmed = given.map(|secret| model::Secret::new(secret.expose().trim()));
        Ok(trimmed.filter(|secret| !secret.expose().is_empty()))
    }

    pub(super) async fn confirms(&mut self, question: &str) -> Result<bool, Report> {
        prompt::confirm(question, "keywright rotate --resume NAME   # at a terminal").await
    }
}
