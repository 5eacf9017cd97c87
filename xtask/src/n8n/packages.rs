//! Packages of the system.
use super::{Cache, install, lock::Lock};
use crate::environment::program;
use crate::{Fault, Result};
use std::process::Command;

/// Installs packages of the system, as root only. Two at once take turns: `apt-get` itself would refuse the second.
pub(crate) fn apt_install(cache: &Cache, packages: &[&str]) -> Result<()> {
    let mend = format!("as root: apt-get install {}", packages.join(" "));
    if !rustix::process::geteuid().is_root() || program("apt-get").is_none() {
        return Err(Fault::new(format!("`{}` is not installed", packages.join(" ")), mend)
            .because("only root on a system with apt-get can have it installed here"));
    }
    let _lock = Lock::take(cache.root(), "apt.lock")?;
    for words in [&["update"][..], &[&["install", "-y", "--no-install-recommends"], packages].concat()] {
        let mut apt = Command::new("apt-get");
        apt.args(["-q", "-o", "DPkg::Lock::Timeout=300"])
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive");
        let what = format!("apt-get {}", words.join(" "));
        install::with_second_try(&mut apt, &what, &cache.log("apt-get")).map_err(|fault| {
            Fault::new(format!("`{}` is not installed", packages.join(" ")), &mend).because(fault)
        })?;
    }
    Ok(())
}
