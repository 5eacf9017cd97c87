//! What Keywright keeps: the [`model::Store`] port on `SQLite`, sealing of secrets, and the audit log.
//!
//! Only this crate knows SQL, sealing and the form of the log. Nothing secret is at rest in the clear.

mod error;
mod files;
pub mod log;
mod master_key;
mod seal;
mod sqlite;

pub use master_key::{KeyMark, MasterKey, MasterKeyError};
pub use sqlite::SqliteStore;
