//! A typed client of n8n: the admin session, keys in every version, the public API.
//!
//! What an instance answers is never trusted: it is bounded in size and time, checked, and not quoted.

mod api;
mod base_url;
mod call;
mod capabilities;
mod check;
mod client;
mod coalesce;
mod http;
mod issuer;
mod key_text;
mod keys;
mod login;
mod outside;
mod pace;
mod probe;
mod public_api;
mod report;
mod second_factor;
mod session;
mod wire;

#[cfg(feature = "testing")]
pub mod testing;

pub use api::{
    AuditCategory, Completeness, Credential, Discovery, Execution, ExecutionFilter, FromFields, IncludeData,
    InstanceUser, Listing, Project, PublicApi, RequiredScopes, RiskReport, Route, Routes, Share, Tag,
    Variable, Workflow, WorkflowFilter, WorkflowState, WorkflowVersion,
};
pub use base_url::{BaseUrl, InsecureHttp};
pub use capabilities::{Learned, User};
pub use client::{ClientConfig, N8nClient};
pub use http::Timeouts;
pub use issuer::{N8nIssuer, ONLY_KEY};
pub use key_text::{KeyClaims, KeyText};
pub use outside::FromOutside;
pub use probe::Probe;
pub use transport::{ProxyConfig, Transport};
