//! The person at the terminal. One question at a time, however many rotations run.

use std::collections::BTreeSet;

use model::{Fingerprint, Report, Secret};
use tokio::sync::{Mutex, MutexGuard};

use crate::prompt::{self, Hidden};
use crate::ui::{Ui, clean};

/// Who may be asked.
pub(crate) struct Person {
    ui: Ui,
    is_there: bool,
    /// Keys that were given and taken. One that is pasted again may not be in the store yet.
    given: Mutex<BTreeSet<Fingerprint>>,
}

/// A time in which nobody else asks.
pub(super) struct Turn<'p> {
    ui: Ui,
    given: MutexGuard<'p, BTreeSet<Fingerprint>>,
}

impl Person {
    /// Somebody at our terminal, if there is one.
    pub(crate) fn at_terminal(ui: Ui) -> Self {
        Self { ui, is_there: prompt::is_interactive(), given: Mutex::default() }
    }

    /// Nobody: what runs by itself asks nobody.
    pub(crate) fn absent(ui: Ui) -> Self {
        Self { ui, is_there: false, given: Mutex::default() }
    }

    /// Waits until nobody else asks; `None` if nobody is there.
    pub(super) async fn turn(&self) -> Option<Turn<'_>> {
        if !self.is_there {
            return None;
        }
        Some(Turn { ui: self.ui, given: self.given.lock().await })
    }
}

impl Turn<'_> {
    /// What to do; told whatever the output is like, as nothing goes on without it.
    pub(super) fn tell(&self, text: &str) {
        self.ui.ask(text);
    }

    /// What was wrong with an answer, and what helps.
    pub(super) fn tell_wrong(&self, report: &Report) {
        self.ui.ask(&clean(&report.line()));
        for mend in &report.mend {
            self.ui.ask(&format!("  {}", clean(mend)));
        }
    }

    pub(super) fn was_given(&self, key: &Fingerprint) -> bool {
        self.given.contains(key)
    }

    pub(super) fn takes(&mut self, key: Fingerprint) {
        self.given.insert(key);
    }

    /// A hidden answer; `None` if it is empty.
    pub(super) async fn secret(&self, question: &str) -> Result<Option<Secret>, Report> {
        let given = prompt::secret_or_nothing(question).await?;
        let trimmed = given.map(|secret| Secret::new(secret.expose().trim()));
        Ok(trimmed.filter(|secret| !secret.expose().is_empty()))
    }

    /// Nothing that is typed is shown from now on: it could be a key, pasted a moment late.
    pub(super) fn hidden() -> Hidden {
        Hidden::begin()
    }

    /// Returns when the person presses Enter.
    pub(super) async fn enter(&self) -> Result<(), Report> {
        prompt::enter().await
    }

    pub(super) async fn confirms(&self, question: &str) -> Result<bool, Report> {
        prompt::confirm(question, "keywright rotate --resume NAME   # at a terminal").await
    }
}
