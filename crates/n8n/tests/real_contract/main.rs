//! The contract on real instances of n8n.

#[cfg(test)]
mod instances;
#[cfg(test)]
mod runs;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
