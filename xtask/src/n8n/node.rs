//! Node and npm, from the package registry, so that the machine's own versions do not matter.
use super::{Cache, apt_install, command, install, lock::Lock};
use crate::environment::{program, variable};
use crate::{Fault, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

const MANIFEST: &str = r#"{"private":true}"#;

/// Makes sure that this major version of Node is in the cache. Two at once take turns.
pub(crate) fn ensure(cache: &Cache, major: u8) -> Result<()> {
    let folder = cache.node(major);
    if install::complete(&folder) {
        return Ok(());
    }
    let _lock = Lock::take(cache.root(), "node.lock")?;
    if install::complete(&folder) {
        return Ok(());
    }
    let what = format!("install node {major}");
    let npm = machine_npm(cache)?;
    install::folder(&folder, MANIFEST, |folder| {
        let mut command = Command::new(&npm);
        trust_as_the_machine_does(&mut command);
        command.args(["install", "--no-audit", "--no-fund", &format!("node@{major}")]).current_dir(folder);
        install::with_second_try(&mut command, &what, &cache.log(&format!("install-node-{major}")))?;
        let node = cache.node_program(major);
        if !node.is_file() {
            fetch_program(cache, folder, &what)?;
        }
        let told = command::output(Command::new(&node).arg("--version")).unwrap_or_default();
        told.starts_with(&format!("v{major}.")).then_some(()).ok_or_else(|| {
            Fault::new(
                format!("could not {what}"),
                "npm 9 to 11 and a registry that carries the `node` package",
            )
            .because(format!("`{} --version` says `{told}`", node.display()))
        })
    })
}

/// The package fetches its program in an install script, which an npm may be told to skip: run it by hand.
fn fetch_program(cache: &Cache, folder: &Path, what: &str) -> Result<()> {
    let mut script = Command::new("node");
    script.arg("installArchSpecificPackage").current_dir(folder.join("node_modules/node"));
    install::with_second_try(
        &mut script,
        &format!("{what}: fetch its program"),
        &cache.log("install-node-program"),
    )
}

/// An npm of our own, run by a Node of our own.
pub(crate) fn npm(cache: &Cache) -> Result<Command> {
    let folder = cache.npm();
    ensure(cache, 24)?;
    let lock = Lock::take(cache.root(), "npm.lock")?;
    if !install::complete(&folder) {
        let npm = machine_npm(cache)?;
        install::folder(&folder, MANIFEST, |folder| {
            let mut command = Command::new(&npm);
            command
                .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "npm@11"])
                .current_dir(folder);
            install::with_second_try(&mut command, "install npm 11", &cache.log("install-npm-11"))
        })?;
    }
    drop(lock);
    let mut command = Command::new(cache.node_program(24));
    command.arg(cache.npm_script());
    trust_as_the_machine_does(&mut command);
    Ok(command)
}

/// A Node that the system did not build knows nothing of the authorities that the system trusts.
fn trust_as_the_machine_does(command: &mut Command) {
    const VARIABLE: &str = "NODE_EXTRA_CA_CERTS";
    let system = Path::new("/etc/ssl/certs/ca-certificates.crt");
    if variable(VARIABLE).is_none() && system.is_file() {
        command.env(VARIABLE, system);
    }
}

/// The npm of this machine; it is installed where there is none.
fn machine_npm(cache: &Cache) -> Result<PathBuf> {
    if let (Some(npm), Some(_)) = (program("npm"), program("node")) {
        return Ok(npm);
    }
    apt_install(cache, &["nodejs", "npm"])?;
    program("npm").ok_or_else(|| {
        Fault::new("there is no npm", "install Node and npm, of any version from 18 on")
            .because("apt-get ended well, but `npm` is not on the search path")
    })
}
