//! The places outside that hold a key's text, one file each behind [`model::Destination`]; and what makes programs
//! take up a new one, behind [`model::Hook`].
//!
//! Only this crate writes a secret outside the store. No secret is in an error, an argument, an
//! environment or a file name that it makes. It knows no n8n and no database.

mod aws;
mod azure;
mod command;
mod context;
mod document;
mod doppler;
mod dotenv;
mod error;
mod fields;
mod file;
mod gcp;
mod gitea;
mod github;
mod gitlab;
mod hook;
mod http;
mod infisical;
mod jwt;
mod kinds;
mod onepassword;
mod place;
mod program;
mod search;
mod service;
mod slot;
mod systemd_creds;
mod vault;

pub use context::Context;
pub use hook::{HookKind, hook_kinds, open_hook};
pub use kinds::{Kind, kinds, open};
pub use search::{Found, How, Search, Wanted};
pub use service::{
    Form, HTTP, Nowhere, Outside, ServiceConfig, ServiceKind, Services, Setting, SettingFault, Settings,
    service_kinds,
};
