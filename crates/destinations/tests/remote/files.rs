//! Places on this machine, drilled beside those at services.

#[path = "../contract/command.rs"]
pub(crate) mod command;
#[path = "../contract/document.rs"]
pub(crate) mod document;
#[path = "../contract/dotenv.rs"]
pub(crate) mod dotenv;
#[expect(dead_code, reason = "its own contract uses all of it")]
#[path = "../contract/place.rs"]
pub(crate) mod place;
#[expect(dead_code, reason = "its own contract uses all of it")]
#[path = "../contract/stand.rs"]
mod stand;

pub(crate) use stand::in_memory;
