//! Other scanners, which ours is measured beside: each installed once into the cache.
use crate::Result;
use crate::n8n::{Cache, install};
use crate::progress::tell;
use crate::services::{place, python};
use std::path::PathBuf;
use std::process::Command;

const KINGFISHER: &str = "kingfisher-bin==2.14.0\n";
const CRATES: [(&str, &str, &str); 2] = [("rg", "ripgrep", "15.2.0"), ("ripsecrets", "ripsecrets", "0.1.11")];

/// Name and program of each that is there or could be installed; the others are told.
pub(crate) fn installed(cache: &Cache) -> Vec<(&'static str, PathBuf)> {
    let kingfisher = python::ensure(cache, "peer-kingfisher", KINGFISHER, |_| Ok(()))
        .map(|folder| folder.join("bin/kingfisher"));
    let crates = CRATES.map(|(program, package, version)| (program, built(cache, program, package, version)));
    let all = std::iter::once(("kingfisher", kingfisher)).chain(crates);
    all.filter_map(|(name, program)| match program {
        Ok(program) => Some((name, program)),
        Err(fault) => {
            tell(&format!("{fault}{name} is left out"));
            None
        }
    })
    .collect()
}

/// Built as its users have it: what is measured is not built in a hurry.
fn built(cache: &Cache, program: &str, package: &str, version: &str) -> Result<PathBuf> {
    let folder = place::ensure(cache, &format!("peer-{package}"), version, |folder| {
        let mut cargo = Command::new("cargo");
        cargo.args(["install", "--quiet", "--locked", "--root"]).arg(folder);
        cargo.arg(format!("{package}@{version}"));
        cargo.env("CARGO_TARGET_DIR", folder.join("build"));
        let log = cache.log(&format!("install-peer-{package}"));
        install::with_second_try(&mut cargo, &format!("build {package}"), &log)?;
        // What is left of the build is no use, and no harm.
        std::fs::remove_dir_all(folder.join("build")).ok();
        Ok(())
    })?;
    Ok(folder.join("bin").join(program))
}
