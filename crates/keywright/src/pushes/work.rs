//! The work: one process of all that use the store does it, repository by repository.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Changes, ForgeName, Leadership, SignedDuration, StoreError, Timestamp};

use super::Pushes;
use super::inbox::Waiting;

const ROLE: &str = "pushes";
/// After a store that does not answer.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// Writes of others come in bursts, and are seldom webhooks that another process took.
const BURST: SignedDuration = SignedDuration::from_secs(1);
/// How long what is in hand may go on when it is to stop.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A repository of a forge.
pub(super) type Place = (ForgeName, String);

/// How it goes with the repositories.
#[derive(Default)]
struct State {
    /// Those that were looked through since this process has the role: whatever was missed before is caught up.
    caught_up: BTreeSet<Place>,
    /// Failures in a row, and when the next try is.
    failing: BTreeMap<Place, (u32, Timestamp)>,
}

impl Pushes {
    /// Works, when no other process does, until `stop`.
    pub(crate) async fn work(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            // Who has nothing to do takes no role.
            if self.declared().is_empty() {
                tokio::select! {
                    () = &mut stop => return,
                    () = self.news.notified() => continue,
                }
            }
            let mut role = tokio::select! {
                biased;
                () = &mut stop => return,
                role = self.lead() => role,
            };
            let mut working = pin!(self.keep_working());
            tokio::select! {
                biased;
                () = &mut stop => {
                    self.stopping.store(true, Ordering::SeqCst);
                    self.news.notify_one();
                    // What does not end by then is done again by whoever comes next, and a rotation is resumed.
                    drop(tokio::time::timeout(STOP_WITHIN, &mut working).await);
                    return;
                }
                () = role.lost() => {}
                () = &mut working => {}
            }
        }
    }

    async fn lead(&self) -> Box<dyn Leadership> {
        loop {
            match self.engine.store.lead(ROLE, &self.engine.holder).await {
                Ok(role) => return role,
                Err(_) => self.pause(PAUSE).await,
            }
        }
    }

    async fn keep_working(&self) {
        let mut state = State::default();
        let mut changes: Option<Box<dyn Changes>> = None;
        while !self.stopping.load(Ordering::SeqCst) {
            if changes.is_none() {
                changes = self.engine.store.changes().await.ok();
            }
            let next = match self.once(&mut state).await {
                Ok(next) => next,
                Err(_) => Some(self.after(PAUSE)),
            };
            tokio::select! {
                () = self.news.notified() => {}
                () = self.until(next) => {}
                heard = heard(&mut changes) => {
                    if !heard {
                        changes = None;
                    }
                    let pause = if heard { BURST } else { PAUSE };
                    tokio::select! {
                        () = self.news.notified() => {}
                        () = self.pause(pause) => {}
                    }
                }
            }
        }
    }

    /// Looks through each repository that somebody pushed to; says when to try one again that failed.
    async fn once(&self, state: &mut State) -> Result<Option<Timestamp>, StoreError> {
        let declared = self.declared();
        let mut due: BTreeMap<Place, Vec<Waiting>> = BTreeMap::new();
        for (name, (forge, _)) in &declared {
            let places = forge.repositories.iter().map(|repository| (name.clone(), repository.clone()));
            due.extend(
                places.filter(|place| !state.caught_up.contains(place)).map(|place| (place, Vec::new())),
            );
        }
        let mut gone = Vec::new();
        for one in self.waiting().await? {
            let is_declared = declared
                .get(&one.forge)
                .is_some_and(|(forge, _)| forge.repositories.contains(&one.kept.repository));
            if is_declared {
                due.entry((one.forge.clone(), one.kept.repository.clone())).or_default().push(one);
            } else {
                gone.push(one);
            }
        }
        self.done(&gone).await?;
        state.failing.retain(|(forge, repository), _| {
            declared.get(forge).is_some_and(|(forge, _)| forge.repositories.contains(repository))
        });
        // Those that somebody pushed to come before those that are only caught up with.
        let mut due: Vec<_> = due.into_iter().collect();
        due.sort_by_key(|(_, waiting)| waiting.is_empty());
        for (place, waiting) in due {
            if self.stopping.load(Ordering::SeqCst) {
                break;
            }
            let now = self.engine.clock.now();
            if state.failing.get(&place).is_some_and(|(_, next)| *next > now) {
                continue;
            }
            let Some((forge, action)) = declared.get(&place.0) else { continue };
            match self.look_through(forge, *action, &place.1, &waiting).await {
                Ok(()) => {
                    self.done(&waiting).await?;
                    state.failing.remove(&place);
                    state.caught_up.insert(place);
                }
                Err(report) => {
                    self.tally.pushed(&place.0, "failed");
                    let failing = state.failing.entry(place.clone()).or_insert((0, now));
                    failing.0 = failing.0.saturating_add(1);
                    failing.1 = self.after(model::backoff(failing.0));
                    self.ui.report(&report);
                    self.tell_failing(forge, &place.1, failing.0, &report).await?;
                }
            }
        }
        Ok(state.failing.values().map(|(_, next)| *next).min())
    }

    fn after(&self, wait: SignedDuration) -> Timestamp {
        self.engine.clock.now().checked_add(wait).unwrap_or(Timestamp::MAX)
    }

    async fn pause(&self, wait: SignedDuration) {
        self.engine.clock.wait_until(self.after(wait)).await;
    }

    async fn until(&self, next: Option<Timestamp>) {
        match next {
            Some(next) => self.engine.clock.wait_until(next).await,
            None => std::future::pending().await,
        }
    }
}

/// Returns when something was written; whether more can be heard.
async fn heard(changes: &mut Option<Box<dyn Changes>>) -> bool {
    match changes {
        Some(changes) => changes.next().await.is_ok(),
        None => false,
    }
}
