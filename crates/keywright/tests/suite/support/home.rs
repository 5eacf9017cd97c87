//! A folder of Keywright's own, and the running of commands in it.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// The variable by which commands get the password.
pub(crate) const PASSWORD: &str = "TEST_N8N_PASSWORD";

/// A configuration, a master key and a store, gone when dropped.
pub(crate) struct Home {
    folder: TempDir,
    password: String,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: &std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }
}

impl Home {
    /// An empty folder.
    pub(crate) fn empty(password: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), password: password.to_owned() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program in the folder, with an environment that holds nothing of the machine's.
    pub(crate) fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.folder())
            .env("USER", "tester")
            .env(PASSWORD, &self.password)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The real binary.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_of(Path::new(env!("CARGO_BIN_EXE_keywright")));
        command.args(arguments);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().await.unwrap())
    }

    /// Runs a command that has to succeed.
    pub(crate) async fn must(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments).await;
        assert_eq!(
            ended.code,
            Some(0),
            "keywright {}\n{}{}",
            arguments.join(" "),
            ended.stderr,
            ended.stdout
        );
        ended
    }

    /// The JSON of a command that has to succeed.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        self.must(&[arguments, &["--json"]].concat()).await.json()
    }
}
