//! `systemd:UNIT`: restarts a unit of the system's systemd.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Hook};

use super::Opened;
use crate::{
    Context,
    command::action::{Action, run},
    error::error,
    program::Program,
};

/// Where `systemctl` is; never looked for in `PATH`.
const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];
/// A unit may take a minute and a half to start before systemd itself gives up.
const TIMEOUT: Duration = Duration::from_mins(2);
/// The longest name that systemd takes.
const LONGEST: usize = 255;
/// What can be restarted to some effect.
const SUFFIXES: [&str; 5] = [".service", ".socket", ".target", ".timer", ".path"];

pub(super) struct Systemd {
    address: Address,
    context: Context,
    systemctl: Option<PathBuf>,
}

pub(super) fn open(address: &Address, context: &Context) -> Opened {
    let there = SYSTEMCTL.iter().map(Path::new).find(|path| path.exists());
    Ok(Arc::new(Systemd::new(address, context, there.map(Path::to_path_buf))?))
}

impl Systemd {
    pub(super) fn new(
        address: &Address,
        context: &Context,
        systemctl: Option<PathBuf>,
    ) -> Result<Self, DestinationError> {
        if let Err(because) = check_name(address.rest()) {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use the hook `{address}`"),
                because,
                "write the whole name of a unit, such as `systemd:backup.service`",
            ));
        }
        Ok(Self { address: address.clone(), context: context.clone(), systemctl })
    }

    /// Runs `systemctl` with these words before the unit's name.
    async fn systemctl(&self, words: &[&str], action: Action) -> Result<String, DestinationError> {
        let Some(path) = &self.systemctl else {
            return Err(error(
                Kind::NotFound,
                format!("cannot restart `{}`", self.address.rest()),
                format!("there is no `systemctl`; looked for {}", SYSTEMCTL.join(" and ")),
                "use `command:` with the program that restarts it here",
            ));
        };
        let words = words.iter().copied().chain(["--", self.address.rest()]);
        let program = Program { path: path.clone(), arguments: words.map(str::to_owned).collect() };
        program.check()?;
        let printed = run(&program, &self.context, action, None, TIMEOUT).await?;
        Ok(String::from_utf8_lossy(&printed).trim().to_owned())
    }

    async fn show(&self, property: &str) -> Result<String, DestinationError> {
        self.systemctl(&["--no-pager", "show", "--value", "-p", property], Action::Look).await
    }
}

/// What systemd takes for a name, and nothing that `systemctl` could take for an option or a pattern.
fn check_name(unit: &str) -> Result<(), &'static str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    let stem = SUFFIXES.iter().find_map(|suffix| unit.strip_suffix(suffix));
    match stem {
        _ if unit.len() > LONGEST => Err("a unit's name has at most 255 characters"),
        _ if !unit.bytes().all(legal) => Err("a unit's name has letters, digits and `:-_.\\@` only"),
        None => Err("a unit's name ends with `.service`, `.socket`, `.target`, `.timer` or `.path`"),
        Some(stem) if stem.is_empty() || stem.starts_with(['-', '.', '@']) => {
            Err("a unit's name begins with a letter or a digit")
        }
        Some(stem) if stem.ends_with('@') => {
            Err("a template has to be given its instance, as in `app@1.service`")
        }
        Some(_) => Ok(()),
    }
}

#[async_trait::async_trait]
impl Hook for Systemd {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        let (unit, state) = (self.address.rest(), self.show("LoadState").await?);
        if state == "loaded" {
            return Ok(());
        }
        let because = match state.as_str() {
            "not-found" => "systemd knows no unit of this name",
            "masked" => "the unit is masked",
            _ => "systemd did not load it",
        };
        let mend = format!("systemctl status {unit}");
        Err(error(Kind::NotFound, format!("cannot restart `{unit}`"), because, mend))
    }

    async fn run(&self) -> Result<String, DestinationError> {
        let unit = self.address.rest();
        self.systemctl(&["--no-ask-password", "restart"], Action::Reload).await?;
        match self.show("ActiveState").await?.as_str() {
            "failed" => Err(error(
                Kind::Failed,
                format!("cannot restart `{unit}`"),
                "it was restarted, and failed",
                format!("journalctl -u {unit}"),
            )),
            state @ ("active" | "activating" | "reloading" | "inactive" | "deactivating") => {
                Ok(format!("restarted; it is {state}"))
            }
            _ => Ok("restarted".to_owned()),
        }
    }
}
