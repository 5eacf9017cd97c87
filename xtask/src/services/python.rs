//! Python packages, each list of them in an environment of its own in the cache.
use super::place;
use crate::environment::program;
use crate::n8n::{Cache, apt_install, command, install};
use crate::{Fault, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes sure that `folder` of the cache holds an environment with just what `requirements` list.
///
/// A list with hashes takes nothing else; `then` has the last word on what is complete.
pub(crate) fn ensure(
    cache: &Cache,
    folder: &str,
    requirements: &str,
    then: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    place::ensure(cache, folder, requirements, |home| {
        let python = environment(cache, folder, home)?;
        let list = home.join("requirements.txt");
        std::fs::write(&list, requirements).map_err(|e| {
            Fault::new("the list of requirements cannot be written", "another cache").because(e)
        })?;
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        if requirements.contains("--hash=") {
            pip.args(["--require-hashes", "--only-binary", ":all:"]);
        }
        pip.arg("-r").arg(list);
        install::with_second_try(
            &mut pip,
            &format!("install {folder}"),
            &cache.log(&format!("install-{folder}")),
        )?;
        then(home)
    })
}

/// An environment of its own. Debian's Python leaves out what makes one, which its own package then brings.
fn environment(cache: &Cache, name: &str, home: &Path) -> Result<PathBuf> {
    let log = cache.log(&format!("install-{name}-venv"));
    let make = |python: &Path| {
        let mut venv = Command::new(python);
        venv.args(["-m", "venv", "--clear"]).arg(home);
        command::run_quietly(&mut venv, "make a Python environment", &log, "apt-get install python3-venv")
    };
    if program("python3").is_none_or(|python| make(&python).is_err()) {
        apt_install(cache, &["python3", "python3-venv"])?;
        make(Path::new("/usr/bin/python3"))?;
    }
    Ok(home.join("bin/python3"))
}
