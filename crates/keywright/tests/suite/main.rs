//! The `keywright` binary from outside: real processes, real files, an n8n that tests can break.

#[cfg(test)]
mod drills;
#[cfg(test)]
mod support;
