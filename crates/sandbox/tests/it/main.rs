//! The sandbox over HTTP, as its clients meet it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "tests: a helper that fails fails the test that called it"
)]

mod caller;
mod faults;
mod keys;
mod login;
mod real;
mod script;
mod speed;
