//! The places outside that hold a key's text, one file each behind [`model::Destination`].
//!
//! Only this crate writes a secret outside the store. No secret is in an error, an argument, an
//! environment or a file name that it makes. It knows no n8n and no database.

mod command;
mod context;
mod document;
mod dotenv;
mod error;
mod file;
mod kinds;
mod place;
mod program;
mod systemd_creds;

pub use context::Context;
pub use kinds::{Kind, kinds, open};
