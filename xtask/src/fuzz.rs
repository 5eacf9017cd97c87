//! `cargo xtask fuzz`: every parser of outside bytes on bytes that a fuzzer makes up, for a bounded number of tries.
//!
//! libFuzzer by itself, on the toolchain that is pinned: what `cargo fuzz` adds needs another one.
use crate::{Fault, Result, progress};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What the fuzzer follows to tell whether an input did something new.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1 -Cdebug-assertions \
    -Coverflow-checks";
const MEND: &str = "read what it printed; an input that fails is kept in target/fuzz/crashes";
/// Each target, its tries in a short run, and its longest input in bytes.
const TARGETS: [(&str, u64, u32); 4] = [
    ("detector", 30_000, 2_000),
    ("decoders", 30_000, 600),
    ("archive", 4_000, 2_000),
    ("sarif", 1_500, 600),
];

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
    // What is kept of former runs is tried first, and counts.
    let kept = std::fs::read_dir(&corpus).map_or(0, |entries| entries.count() as u64);
    let mut command = Command::new(target.join(host).join("release").join(name));
    command
        .arg(format!("-runs={}", tries.saturating_add(kept)))
        .arg(format!("-max_len={longest}"))
        .arg("-seed=1")
        .arg("-timeout=10");
    command.args(["-rss_limit_mb=1024", "-verbosity=0", "-print_funcs=0", "-close_fd_mask=1"]);
    command.arg(format!("-artifact_prefix={}/{name}-", crashes.display())).arg(&corpus);
    let failed = || Fault::new(format!("fuzzing `{name}` failed"), MEND);
    let start = Instant::now();
    let output = command.output().map_err(|e| failed().because(e))?;
    if !output.status.success() {
        return Err(failed().because(what_failed(&String::from_utf8_lossy(&output.stderr))));
    }
    let seconds = start.elapsed().as_secs_f64();
    progress::tell(&format!("fuzzed {name}: {tries} tries, and {kept} of former runs, in {seconds:.1} s"));
    Ok(())
}

/// Of what the fuzzer tells, what it failed on: neither what it learnt, nor frames of its own, nor advice.
fn what_failed(told: &str) -> String {
    const NOISE: [&str; 9] = [
        "INFO: ",
        "NOTE: ",
        "WARNING: Failed to find",
        "libFuzzer has",
        "Combine libFuzzer",
        "note: run with",
        "#",
        "MS: ",
        "0x",
    ];
    let lines = told.lines().filter(|line| {
        let line = line.trim_start();
        !line.is_empty() && !NOISE.iter().any(|noise| line.starts_with(noise))
    });
    lines.collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_failed_is_told() {
        let told = "INFO: Seed: 1\n#2\tINITED cov: 1\n\nthread '<unnamed>' panicked at a.rs:1:2:\nover\n==7== ERROR: \
                    libFuzzer: deadly signal\n    #0 0x55 in f\nNOTE: libFuzzer has rudimentary signal handlers.\n      \
                    Combine libFuzzer with\nMS: 1 EraseBytes-; base unit: 00\n0x1,0x2,\nTest unit written to crashes/x\n";
        let expected = "thread '<unnamed>' panicked at a.rs:1:2:\nover\n==7== ERROR: libFuzzer: deadly signal\nTest unit written to crashes/x";
        assert_eq!(what_failed(told), expected);
    }
}
