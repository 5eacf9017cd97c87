//! What people are told, once for each state of things.

use std::collections::BTreeMap;

use model::{
    InstanceName, Integration, IntegrationName, Mode, Notice, NoticeKind, Rotation, SignedDuration,
    StoreError, Timestamp,
};
use serde_json::{Value, json};

use super::Scheduler;

/// What was told about one thing: each state of it, and when.
type Told = BTreeMap<String, Timestamp>;

/// States of one thing that are remembered.
const REMEMBERED: usize = 8;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How often a state that lasts is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Never,
    Daily,
}

/// A notice in the making.
pub(crate) struct Draft(pub(crate) Notice);

impl Draft {
    pub(crate) fn of_instance(mut self, name: &InstanceName) -> Self {
        self.0.instance = Some(name.clone());
        self
    }

    pub(crate) fn of_integration(mut self, of: &Integration) -> Self {
        self.0.integration = Some(of.name.clone());
        self.of_instance(&of.instance)
    }

    pub(crate) fn of_rotation(mut self, rotation: &Rotation) -> Self {
        self.0.integration = Some(rotation.integration.clone());
        self.0.rotation = Some(rotation.id);
        self.of_instance(&rotation.instance)
    }

    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.0.mend = Some(mend.into());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.detail.insert(name.to_owned(), value);
        self
    }
}

impl Scheduler {
    pub(crate) fn notice(&self, kind: NoticeKind, text: String) -> Draft {
        let at = self.clock().now();
        Draft(Notice::new(self.ids().notice(at), at, kind, text))
    }

    /// That a rotation is done.
    pub(crate) fn of_done(&self, rotation: &Rotation) -> Draft {
        let text = match rotation.mode {
            Mode::Revoke => format!("the key of `{}` is dead", rotation.integration),
            Mode::Deliver => format!("the key of `{}` was delivered again", rotation.integration),
            _ => format!("`{}` has a new key", rotation.integration),
        };
        let draft = self.notice(NoticeKind::Done, text).of_rotation(rotation);
        draft.with("mode", json!(rotation.mode)).with("gap_ms", json!(rotation.gap_ms))
    }

    /// Tells it unless this state of the thing was told already.
    pub(crate) async fn tell_once(
        &self,
        about: &str,
        state: &str,
        repeat: Repeat,
        draft: Draft,
    ) -> Result<(), StoreError> {
        let name = memo(draft.0.kind, about);
        let known = self.store().memos(&name).await?.into_iter().find(|(found, _)| *found == name);
        let mut told: Told =
            known.and_then(|(_, memo)| serde_json::from_value(memo).ok()).unwrap_or_default();
        let now = draft.0.at;
        let lately = |at: &Timestamp| now.duration_since(*at).abs() < DAY;
        match (told.get(state), repeat) {
            (Some(_), Repeat::Never) => return Ok(()),
            (Some(at), Repeat::Daily) if lately(at) => return Ok(()),
            _ => {}
        }
        self.queue(draft).await?;
        told.insert(state.to_owned(), now);
        while told.len() > REMEMBERED {
            let oldest = told.iter().min_by_key(|(_, at)| **at).map(|(state, _)| state.clone());
            told.remove(&oldest.unwrap_or_default());
        }
        self.store().put_memo(&name, Some(&json!(told)), Vec::new()).await
    }

    /// Forgets what was told: the next time it is news again.
    pub(crate) async fn forget(&self, kind: NoticeKind, about: &str) -> Result<(), StoreError> {
        let name = memo(kind, about);
        if self.store().memos(&name).await?.iter().any(|(found, _)| *found == name) {
            self.store().put_memo(&name, None, Vec::new()).await?;
        }
        Ok(())
    }
}

fn memo(kind: NoticeKind, about: &str) -> String {
    format!("notice/{}/{about}", kind.as_str())
}

/// A command that turns the key.
pub(crate) fn rotate(name: &IntegrationName) -> String {
    format!("keywright rotate {name}")
}
