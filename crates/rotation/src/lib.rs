//! The replacement of one key: started, driven step by step, resumed after a crash, undone.
//!
//! It knows neither SQL nor HTTP nor files: it stands on the ports of `model`. An [`Engine`] takes a
//! [`Request`], writes the plan as a journal of steps, and drives it: each step is journaled as started before
//! its effect and as done after it, and every effect is *ensure*, so that doing it again does no harm.
//! Recovery is [`Engine::drive`] again.

mod adopt;
mod begin;
mod drift;
mod due;
mod engine;
mod error;
mod journal;
mod lease;
mod observer;
mod request;
mod schedule;
mod steps;

pub use adopt::{Adoptable, Adopted, Adoption};
pub use drift::Drift;
pub use due::{is_due, next_due};
pub use engine::{Engine, Outcome, World};
pub use error::{RotationError, RotationErrorKind};
pub use lease::Liveness;
pub use observer::{Moment, Observer, Point, Silent};
pub use request::{Preview, Request};
pub use schedule::{Notify, Pulse, PulseView, ScheduleConfig, Scheduler, Tick, owe, tell};
