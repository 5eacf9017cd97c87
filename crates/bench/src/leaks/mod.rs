//! `bench leaks`: scans of generated and real histories and trees, beside bare walks and other scanners.

mod making;
mod walk;

use std::path::Path;

use making::As;

use crate::{Trouble, say};

/// The history that is measured: what a code base of ten years has.
const HISTORY: making::Shape = making::Shape { seed: 1, objects: 200_000, keys: 155 };
const TREE_FILES: usize = 10_000;
const TREE_KEYS: usize = 49;

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
