//! One look at everything, and what it led to.

use futures_util::StreamExt as _;
use model::Timestamp;

use super::Scheduler;
use super::jobs::Job;
use crate::error::{self, RotationError};

/// What one look led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When to look again, unless something is written before; never by itself if `None`.
    pub next: Option<Timestamp>,
    /// Rotations begun or driven.
    pub rotations: usize,
    /// Instances asked.
    pub surveys: usize,
}

impl Scheduler {
    /// Looks at everything once, and does all that is due to its end, its grace, or a problem.
    pub async fn tick(&self) -> Result<Tick, RotationError> {
        let agenda = self.plan().await.map_err(error::store)?;
        agenda.jobs.iter().for_each(|job| self.take_on(job));
        let surveys = agenda.jobs.iter().filter(|job| job.is_survey()).count();
        let rotations = agenda.jobs.len() - surveys;
        futures_util::stream::iter(agenda.jobs)
            .for_each_concurrent(self.config.at_once.max(1), |job| async move {
                self.work(&job).await;
                self.put_down(&job);
            })
            .await;
        let then = self.plan().await.map_err(error::store)?;
        let now = self.clock().now();
        let next = if then.jobs.is_empty() { then.next } else { Some(now) };
        self.ticked(next);
        Ok(Tick { next, rotations, surveys })
    }

    pub(crate) fn ticked(&self, next: Option<Timestamp>) {
        let now = self.clock().now();
        self.pulse.set(|pulse| (pulse.last_tick_at, pulse.next_tick_at) = (Some(now), next));
    }

    /// The jobs that there is room for besides those in hand.
    pub(crate) fn that_fit(&self, jobs: Vec<Job>) -> Vec<Job> {
        let (rotating, asking) = {
            let state = self.state.lock();
            (state.rotating.len(), state.asking.len())
        };
        let at_once = self.config.at_once.max(1);
        let mut room = (at_once.saturating_sub(rotating), at_once.saturating_sub(asking));
        let mut room_for = |job: &Job| {
            let room = if job.is_survey() { &mut room.1 } else { &mut room.0 };
            *room > 0 && {
                *room -= 1;
                true
            }
        };
        jobs.into_iter().filter(|job| room_for(job)).collect()
    }
}
