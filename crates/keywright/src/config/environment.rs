//! What the environment says of who we are, and what of it a program that we run may not have.

use std::ffi::OsString;
use std::path::PathBuf;

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

/// The names of Keywright's own variables.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn own_variables() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| {
        name.as_encoded_bytes().get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"KEYWRIGHT_"))
    })
}

/// Where programs are looked for.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

/// The proxies that the environment names, for a program that asks outside for us.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn proxies() -> Vec<(String, String)> {
    let names =
        ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

/// Where this user's programs keep what they may lose, by the XDG rules.
pub(crate) fn state_folder() -> Option<PathBuf> {
    xdg("XDG_STATE_HOME", ".local/state")
}

/// Where we put hooks of git that hold for all repositories, if git has no folder for them yet.
pub(crate) fn git_hooks_folder() -> Option<PathBuf> {
    Some(xdg("XDG_CONFIG_HOME", ".config")?.join("git/hooks"))
}

#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
fn xdg(name: &str, instead: &str) -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    folder(name).or_else(|| Some(folder("HOME")?.join(instead)))
}

/// What git tells its hooks: the index of the commit that is made, and where objects lie that were pushed and not yet
/// taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GitSays {
    /// The git folder.
    pub(crate) folder: Option<PathBuf>,
    /// The index.
    pub(crate) index: Option<PathBuf>,
    /// The quarantine.
    pub(crate) objects: Option<PathBuf>,
}

/// What git says in the environment.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn git_says() -> GitSays {
    let path = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    GitSays { folder: path("GIT_DIR"), index: path("GIT_INDEX_FILE"), objects: path("GIT_OBJECT_DIRECTORY") }
}

/// The name of a variable for a program that we run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VariableName(String);

impl VariableName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for VariableName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if fits && text.bytes().next().is_some_and(|b| !b.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err("a variable's name is letters, digits and `_`, and does not begin with a digit".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_name_that_every_shell_takes() {
        for good in ["N8N_API_KEY", "_", "x1"] {
            assert_eq!(good.parse::<VariableName>().unwrap().as_str(), good);
        }
        for bad in ["", "1X", "A=B", "A-B", "A B", "Ä"] {
            assert!(bad.parse::<VariableName>().is_err(), "{bad}");
        }
    }
}
