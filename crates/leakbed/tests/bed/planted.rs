//! A planted copy of a small repository, and the way to what lies in it.
use super::repository::Repository;
use leakbed::{ObjectKind, Planted, Truth};
use std::path::{Path, PathBuf};

pub(crate) struct Bed {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) truth: Truth,
}

impl Bed {
    pub(crate) fn of(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        leakbed::small_source(&source).unwrap();
        let truth = leakbed::plant(&source, &folder.path().join("bed"), seed).unwrap();
        Self { folder, truth }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("bed")
    }
}

/// The bytes that hold the key, as they lie there.
pub(crate) fn dug(bed: &Bed, repository: &Repository, planted: &Planted) -> Vec<u8> {
    let path = planted.path.as_deref();
    match (planted.object, &planted.repository) {
        (ObjectKind::PathName | ObjectKind::RefName, _) => path.unwrap().as_bytes().to_vec(),
        (ObjectKind::GitFile | ObjectKind::File, _) => {
            let file = bed.path().join(path.unwrap());
            match std::fs::read_link(&file) {
                Ok(target) => target.to_str().unwrap().as_bytes().to_vec(),
                Err(_) => std::fs::read(file).unwrap(),
            }
        }
        (_, Some(beside)) => Repository::at(&bed.path().join(beside)).object(planted.oid.as_deref().unwrap()),
        (_, None) => repository.object(planted.oid.as_deref().unwrap()),
    }
}

/// What a careless search would do.
pub(crate) fn spring(folder: &Path) {
    for words in [&["status", "--short"][..], &["log", "-p", "-3"], &["add", "scratch/.gitignore", "--force"]]
    {
        let mut git = std::process::Command::new("git");
        git.args(words).current_dir(folder).stdout(std::process::Stdio::null());
        git.status().unwrap();
    }
}
