//! What forges (GitHub, GitLab) tell: their webhooks are taken in here, and their repositories are fetched.
//!
//! A webhook only says that there is something to look at: of its content nothing but names and ids is taken, and only a
//! repository that the configuration names is fetched, from the address that the configuration gives. Nothing of what was
//! fetched is run or checked out.

mod delivery;
mod fetch;
mod forge;
mod serve;
mod signature;

pub use delivery::{Delivery, Tells};
pub use fetch::{Fetched, Fetcher, Surroundings};
pub use forge::{Forge, ForgeKind};
pub use serve::{Inbox, Taken, serve};
