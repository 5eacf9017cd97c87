//! A generated work tree: plain files, and the same as a repository with all of it committed.

use std::path::Path;

use super::code_base::CodeBase;
use super::dice::Dice;
use super::keys::{Planted, plant};
use super::repository::{Made, ensure, git};
use super::text::Kind;
use crate::Trouble;

/// Changes whenever the same numbers come to be another tree.
const FORM: u32 = 1;
/// Files of a work tree are smaller here than those that a history touches most.
const PERCENT: usize = 20;

/// Whether the tree is a repository too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    Files,
    Repository,
}

/// A tree of `files` files with `keys` keys in it, made where absent.
pub(crate) fn ensure_tree(
    cache: &Path,
    seed: u64,
    files: usize,
    keys: usize,
    form: As,
) -> Result<Made, Trouble> {
    let name = match form {
        As::Files => "tree",
        As::Repository => "tree-repository",
    };
    ensure(cache, &format!("{name}-{FORM}-{seed}-{files}-{keys}"), |folder| {
        let planted = write(folder, seed, files, keys)?;
        if form == As::Repository {
            git(folder, &["init", "--quiet", "--initial-branch", "main", "."])?;
            git(folder, &["add", "--all"])?;
            git(folder, &["commit", "--quiet", "--message", "All files"])?;
            git(folder, &["repack", "-a", "-d", "--quiet"])?;
        }
        Ok(planted)
    })
}

fn write(folder: &Path, seed: u64, files: usize, keys: usize) -> Result<Vec<Planted>, Trouble> {
    let mut dice = Dice::new(seed);
    let mut code = CodeBase::new(PERCENT, &mut dice);
    let mut planted = Vec::new();
    let mut last = Some(code.found("package-lock.json", Kind::Lock, 2_000_000, &mut dice));
    for number in 1..=files {
        let id = last.take().unwrap_or_else(|| code.make(None, &mut dice));
        let path = folder.join(code.path(id));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let Some(file) = code.file_mut(id) else { continue };
        let due = keys * number / files.max(1);
        if planted.len() < due && !matches!(file.kind, Kind::Image | Kind::Minified) {
            let (key, line) = plant(file.kind, &mut dice);
            file.insert(&line, &mut dice);
            planted.push(key);
        }
        std::fs::write(path, std::mem::take(&mut file.content))?;
        code.settle(id);
    }
    Ok(planted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_its_files_and_keys() {
        let cache = tempfile::tempdir().unwrap();
        let made = ensure_tree(cache.path(), 1, 300, 9, As::Repository).unwrap();
        let listed = std::process::Command::new("git")
            .arg("-C")
            .arg(&made.folder)
            .args(["ls-files"])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 300);
        assert!((8..=9).contains(&made.keys.len()), "{}", made.keys.len());
    }
}
