//! The bare peer of a history scan: decodes every packed object once and looks at none.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix_pack::Bundle;
use gix_pack::index::Entry;
use gix_pack::index::traverse::{Algorithm, Options, SafetyCheck};
use gix_utils::progress::{Discard, Progress};

use crate::Trouble;

/// What was decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    pub(crate) commits: u64,
    pub(crate) trees: u64,
    pub(crate) blobs: u64,
    pub(crate) tags: u64,
    pub(crate) decoded_bytes: u64,
    /// The sum of the lengths of all delta chains.
    pub(crate) deltas: u64,
}

impl Walked {
    pub(crate) fn objects(&self) -> u64 {
        self.commits + self.trees + self.blobs + self.tags
    }
}

/// Walks the packs of a repository on every core; no sums are checked.
pub(crate) fn walk(repository: &Path) -> Result<Walked, Trouble> {
    let mut walked = Walked::default();
    for index in indices(repository)? {
        let bundle = Bundle::at(&index, gix_hash::Kind::Sha1)?;
        let options = Options {
            traversal: Algorithm::DeltaTreeLookup,
            thread_limit: None,
            check: SafetyCheck::SkipFileAndObjectChecksumVerification,
            alloc_limit_bytes: None,
            make_pack_lookup_cache: || gix_pack::cache::Never,
        };
        let interrupted = AtomicBool::new(false);
        let look = |_, _: &[u8], _: &Entry, _: &dyn Progress| Ok(());
        let outcome = bundle.index.traverse(&bundle.pack, &mut Discard, &interrupted, look, options)?;
        let found = outcome.statistics;
        walked.commits += u64::from(found.num_commits);
        walked.trees += u64::from(found.num_trees);
        walked.blobs += u64::from(found.num_blobs);
        walked.tags += u64::from(found.num_tags);
        walked.decoded_bytes += found.total_object_size;
        let lengths = found.objects_per_chain_length.iter();
        walked.deltas +=
            lengths.map(|(length, objects)| u64::from(*length) * u64::from(*objects)).sum::<u64>();
    }
    Ok(walked)
}

fn indices(repository: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let inner = repository.join(".git");
    let packs = if inner.is_dir() { inner } else { repository.to_owned() }.join("objects/pack");
    let mut found = Vec::new();
    let entries = std::fs::read_dir(&packs).map_err(|e| format!("`{}`: {e}", packs.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "idx") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::making::{Shape, ensure_history};
    use super::*;

    #[test]
    fn every_object_of_the_packs_is_decoded() {
        let cache = tempfile::tempdir().unwrap();
        let made = ensure_history(cache.path(), &Shape { seed: 2, objects: 2_000, keys: 3 }).unwrap();
        let walked = walk(&made.folder).unwrap();
        let listed = std::process::Command::new("git")
            .arg("-C")
            .arg(&made.folder)
            .args(["cat-file", "--batch-all-objects", "--batch-check=%(objectsize)"])
            .output()
            .unwrap();
        let sizes: Vec<u64> =
            String::from_utf8(listed.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!((walked.objects(), walked.decoded_bytes), (sizes.len() as u64, sizes.iter().sum()));
        assert!(walked.deltas > walked.objects(), "chains are not deep: {walked:?}");
        assert!(walk(cache.path()).is_err());
    }
}
