//! Chores of the workspace: real n8n instances and other real servers for tests, and the walls between crates.
//!
//! Tests find running instances through [`n8n::running`].
pub mod bench;
pub mod cli;
pub mod environment;
pub mod fault;
pub mod fuzz;
pub mod n8n;
mod peers;
pub mod progress;
pub mod services;
pub mod tidy;

pub use fault::{Fault, Result};
