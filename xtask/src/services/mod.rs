//! Real servers for the tests of destinations: installed once into the cache, started on free loopback ports,
//! stopped by process id. What they are and where is in `services.json` of the run folder.
//!
//! Nothing of Keywright is used here: these are what Keywright is tested against.
mod board;
mod moto;
mod openbao;
pub(crate) mod place;
mod prism;
pub(crate) mod python;
mod rusty_vault;
mod server;
mod specs;
mod start;
mod status;
mod stop;

pub use start::start;
pub use status::status;
pub use stop::stop;

use crate::Result;
use crate::n8n::Cache;
use std::path::{Path, PathBuf};

/// One thing that tests may need: its name in the record, and what installs and starts it and says how to reach it.
struct Service {
    name: &'static str,
    begin: fn(&Cache, &Path, &str) -> Result<serde_json::Value>,
}

/// All of them.
const SERVICES: [Service; 7] = [
    Service { name: "systemd_creds", begin: start::find_systemd_creds },
    Service { name: "moto", begin: moto::begin_signed },
    Service { name: "moto_open", begin: moto::begin_open },
    Service { name: "prism_onepassword", begin: prism::begin_onepassword },
    Service { name: "prism_github", begin: prism::begin_github },
    Service { name: "openbao", begin: openbao::begin },
    Service { name: "rusty_vault", begin: rusty_vault::begin },
];

/// The run folder, unless a chore is told another: `$KEYWRIGHT_TEST_SERVICES`, else `services` in the cache.
pub fn run_dir(cache: &Cache) -> PathBuf {
    crate::environment::variable(crate::environment::SERVICES)
        .map_or_else(|| cache.root().join("services"), PathBuf::from)
}
