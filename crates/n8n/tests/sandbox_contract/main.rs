//! The contract on the sandbox's profiles, and what only a sandbox can be made to do.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod large;
#[cfg(test)]
mod profiles;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
