//! Health and metrics over HTTP: `/healthz`, `/readyz`, `/metrics`.
//!
//! It asks a [`Source`] and changes nothing. No secret is in what it is given, nor in what it answers.

mod answer;
mod process;
mod render;
mod serve;
mod snapshot;
mod text;

pub use render::render;
pub use serve::serve;
pub use snapshot::{
    ChannelState, Counters, Duty, InstanceState, IntegrationState, KeyTimes, NotReady, OpenRotation, Outcome,
    Readiness, SchedulerState, Snapshot, Source,
};
