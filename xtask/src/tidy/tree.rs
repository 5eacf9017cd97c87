//! The text files of the checkout, as git sees them: tracked ones, and new ones that it does not ignore.
use crate::{Fault, Result};
use std::path::Path;
use std::process::Command;

#[derive(Debug)]
pub(super) struct Text {
    /// From the root of the checkout, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

#[derive(Debug)]
pub(super) struct Tree {
    files: Vec<Text>,
}

impl Tree {
    pub(super) fn of_checkout(root: &Path) -> Result<Self> {
        let fault =
            || Fault::new("the files of the checkout are not known", "a git checkout, and `git` on the path");
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|e| fault().because(e))?;
        if !listed.status.success() {
            return Err(fault().because(String::from_utf8_lossy(&listed.stderr).trim()));
        }
        let paths = String::from_utf8_lossy(&listed.stdout).into_owned();
        let read = |path: &str| {
            // A file that was removed, or is no text, has nothing to check.
            let text = String::from_utf8(std::fs::read(root.join(path)).ok()?).ok()?;
            Some(Text { path: path.to_owned(), text })
        };
        Ok(Self { files: paths.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect() })
    }

    #[cfg(test)]
    pub(super) fn of_texts(texts: &[(&str, &str)]) -> Self {
        let text = |(path, text): &(&str, &str)| Text { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { files: texts.iter().map(text).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Text> {
        self.files.iter()
    }

    /// Those whose path ends so.
    pub(super) fn ending(&self, end: &str) -> impl Iterator<Item = &Text> {
        self.files.iter().filter(move |file| file.path.ends_with(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(root: &Path, words: &[&str]) {
        assert!(
            Command::new("git").args(words).current_dir(root).output().unwrap().status.success(),
            "{words:?}"
        );
    }

    #[test]
    fn tracked_and_new_texts_are_seen_ignored_and_binary_ones_are_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(root.path().join(name), bytes).unwrap();
        git(root.path(), &["init", "-q"]);
        write(".gitignore", b"/out\n");
        write("tracked", b"a");
        write("gone", b"a");
        git(root.path(), &["add", "tracked", "gone", ".gitignore"]);
        std::fs::remove_file(root.path().join("gone")).unwrap();
        write("new", b"b");
        write("out", b"c");
        write("binary", b"\xff\xfe");
        let tree = Tree::of_checkout(root.path()).unwrap();
        let mut paths: Vec<&str> = tree.files().map(|file| file.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, [".gitignore", "new", "tracked"]);
    }

    #[test]
    fn what_is_no_checkout_is_a_fault() {
        let root = tempfile::tempdir().unwrap();
        assert!(Tree::of_checkout(&root.path().join("none")).is_err());
    }
}
