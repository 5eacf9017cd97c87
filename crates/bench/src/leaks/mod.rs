//! `bench leaks`: scans of generated and real histories and trees, beside bare walks and other scanners.

mod contender;
mod making;
mod scanners;
mod scans;
mod table;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use making::As;
use scanners::Scanners;

use crate::{Trouble, say};

/// The history that is measured: what a code base of ten years has.
const HISTORY: making::Shape = making::Shape { seed: 1, objects: 200_000, keys: 155 };
const TREE_FILES: usize = 10_000;
const TREE_KEYS: usize = 49;

/// Measures the binary. `further` are peers and real repositories: `kingfisher=PATH`, `rg=PATH`, `real=PATH`.
pub(crate) fn run(keywright: &str, cache: &Path, further: &[&str]) -> Result<(), Trouble> {
    let mut peers = BTreeMap::new();
    let mut real = Vec::new();
    for word in further {
        let (name, path) = word.split_once('=').ok_or_else(|| format!("`{word}` is not NAME=PATH"))?;
        match name {
            "real" => real.push(PathBuf::from(path)),
            _ => drop(peers.insert(name.to_owned(), PathBuf::from(path))),
        }
    }
    std::fs::create_dir_all(cache)?;
    let scratch = tempfile::tempdir_in(cache)?;
    let scanners = Scanners::new(keywright, peers, scratch.path())?;
    let seed = HISTORY.seed;
    let tree = making::ensure_tree(cache, seed, TREE_FILES, TREE_KEYS, As::Files)?;
    scans::tree(&scanners, &tree, scratch.path())?;
    let repository = making::ensure_tree(cache, seed, TREE_FILES, TREE_KEYS, As::Repository)?;
    scans::staged(&scanners, &repository.folder, scratch.path())?;
    let history = making::ensure_history(cache, &HISTORY)?;
    scans::since_last(&scanners, &history.folder, scratch.path())?;
    scans::history(&scanners, &history.folder, &history.keys, scratch.path())?;
    for repository in real {
        scans::history(&scanners, &repository, &[], scratch.path())?;
    }
    Ok(())
}

/// Makes what is measured and tells where it lies.
pub(crate) fn make(cache: &Path) -> Result<(), Trouble> {
    for made in [
        making::ensure_tree(cache, HISTORY.seed, TREE_FILES, TREE_KEYS, As::Files)?,
        making::ensure_tree(cache, HISTORY.seed, TREE_FILES, TREE_KEYS, As::Repository)?,
        making::ensure_history(cache, &HISTORY)?,
    ] {
        say(&format!("{} ({} keys)", made.folder.display(), made.keys.len()));
    }
    Ok(())
}

/// Decodes every packed object of a repository and tells how many there were.
pub(crate) fn bare_walk(repository: &Path) -> Result<(), Trouble> {
    let walked = walk::walk(repository)?;
    say(&format!(
        "{} objects ({} commits, {} trees, {} blobs, {} tags), {} MB decoded, {} deltas",
        walked.objects(),
        walked.commits,
        walked.trees,
        walked.blobs,
        walked.tags,
        walked.decoded_bytes / 1_000_000,
        walked.deltas
    ));
    Ok(())
}
