//! Asks the `git` program what a planted repository holds; nothing of the repository's is run.
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Repository {
    folder: PathBuf,
}

pub(crate) struct Storage {
    pub(crate) is_loose: bool,
    pub(crate) is_delta: bool,
}

impl Repository {
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub(crate) fn object(&self, oid: &str) -> Vec<u8> {
        let kind = self.text(&["cat-file", "-t", oid]);
        self.git(&["cat-file", kind.trim(), oid]).unwrap()
    }

    pub(crate) fn oid_in(&self, commit: &str, path: &str) -> Option<String> {
        let listed = self.git(&["--literal-pathspecs", "ls-tree", "-z", commit, "--", path])?;
        let listed = String::from_utf8(listed).unwrap();
        Some(listed.split_once('\t')?.0.rsplit(' ').next()?.to_owned())
    }

    pub(crate) fn parents(&self, commit: &str) -> Vec<String> {
        let parents = self.text(&["show", "--no-patch", "--format=%P", commit]);
        parents.split_whitespace().map(str::to_owned).collect()
    }

    pub(crate) fn author(&self, commit: &str) -> (String, i64) {
        let text = self.text(&["show", "--no-patch", "--format=%an <%ae>%x00%at", commit]);
        let (author, at_s) = text.trim().split_once('\0').unwrap();
        (author.to_owned(), at_s.parse().unwrap())
    }

    pub(crate) fn branches_with(&self, commit: &str) -> Vec<String> {
        let names =
            self.text(&["for-each-ref", "--contains", commit, "--format=%(refname:lstrip=2)", "refs/heads"]);
        names.lines().map(str::to_owned).collect()
    }

    pub(crate) fn reachable(&self) -> HashSet<String> {
        let listed = self.text(&["rev-list", "--objects", "--no-object-names", "--all"]);
        listed.lines().map(str::to_owned).collect()
    }

    pub(crate) fn storage(&self, oid: &str) -> Storage {
        let (first, rest) = oid.split_at(2);
        let file = self.folder.join(".git/objects").join(first).join(rest);
        let base = self.fed(&["cat-file", "--batch-check=%(deltabase)"], oid);
        Storage { is_loose: file.exists(), is_delta: base.trim().bytes().any(|byte| byte != b'0') }
    }

    fn text(&self, words: &[&str]) -> String {
        String::from_utf8_lossy(&self.git(words).unwrap_or_default()).into_owned()
    }

    fn fed(&self, words: &[&str], input: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), input).unwrap();
        let output = self.command(words).stdin(file.reopen().unwrap()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn git(&self, words: &[&str]) -> Option<Vec<u8>> {
        let output = self.command(words).output().unwrap();
        output.status.success().then_some(output.stdout)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.folder)
            .args(["-c", "core.fsmonitor=false", "-c", "diff.external="])
            .args(words);
        command.env("GIT_NO_REPLACE_OBJECTS", "1");
        command
    }
}
