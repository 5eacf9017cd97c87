//! Real n8n instances for tests: installed once into a cache, started on free ports, stopped by process id.
//!
//! Nothing of Keywright is used here: these are what Keywright is tested against.
mod cache;
pub(crate) mod command;
pub(crate) mod http;
pub(crate) mod install;
mod instance;
pub(crate) mod lock;
pub(crate) mod node;
mod packages;
mod postgres;
mod process;
pub(crate) mod record;
mod release;
pub(crate) mod spawn;
pub(crate) mod start;
mod status;
mod stop;

pub use cache::Cache;
pub use install::install;
pub(crate) use packages::apt_install;
pub use process::Process;
pub use record::{RunningInstance, running, running_in};
pub use release::{RELEASES, Release};
pub use start::start;
pub use status::status;
pub use stop::stop;
