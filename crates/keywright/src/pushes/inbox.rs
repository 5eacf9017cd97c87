//! Webhooks on their way: each is a memo `push/FORGE/ID`, which stays when it was worked off, so that it is known if it
//! comes again.

use std::sync::{Arc, PoisonError};

use forges::{Delivery, Forge, Inbox, Taken, Tells};
use model::{ForgeName, StoreError, Timestamp};
use serde_json::json;

use super::Pushes;

const PREFIX: &str = "push/";
/// More that wait are refused; the forge shows it.
const MAX_WAITING: usize = 1_000;
/// So many are remembered that were worked off.
const MAX_REMEMBERED: usize = 1_000;

/// A webhook as it is kept.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    pub(super) repository: String,
    /// Commits to fetch by their ids, if no ref leads to them any more.
    pub(super) ids: Vec<String>,
    pub(super) at: Timestamp,
    pub(super) done_at: Option<Timestamp>,
}

/// One that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// The memo's name.
    pub(super) memo: String,
    pub(super) forge: ForgeName,
    pub(super) kept: Kept,
}

#[async_trait::async_trait]
impl Inbox for Pushes {
    fn forge(&self, name: &ForgeName) -> Option<Arc<Forge>> {
        let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        declared.get(name).map(|(forge, _)| Arc::clone(forge))
    }

    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    async fn take(&self, forge: &Forge, delivery: Delivery) -> Taken {
        let (taken, word) = match self.keep(forge, delivery).await {
            Ok(true) => (Taken::New, "taken"),
            Ok(false) => (Taken::Known, "known"),
            Err(()) => (Taken::NotNow, "put_off"),
        };
        self.tally.pushed(&forge.name, word);
        self.news.notify_one();
        taken
    }

    fn refused(&self, forge: &ForgeName) {
        self.tally.pushed(forge, "refused");
    }
}

impl Pushes {
    /// Whether it is new; an error if it cannot be kept now.
    async fn keep(&self, forge: &Forge, delivery: Delivery) -> Result<bool, ()> {
        let all = self.engine.store.memos(PREFIX).await.map_err(drop)?;
        let memo = format!("{PREFIX}{}/{}", forge.name, delivery.id);
        if all.iter().any(|(name, _)| *name == memo) {
            return Ok(false);
        }
        let waiting =
            all.iter().filter(|(_, kept)| kept.get("done_at").is_some_and(serde_json::Value::is_null));
        if waiting.count() >= MAX_WAITING {
            return Err(());
        }
        let ids = match delivery.tells {
            Tells::Push { old, new, .. } => old.into_iter().chain(new).collect(),
            Tells::Alert => Vec::new(),
        };
        let kept = Kept { repository: delivery.repository, ids, at: self.engine.clock.now(), done_at: None };
        self.engine.store.put_memo(&memo, Some(&json!(kept)), Vec::new()).await.map_err(drop)?;
        Ok(true)
    }

    /// All that wait, and those that are remembered pruned.
    pub(super) async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let (mut waiting, mut done) = (Vec::new(), Vec::new());
        for (memo, value) in self.engine.store.memos(PREFIX).await? {
            let forge = memo.strip_prefix(PREFIX).and_then(|rest| rest.split('/').next()?.parse().ok());
            match (forge, serde_json::from_value::<Kept>(value)) {
                (Some(forge), Ok(kept)) if kept.done_at.is_none() => {
                    waiting.push(Waiting { memo, forge, kept });
                }
                (Some(_), Ok(Kept { done_at: Some(at), .. })) => done.push((at, memo)),
                // Not one of ours any more.
                _ => self.engine.store.put_memo(&memo, None, Vec::new()).await?,
            }
        }
        done.sort_unstable();
        for (_, memo) in done.iter().take(done.len().saturating_sub(MAX_REMEMBERED)) {
            self.engine.store.put_memo(memo, None, Vec::new()).await?;
        }
        Ok(waiting)
    }

    /// These are worked off.
    pub(super) async fn done(&self, all: &[Waiting]) -> Result<(), StoreError> {
        for one in all {
            let kept = Kept { done_at: Some(self.engine.clock.now()), ids: Vec::new(), ..one.kept.clone() };
            self.engine.store.put_memo(&one.memo, Some(&json!(kept)), Vec::new()).await?;
        }
        Ok(())
    }
}
