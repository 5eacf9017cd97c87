//! `cargo xtask fuzz`: every parser of outside bytes on bytes that a fuzzer makes up, for a bounded number of tries.
//!
//! libFuzzer by itself, on the toolchain that is pinned: what `cargo fuzz` adds needs another one.
use crate::{Fault, Result, progress};
use std::path::Path;
use std::process::Command;

/// What the fuzzer follows to tell whether an input did something new.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1 -Cdebug-assertions \
    -Coverflow-checks";
const MEND: &str = "read what it printed; an input that fails is kept in target/fuzz/crashes";
/// Each target, its tries in a short run, and its longest input in bytes.
const TARGETS: [(&str, u64, u32); 2] = [("detector", 30_000, 2_000), ("decoders", 30_000, 600)];

/// Runs all targets, or the one named, for its own number of tries times `factor`.
pub fn run(named: Option<&str>, factor: u64) -> Result<()> {
    let chosen: Vec<_> =
        TARGETS.iter().filter(|(name, ..)| named.is_none_or(|named| named == *name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|(name, ..)| *name).collect();
        return Err(Fault::usage(format!("`{}` is no target", named.unwrap_or_default()), names.join(" | ")));
    }
    let target = std::env::current_dir()
        .map_err(|e| Fault::new("the current folder is not known", "run it in the repository").because(e))?
        .join("target/fuzz");
    // Named, so that the flags reach neither build scripts nor macros.
    let host = host()?;
    let mut build = Command::new("cargo");
    build.args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--target",
        &host,
    ]);
    build.env("RUSTFLAGS", INSTRUMENTED).env("CARGO_TARGET_DIR", &target);
    succeed(&mut build, "the build of the fuzz targets")?;
    for (name, tries, longest) in chosen {
        fuzz(&target, &host, name, tries.saturating_mul(factor), *longest)?;
    }
    Ok(())
}

fn fuzz(target: &Path, host: &str, name: &str, tries: u64, longest: u32) -> Result<()> {
    let corpus = target.join("corpus").join(name);
    let crashes = target.join("crashes");
    for folder in [&corpus, &crashes] {
        std::fs::create_dir_all(folder).map_err(|e| {
            Fault::new(format!("`{}` cannot be made", folder.display()), "free its place").because(e)
        })?;
    }
    let mut command = Command::new(target.join(host).join("release").join(name));
    command
        .arg(format!("-runs={tries}"))
        .arg(format!("-max_len={longest}"))
        .arg("-seed=1")
        .arg("-timeout=10");
    command.args(["-rss_limit_mb=1024", "-verbosity=0", "-close_fd_mask=1"]);
    command.arg(format!("-artifact_prefix={}/{name}-", crashes.display())).arg(&corpus);
    // It tells much of what it learnt; only what it failed on is worth reading.
    let failed = || Fault::new(format!("fuzzing `{name}` failed"), MEND);
    let output = command.output().map_err(|e| failed().because(e))?;
    if !output.status.success() {
        return Err(failed().because(String::from_utf8_lossy(&output.stderr)));
    }
    progress::tell(&format!("fuzzed {name}: {tries} tries"));
    Ok(())
}

/// The machine that the toolchain builds for.
fn host() -> Result<String> {
    let lost = || Fault::new("rustc does not tell its host", "rustc -vV");
    let output = Command::new("rustc").arg("-vV").output().map_err(|e| lost().because(e))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).ok_or_else(lost)
}

fn succeed(command: &mut Command, what: &str) -> Result<()> {
    let status =
        command.status().map_err(|e| Fault::new(format!("{what} cannot be started"), MEND).because(e))?;
    if status.success() { Ok(()) } else { Err(Fault::new(format!("{what} failed"), MEND).because(status)) }
}
