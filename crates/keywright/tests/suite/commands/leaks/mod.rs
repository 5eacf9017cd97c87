//! `keywright leaks …` on real folders and repositories.

mod hooks;
mod hostile;
mod scan;
mod since_last;
mod store;
mod watch;
