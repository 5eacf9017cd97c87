//! `cargo xtask bench` and `cargo xtask leakbed`: builds what is measured as users get it, and starts what it is measured on.
use crate::n8n::{self, Cache, Release};
use crate::{Fault, Result, peers};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of n8n that rotations are measured on.
const VERSION: &str = "2.41.1";

/// Turns many keys, on a real n8n beside a bare loop, and on the sandbox; prints as it goes.
pub fn rotation() -> Result<()> {
    cargo(&["build", "--release", "--package", "keywright", "--package", "bench"])?;
    let target = target()?;
    let cache = Cache::from_environment()?;
    let run = cache.run();
    let record = run.join(format!("{VERSION}.json"));
    let was_running = n8n::running_in(&run).iter().any(|instance| instance.version == VERSION);
    let release = Release::named(VERSION)?;
    n8n::start(&cache, &run, &[release])?;
    let measured = bench(&target, &["rotation", &shown(&target.join("keywright")), &shown(&record)]);
    if !was_running {
        n8n::stop(&run, Some(&[release]))?;
    }
    measured
}

/// Plants keys in a copy of a repository, as `words` say.
pub fn leakbed(words: &[&str]) -> Result<()> {
    cargo(&["build", "--release", "--package", "leakbed"])?;
    succeed(Command::new(target()?.join("leakbed")).args(words), "the bed of leaks")
}

/// Scans generated histories and trees, and the repositories given, beside other scanners; prints as it goes.
pub fn leaks(real: &[&str]) -> Result<()> {
    cargo(&["build", "--release", "--package", "keywright", "--package", "bench"])?;
    let target = target()?;
    let cache = Cache::from_environment()?;
    let (keywright, made) = (shown(&target.join("keywright")), shown(&cache.root().join("leaks")));
    let mut words = vec!["leaks".to_owned(), keywright, made];
    words.extend(peers::installed(&cache).iter().map(|(name, path)| format!("{name}={}", shown(path))));
    for repository in real {
        let path = std::fs::canonicalize(repository).map_err(|e| {
            Fault::new(format!("`{repository}` cannot be measured"), "--real with a repository").because(e)
        })?;
        words.push(format!("real={}", shown(&path)));
    }
    bench(&target, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn bench(target: &Path, words: &[&str]) -> Result<()> {
    succeed(Command::new(target.join("bench")).args(words), "the benchmark")
}

fn cargo(words: &[&str]) -> Result<()> {
    succeed(Command::new("cargo").args(words), "the build")
}

fn succeed(command: &mut Command, what: &str) -> Result<()> {
    let mend = "read what it printed above";
    let status =
        command.status().map_err(|e| Fault::new(format!("{what} cannot be started"), mend).because(e))?;
    if status.success() { Ok(()) } else { Err(Fault::new(format!("{what} failed"), mend).because(status)) }
}

/// Where release binaries are: beside the folder that this program was built into.
fn target() -> Result<PathBuf> {
    let lost =
        || Fault::new("the target folder is not to be found", "cargo run --package xtask -- bench rotation");
    let program = std::env::current_exe().map_err(|e| lost().because(e))?;
    let target = program.parent().and_then(Path::parent).ok_or_else(lost)?;
    Ok(target.join("release"))
}
