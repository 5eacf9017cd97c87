//! What the environment says of who we are.

/// The name of the user at the command line, for the log.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn actor() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = name.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// A variable of the environment, if it is set, not empty and UTF-8. It may hold a secret.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn variable(name: &str) -> Option<model::Secret> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(model::Secret::new)
}
