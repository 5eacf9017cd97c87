//! The sandbox over HTTP, as its clients meet it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: a helper that fails fails the test that called it"
)]

mod common;
mod faults;
