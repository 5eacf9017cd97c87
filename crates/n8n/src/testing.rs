//! What tests of this and other crates need of real instances: users of their own, and a way past n8n's limits
//! on logins (per address on 1.x, per login id on 2.x). Never for production.

use std::path::PathBuf;

mod door;
mod keeper;
mod users;

pub use door::Door;
pub use keeper::{MemoryKeeper, RandomIds, WallClock};
pub use users::{FreshUser, MfaSetup, enable_mfa, fresh_user, kept_session};

/// Why a test's ground could not be laid.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// A real n8n that runs on this machine.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct RealInstance {
    /// Its version, such as `2.41.1`.
    pub version: String,
    /// Its base URL.
    pub url: String,
    /// The owner's login id.
    pub email: String,
    /// The owner's password.
    pub password: String,
    /// The owner's session, to save a login.
    pub cookie: String,
}

/// The running instance of a version (`2.41`, or all three numbers), as `KEYWRIGHT_TEST_N8N` or the cache folder
/// tells. `Ok(None)` if there is none and nobody requires one.
pub fn real_instance(version: &str) -> Result<Option<RealInstance>, Trouble> {
    let folder = folder().ok_or("neither `KEYWRIGHT_TEST_N8N` nor `HOME` is set")?;
    let files = std::fs::read_dir(&folder).map_or(Vec::new(), |files| files.flatten().collect());
    let found = files.iter().map(std::fs::DirEntry::path).find(|path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        path.extension().is_some_and(|ext| ext == "json")
            && stem.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    match found {
        Some(path) => Ok(Some(serde_json::from_slice(&std::fs::read(path)?)?)),
        None if setting("KEYWRIGHT_TEST_REQUIRE_REAL").as_deref() == Some("1") => {
            Err(format!("no n8n {version} runs as `{}` tells; `cargo xtask n8n start`", folder.display())
                .into())
        }
        None => Ok(None),
    }
}

fn folder() -> Option<PathBuf> {
    let cache = || {
        let home = || setting("HOME").map(|home| PathBuf::from(home).join(".cache"));
        setting("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).map(|cache| cache.join("keywright/run"))
    };
    setting("KEYWRIGHT_TEST_N8N").map(PathBuf::from).or_else(cache)
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where instances run")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
