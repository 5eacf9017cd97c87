//! Repositories that the `git` program makes, apart from any configuration of this machine.

mod beside;
mod cursor;
mod history;
mod hostile;
mod range;
mod staged;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use detector::Detector;

use super::{Options, scan};
use crate::{Contents, Finding, Limits, Provenance, Report, Source};

/// A repository in a folder that goes away.
pub(super) struct Bed {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
    clock: std::cell::Cell<u64>,
}

impl Bed {
    pub(super) fn new() -> Self {
        Self::with(&["init", "-q", "-b", "main", "."])
    }

    pub(super) fn with(init: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repo");
        std::fs::create_dir(&path).unwrap();
        let bed = Self { _folder: folder, path, clock: std::cell::Cell::new(1_700_000_000) };
        bed.git(init);
        bed
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.path, arguments)
    }

    /// Runs git a minute later than the last time.
    pub(super) fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        self.clock.set(self.clock.get() + 60);
        let date = format!("{} +0100", self.clock.get());
        let output = Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0", "-c", "maintenance.auto=false"])
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "Ann Author"), ("GIT_AUTHOR_EMAIL", "ann@example.test")])
            .envs([("GIT_COMMITTER_NAME", "Carl"), ("GIT_COMMITTER_EMAIL", "carl@example.test")])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a file and commits it; the commit's id.
    pub(super) fn commit(&self, name: &str, text: &str) -> String {
        self.write(name, text);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", name]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(super) fn scan(&self) -> Vec<Finding> {
        let report = self.report();
        assert_eq!(report.unread, []);
        report.findings
    }

    pub(super) fn report(&self) -> Report {
        report_of(&self.path)
    }
}

pub(super) fn contents() -> Contents {
    Contents::new(Arc::new(Detector::new()), Limits::default())
}

pub(super) fn report_of(path: &Path) -> Report {
    let mut report = Report::default();
    drop(scan(path, &contents(), &Options::default(), &mut report).unwrap());
    report
}

/// A legacy key like no other: `n8n_api_` and 80 hex digits, which are made here.
pub(super) fn key(number: u8) -> String {
    let digits = (0..40u32).map(|at| (at * 37 + u32::from(number) * 101 + 7) % 251);
    digits.fold("n8n_api_".to_owned(), |text, digit| format!("{text}{digit:02x}"))
}

pub(super) fn provenance(finding: &Finding) -> &Provenance {
    match &finding.place.source {
        Source::Git(provenance) => provenance,
        other => panic!("{other:?}"),
    }
}

/// What was found of one key.
pub(super) fn of(findings: &[Finding], number: u8) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.token.secret.expose() == key(number)).collect()
}

/// The one finding of a key.
#[track_caller]
pub(super) fn one(findings: &[Finding], number: u8) -> (&Finding, &Provenance) {
    let found = of(findings, number);
    assert_eq!(found.len(), 1, "{found:?}");
    (found[0], provenance(found[0]))
}

#[track_caller]
pub(super) fn paths(provenance: &Provenance) -> Vec<&str> {
    provenance.paths.iter().map(|path| std::str::from_utf8(path).unwrap()).collect()
}
