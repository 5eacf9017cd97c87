//! Real n8n instances for tests: installed once into a cache, started on free ports, stopped by process id.
//!
//! Nothing of Keywright is used here: these are what Keywright is tested against.
mod cache;
mod command;
mod http;
mod install;
mod instance;
mod lock;
mod node;
mod postgres;
mod process;
mod record;
mod release;
mod spawn;
mod start;
mod status;
mod stop;

pub use cache::Cache;
pub use install::install;
pub use process::Process;
pub use record::{RunningInstance, running, running_in};
pub use release::{RELEASES, Release};
pub use start::start;
pub use status::status;
pub use stop::stop;
