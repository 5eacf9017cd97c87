//! HTTP to services, with bounds: every call ends in time, reads only so much, follows no redirect, and quotes nothing.
//!
//! A call is tried again here and nowhere else: where the service asks for a moment, and where a question got no answer.

mod answer;
mod fault;
mod remote;
mod request;

pub(crate) use answer::Answer;
pub(crate) use remote::Remote;
pub(crate) use request::Request;
