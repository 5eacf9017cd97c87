//! The one list of channels.

use std::{net::IpAddr, sync::Arc};

use model::{Channel, ChannelError, Clock};

use crate::{ChannelConfig, Limits, Way, command, mail, webhook};

/// Makes a channel; nothing is sent yet. Programs don't inherit `hidden_variables`, nor any variable whose name
/// starts with `KEYWRIGHT_`.
pub fn open(
    config: &ChannelConfig,
    hidden_variables: &[String],
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Channel>, ChannelError> {
    open_within(config, hidden_variables, clock, Limits::default())
}

/// The same, with other limits of time.
pub fn open_within(
    config: &ChannelConfig,
    hidden_variables: &[String],
    clock: Arc<dyn Clock>,
    limits: Limits,
) -> Result<Box<dyn Channel>, ChannelError> {
    let name = &config.name;
    match &config.way {
        Way::Webhook(settings) => webhook::open(name, settings, clock, limits),
        Way::Command { line } => command::open(name, line, hidden_variables, limits),
        Way::Mail(settings) => mail::open(name, settings, limits),
    }
}

/// Whether a host's name or address is this machine's by its text alone.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = bare.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for ours in ["localhost", "mail.LOCALHOST", "127.0.0.9", "::1", "[::1]"] {
            assert!(is_loopback(ours), "{ours}");
        }
        for other in ["127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "::", "", "2130706433"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
