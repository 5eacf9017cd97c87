//! The `keywright` binary from outside: real processes, real files, an n8n that tests can break.

#[cfg(test)]
mod assisted;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod drills;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod places;
#[cfg(test)]
mod pushes;
#[cfg(test)]
mod real;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod story;
#[cfg(test)]
mod support;
#[cfg(test)]
mod together;
