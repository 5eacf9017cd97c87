//! An n8n inside this process, for the demo and for tests: the sign-in, the keys and as much of the public API as
//! Keywright uses, with the quirks of four versions, a clock that tests move, and faults on order.
//!
//! A stand-in, never a proof: what passes here also has to pass on a real n8n, and a difference is a bug here.
//! It listens on the loopback interface only and keeps everything in memory.

mod answer;
mod calls;
mod clock;
mod faults;
mod ids;
mod options;
mod profile;
mod routes;
mod sandbox;
mod server;
mod state;
mod token;

pub use calls::{Call, KeySeen, Outcome};
pub use clock::Clock;
pub use faults::{Effect, Fault, Faults, Hostile, Matcher};
pub use options::{Account, Options, SIGNING_SECRET};
pub use profile::Profile;
pub use sandbox::Sandbox;
pub use state::KeyView;
