//! The one place of this crate that reads the environment.
use std::ffi::OsString;
use std::path::PathBuf;

/// The folder that everything downloaded goes into, outside the checkout.
pub const CACHE: &str = "KEYWRIGHT_CACHE";
/// The run folder that tests look for real n8n instances in.
pub const RUN: &str = "KEYWRIGHT_TEST_N8N";
/// The run folder that tests look for the real servers of destinations in.
pub const SERVICES: &str = "KEYWRIGHT_TEST_SERVICES";

/// The value of a variable; empty counts as absent.
#[expect(clippy::disallowed_methods, reason = "chores have no configuration but the environment")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Where the first file called `name` lies on the search path.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
