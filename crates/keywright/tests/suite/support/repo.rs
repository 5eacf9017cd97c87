//! Repositories of git, made by git itself, and keys that nobody ever had.

use std::path::{Path, PathBuf};
use std::process::Output;

use model::{Fingerprint, Secret};

use super::home::{Ended, Home};

/// A legacy key, made of a number.
pub(crate) fn key(number: u32) -> String {
    let digits = Fingerprint::of(&Secret::new(format!("canary {number}"))).to_string();
    format!("n8n_api_{digits}{}", digits.get(..16).unwrap())
}

/// What a report shows in its place.
pub(crate) fn fingerprint(key: &str) -> String {
    Fingerprint::of(&Secret::new(key)).to_string()
}

/// As much of it as a person reads.
pub(crate) fn short(key: &str) -> String {
    fingerprint(key).chars().take(12).collect()
}

/// A repository in a home.
pub(crate) struct Repo<'h> {
    pub(crate) home: &'h Home,
    pub(crate) folder: PathBuf,
}

impl<'h> Repo<'h> {
    /// An empty one, in a folder of this name.
    pub(crate) async fn new(home: &'h Home, name: &str) -> Self {
        let repo = Self { home, folder: home.folder().join(name) };
        std::fs::create_dir_all(&repo.folder).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch", "main"]).await;
        repo
    }

    /// Git in it, with this home's configuration; who it is comes from the environment.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.home.command_of(Path::new("git"));
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "tester")
                .env(format!("GIT_{who}_EMAIL"), "tester@example.com");
        }
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(&self.folder)
            .args(arguments)
            .output()
            .await
            .unwrap()
    }

    /// Git, which has to succeed; what it says.
    pub(crate) async fn git(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits a file with this text.
    pub(crate) async fn commit(&self, name: &str, text: &str) {
        self.write(name, text);
        self.git(&["add", "--force", name]).await;
        self.git(&["commit", "--quiet", "--no-verify", "--message", "one"]).await;
    }

    /// Keywright in it.
    pub(crate) async fn keywright(&self, arguments: &[&str]) -> Ended {
        let mut command = self.home.command(arguments);
        Ended::of(&command.current_dir(&self.folder).output().await.unwrap())
    }
}
