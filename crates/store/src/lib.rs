//! What Keywright keeps: the [`model::Store`] port on `SQLite` and `PostgreSQL`, sealing of secrets, and the audit log.
//!
//! Only this crate knows SQL, sealing and the form of the log. Nothing secret is at rest in the clear.

mod error;
mod files;
mod identity;
pub mod log;
mod master_key;
mod migrate;
mod node;
mod open;
mod postgres;
mod rows;
mod seal;
mod sqlite;

pub use master_key::{KeyMark, MasterKey, MasterKeyError};
pub use migrate::{MigrationReport, migrate};
pub use open::{OpenStore, StorePlace, create, open};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
