//! The scheduler's life: it waits for the role, works while it has it, and stops when told to.

use std::pin::{Pin, pin};

use model::{Changes, EventKind, Leadership, SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::Scheduler;
use super::jobs::Job;
use super::state::after;
use crate::error::RotationError;

const ROLE: &str = "scheduler";
/// Writes come in bursts: each is looked at together with what follows it so closely.
const BURST: SignedDuration = SignedDuration::from_millis(500);
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// Waits after failures in a row: doubled each time.
struct Backoff(SignedDuration);

impl Backoff {
    async fn wait(&mut self, of: &Scheduler) {
        of.pulse.set(|pulse| pulse.store_failures += 1);
        of.clock().wait_until(after(of.clock().now(), self.0)).await;
        self.0 = (self.0 * 2).min(LONGEST_WAIT);
    }
}

impl Scheduler {
    /// Waits until no other process schedules, then does so until `stop`. A failing store is waited for.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), RotationError> {
        let mut stop = pin!(stop);
        loop {
            let mut leadership = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                leadership = self.lead() => leadership,
            };
            self.pulse.set(|pulse| pulse.is_leader = true);
            self.tell(EventKind::SchedulerStarted).await;
            let lost = self.reign(&mut *leadership, stop.as_mut()).await;
            self.tell(EventKind::SchedulerStopped).await;
            self.pulse.set(|pulse| (pulse.is_leader, pulse.next_tick_at) = (false, None));
            if lost == Reign::Stopped {
                return Ok(());
            }
        }
    }

    async fn lead(&self) -> Box<dyn Leadership> {
        let mut backoff = Backoff(FIRST_WAIT);
        loop {
            match self.store().lead(ROLE, &self.engine.holder).await {
                Ok(leadership) => return leadership,
                Err(_) => backoff.wait(self).await,
            }
        }
    }

    /// Says so in the log, as far as the store lets.
    async fn tell(&self, kind: EventKind) {
        let event = self.event(kind, self.clock().now());
        if self.store().record(vec![event]).await.is_err() {
            self.pulse.set(|pulse| pulse.store_failures += 1);
        }
    }

    async fn reign<S: Future<Output = ()>>(
        &self,
        leadership: &mut dyn Leadership,
        stop: Pin<&mut S>,
    ) -> Reign {
        let mut jobs = JoinSet::new();
        let end = {
            let work = self.keep_working(&mut jobs);
            tokio::select! {
                biased;
                () = stop => Reign::Stopped,
                () = leadership.lost() => Reign::Lost,
                () = work => Reign::Lost,
                () = self.keep_sending() => Reign::Lost,
            }
        };
        if end == Reign::Stopped {
            // What is in hand may end; what does not is resumed by whoever comes next.
            let until = after(self.clock().now(), self.config.stop_within.duration());
            tokio::select! {
                () = async { while jobs.join_next().await.is_some() {} } => {}
                () = self.clock().wait_until(until) => {}
            }
        }
        jobs.shutdown().await;
        *self.state.lock() = super::state::Inner::default();
        end
    }

    async fn keep_working(&self, jobs: &mut JoinSet<()>) {
        let mut backoff = Backoff(FIRST_WAIT);
        let mut changes = None;
        loop {
            if changes.is_none() {
                changes = self.store().changes().await.ok();
            }
            let Ok(agenda) = self.plan().await else {
                backoff.wait(self).await;
                continue;
            };
            backoff = Backoff(FIRST_WAIT);
            for job in self.that_fit(agenda.jobs) {
                self.take_on(&job);
                let scheduler = self.clone();
                jobs.spawn(async move { InHand { scheduler, job }.work().await });
            }
            self.ticked(agenda.next);
            tokio::select! {
                biased;
                Some(_) = jobs.join_next(), if !jobs.is_empty() => {}
                () = self.wait_for(agenda.next) => {}
                heard = self.news(&mut changes) => if !heard { changes = None; backoff.wait(self).await },
            }
        }
    }

    /// Returns a little after something was written; whether more can be heard.
    async fn news(&self, changes: &mut Option<Box<dyn Changes>>) -> bool {
        let Some(changes) = changes else { return false };
        let heard = changes.next().await.is_ok();
        self.clock().wait_until(after(self.clock().now(), BURST)).await;
        // It may have been a notice of somebody else's.
        self.state.queued.notify_one();
        heard
    }

    pub(crate) async fn wait_for(&self, next: Option<Timestamp>) {
        match next {
            Some(next) => self.clock().wait_until(next).await,
            None => std::future::pending().await,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reign {
    Stopped,
    Lost,
}

/// A job in hand; put down whatever becomes of it.
struct InHand {
    scheduler: Scheduler,
    job: Job,
}

impl InHand {
    async fn work(self) {
        self.scheduler.work(&self.job).await;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.scheduler.put_down(&self.job);
    }
}
