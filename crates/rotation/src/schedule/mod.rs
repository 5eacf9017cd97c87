//! Turns keys when they are due, resumes what stopped, looks at the instances and destinations, and tells people.
//!
//! One process at a time does so over all that use a store. A [`Scheduler::tick`] looks at everything once and
//! says when to look again; [`Scheduler::run`] does so until it is told to stop. Nothing that one integration,
//! instance or channel does delays another.

mod config;
mod drifted;
mod jobs;
mod notices;
mod outbox;
mod plan;
mod pulse;
mod run;
mod silence;
mod state;
mod survey;
mod tick;
mod warn;

use std::sync::Arc;

use model::{Clock, Ids, Store};

use crate::engine::Engine;

pub use config::ScheduleConfig;
pub use outbox::{Notify, owe, tell};
pub use pulse::{Pulse, PulseView};
pub use tick::Tick;

/// Does by itself what is due. Cheap to clone; all its parts are shared.
#[derive(Clone)]
pub struct Scheduler {
    /// Turns the keys.
    pub(crate) engine: Engine,
    pub(crate) notify: Arc<dyn Notify>,
    pub(crate) config: ScheduleConfig,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) state: Arc<state::State>,
}

impl Scheduler {
    /// A scheduler that turns keys with this engine.
    pub fn new(engine: Engine, notify: Arc<dyn Notify>, config: ScheduleConfig) -> Self {
        Self { engine, notify, config, pulse: Arc::default(), state: Arc::default() }
    }

    /// What it is at, for metrics.
    pub fn pulse(&self) -> Arc<Pulse> {
        self.pulse.clone()
    }

    fn store(&self) -> &dyn Store {
        &*self.engine.store
    }

    fn clock(&self) -> &dyn Clock {
        &*self.engine.clock
    }

    fn ids(&self) -> &dyn Ids {
        &*self.engine.ids
    }
}
