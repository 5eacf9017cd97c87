//! What is served, what is written of it, and what Prometheus itself says to it.

#[cfg(test)]
mod http;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod states;
