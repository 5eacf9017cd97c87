//! Notices on their way: kept until every channel has them, tried again for a day.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use model::{
    ChannelError, ChannelName, EventKind, Notice, Report, RotationId, RotationStatus, SignedDuration, Store,
    StoreError, Timestamp,
};
use serde_json::json;

use super::Scheduler;
use super::notices::Draft;
use super::state::{after, sound};

const PREFIX: &str = "outbox-notice/";
/// After so long a notice is given up.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A channel that does not answer by then is left.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// Notices that are kept; beyond that the oldest are given up.
const MAX_KEPT: usize = 1_000;
const AT_ONCE: usize = 4;

/// Sends a notice to the channels that want it; the binary joins it to them.
#[async_trait::async_trait]
pub trait Notify: Send + Sync {
    /// Sends it to every channel that wants it, except to those that have it already.
    async fn notify(
        &self,
        notice: &Notice,
        has_it: &BTreeSet<ChannelName>,
    ) -> Vec<(ChannelName, Result<(), ChannelError>)>;
}

/// A notice that waits to be sent.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Queued {
    notice: Notice,
    sent_to: BTreeSet<ChannelName>,
    tries: u32,
    next_try: Timestamp,
}

/// What lies under a notice's name.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Kept {
    /// It waits to be sent.
    Queued(Box<Queued>),
    /// It is to be told when this rotation is done: found here even if who drove it died at its end.
    Owed { owed: RotationId },
}

/// How a channel does.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct ChannelHealth {
    failed_in_a_row: u32,
    last_error: Option<String>,
    last_sent_at: Option<Timestamp>,
}

impl Queued {
    fn new(notice: Notice) -> Self {
        Self { next_try: notice.at, notice, sent_to: BTreeSet::new(), tries: 0 }
    }
}

/// People are told when this rotation is done, whoever is there then; of one that is over, they were.
pub async fn owe(store: &dyn Store, id: RotationId) -> Result<(), StoreError> {
    let name = format!("{PREFIX}{id}");
    let is_open = store.rotation(id).await?.is_some_and(|rotation| rotation.status.is_open());
    if is_open && store.memos(&name).await?.is_empty() {
        store.put_memo(&name, Some(&json!(Kept::Owed { owed: id })), Vec::new()).await?;
    }
    Ok(())
}

/// Keeps a notice until whoever schedules has sent it.
pub async fn tell(store: &dyn Store, notice: Notice) -> Result<(), StoreError> {
    let queued = Queued::new(notice);
    let name = format!("{PREFIX}{}", queued.notice.id);
    store.put_memo(&name, Some(&json!(queued)), Vec::new()).await
}

impl Scheduler {
    /// People are told when this rotation is done.
    pub(crate) async fn owe(&self, id: RotationId) -> Result<(), StoreError> {
        owe(self.store(), id).await
    }

    /// The notice that was owed, in its place; `None` if it is not time yet, or there is nothing to tell.
    async fn due(&self, name: &str, id: RotationId) -> Result<Option<Queued>, StoreError> {
        let rotation = self.store().rotation(id).await?;
        match rotation {
            Some(rotation) if rotation.status.is_open() => Ok(None),
            Some(rotation) if rotation.status == RotationStatus::Done => {
                let queued = Queued::new(self.of_done(&rotation).0);
                self.store().put_memo(name, Some(&json!(queued)), Vec::new()).await?;
                Ok(Some(queued))
            }
            _ => {
                self.store().put_memo(name, None, Vec::new()).await?;
                Ok(None)
            }
        }
    }

    /// Keeps a notice until it is sent.
    pub(crate) async fn queue(&self, draft: Draft) -> Result<(), StoreError> {
        tell(self.store(), draft.0).await?;
        self.state.queued.notify_one();
        Ok(())
    }

    /// Sends as long as it is polled.
    pub(crate) async fn keep_sending(&self) {
        let mut wait = SignedDuration::from_secs(1);
        loop {
            let next = if let Ok(next) = self.send().await {
                wait = SignedDuration::from_secs(1);
                next
            } else {
                self.pulse.set(|pulse| pulse.store_failures += 1);
                let at = after(self.clock().now(), wait);
                wait = (wait * 2).min(SignedDuration::from_mins(1));
                Some(at)
            };
            tokio::select! {
                () = self.state.queued.notified() => {}
                () = self.wait_for(next) => {}
            }
        }
    }

    /// Sends all notices whose time has come; says when the next has to be tried.
    pub async fn send(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut queued = Vec::new();
        for (name, memo) in self.store().memos(PREFIX).await? {
            match serde_json::from_value(memo) {
                Ok(Kept::Queued(one)) => queued.push((name, *one)),
                Ok(Kept::Owed { owed }) => {
                    queued.extend(self.due(&name, owed).await?.map(|one| (name, one)));
                }
                Err(_) => self.store().put_memo(&name, None, Vec::new()).await?,
            }
        }
        let too_many = queued.len().saturating_sub(MAX_KEPT);
        for (name, one) in queued.drain(..too_many) {
            self.give_up(&name, &one, "too many notices wait").await?;
        }
        let now = self.clock().now();
        let due = |one: &Queued| sound(one.next_try, now, model::BACKOFF_MAX) <= now;
        let (ready, later): (Vec<_>, Vec<_>) = queued.into_iter().partition(|(_, one)| due(one));
        let mut next: Option<Timestamp> = later.iter().map(|(_, one)| one.next_try).min();
        let sent: Vec<_> = futures_util::stream::iter(ready)
            .map(|(name, one)| async move { self.send_one(&name, one).await })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for again in sent {
            next = again?.into_iter().chain(next).min();
        }
        Ok(next)
    }

    async fn send_one(&self, name: &str, mut one: Queued) -> Result<Option<Timestamp>, StoreError> {
        let sent = tokio::time::timeout(ANSWER_WITHIN, self.notify.notify(&one.notice, &one.sent_to)).await;
        let mut problem = sent.is_err().then(|| "no answer in time".to_owned());
        for (channel, result) in sent.unwrap_or_default() {
            self.note_channel(&one.notice, &channel, result.as_ref().err().map(|failure| &*failure.report))
                .await?;
            match result {
                Ok(()) => drop(one.sent_to.insert(channel)),
                Err(failure) => problem = Some(failure.report.line()),
            }
        }
        let Some(problem) = problem else {
            self.store().put_memo(name, None, Vec::new()).await?;
            return Ok(None);
        };
        let now = self.clock().now();
        if now.duration_since(one.notice.at) >= GIVEN_UP_AFTER {
            self.give_up(name, &one, &problem).await?;
            return Ok(None);
        }
        one.tries = one.tries.saturating_add(1);
        one.next_try = after(now, model::backoff(one.tries));
        self.store().put_memo(name, Some(&json!(one)), Vec::new()).await?;
        Ok(Some(one.next_try))
    }

    /// Notes how a channel does; its first failure in a row is an event.
    async fn note_channel(
        &self,
        notice: &Notice,
        channel: &ChannelName,
        failed: Option<&Report>,
    ) -> Result<(), StoreError> {
        let name = format!("channel/{channel}");
        let known = self.store().memos(&name).await?.into_iter().find(|(found, _)| *found == name);
        let mut health: ChannelHealth =
            known.and_then(|(_, memo)| serde_json::from_value(memo).ok()).unwrap_or_default();
        let now = self.clock().now();
        let mut events = Vec::new();
        if let Some(report) = failed {
            self.pulse.set(|pulse| pulse.notices_failed += 1);
            if health.failed_in_a_row == 0 {
                let event = self.event(EventKind::NotificationFailed, now).with("problem", report.line());
                let event = event.with("channel", channel.as_str());
                events.push(event.with("notice", notice.id.to_string()));
            }
            health.failed_in_a_row = health.failed_in_a_row.saturating_add(1);
            health.last_error = Some(report.line());
        } else {
            self.pulse.set(|pulse| pulse.notices_sent += 1);
            health = ChannelHealth { last_sent_at: Some(now), ..ChannelHealth::default() };
        }
        self.store().put_memo(&name, Some(&json!(health)), events).await
    }

    async fn give_up(&self, name: &str, one: &Queued, problem: &str) -> Result<(), StoreError> {
        let event = self.event(EventKind::NotificationFailed, self.clock().now());
        let event = event.with("problem", problem).with("given_up", true);
        let event = event.with("notice", one.notice.id.to_string()).with("kind", one.notice.kind.as_str());
        self.store().put_memo(name, None, vec![event]).await
    }
}
