//! Runs the `git` program, with nothing of the user's or the repository's that could run something else.
use crate::trouble::{Doing as _, Result, Trouble};
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Settings that no repository's own can undo. Hooks and monitors are none, filters have no programs.
const SETTINGS: [&str; 19] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.symlinks=true",
    "core.fsync=none",
    "core.logAllRefUpdates=always",
    "gc.auto=0",
    "maintenance.auto=false",
    "init.defaultBranch=main",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "pack.threads=1",
    "protocol.file.allow=always",
    "safe.directory=*",
    "advice.detachedHead=false",
    "uploadpack.packObjectsHook=",
    "fetch.recurseSubmodules=no",
    "submodule.recurse=false",
];
/// When and by whom references are moved, in logs of references.
const MOVED_S: &str = "1795000000 +0000";

/// One repository.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    folder: PathBuf,
}

impl Git {
    /// The repository of this folder, which may be yet to come.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What git prints, without the last newline.
    pub(crate) fn run(&self, words: &[&str]) -> Result<String> {
        self.feed(words, b"")
    }

    /// The same, with something on its standard input.
    pub(crate) fn feed(&self, words: &[&str], input: &[u8]) -> Result<String> {
        let printed = self.raw(words, input)?;
        Ok(String::from_utf8_lossy(&printed).trim_end().to_owned())
    }

    /// What git prints, as it is.
    pub(crate) fn raw(&self, words: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let what = || format!("git {} in {}", words.first().unwrap_or(&""), self.folder.display());
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .doing("git cannot be started")?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // Who stops reading early says why in its exit code.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input).ok()));
            child.wait_with_output()
        })
        .map_err(|error| Trouble::new(what(), error))?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(Trouble::new(what(), String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Makes a repository without hooks here.
    pub(crate) fn init(&self, words: &[&str]) -> Result<()> {
        std::fs::create_dir_all(&self.folder).doing("a folder for a repository")?;
        self.run(&[&["init", "--quiet", "--template="], words].concat()).map(drop)
    }

    /// Points a reference at an object, with a line in its log.
    pub(crate) fn point(&self, name: &str, oid: &str, because: &str) -> Result<()> {
        self.run(&["update-ref", "--create-reflog", "-m", because, name, oid]).map(drop)
    }

    /// Writes one object, loose.
    pub(crate) fn write_object(&self, kind: &str, content: &[u8]) -> Result<String> {
        self.feed(&["hash-object", "-t", kind, "-w", "--stdin", "--literally"], content)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear().current_dir(&self.folder);
        if let Some(path) = search_path() {
            command.env("PATH", path);
        }
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_AUTHOR_NAME", "Bed"),
            ("GIT_AUTHOR_EMAIL", "bed@corp.test"),
            ("GIT_COMMITTER_NAME", "Bed"),
            ("GIT_COMMITTER_EMAIL", "bed@corp.test"),
            ("GIT_AUTHOR_DATE", MOVED_S),
            ("GIT_COMMITTER_DATE", MOVED_S),
            ("LC_ALL", "C"),
            ("TZ", "UTC"),
        ] {
            command.env(name, value);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(words);
        command
    }
}

#[expect(clippy::disallowed_methods, reason = "git is found where the person's shell finds it")]
fn search_path() -> Option<OsString> {
    std::env::var_os("PATH")
}
