use std::path::PathBuf;

use model::Address;

use super::place::{Place, look, names_but, replace, set_mode};

pub(crate) struct FilePlace {
    folder: tempfile::TempDir,
}

impl FilePlace {
    fn path(&self) -> PathBuf {
        self.folder.path().join("api-key")
    }
}

impl Place for FilePlace {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn address(&self) -> Address {
        format!("file:{}", self.path().display()).parse().unwrap()
    }

    fn put_by_hand(&self, key: &str) {
        replace(&self.path(), &format!("{key}\n"));
    }

    fn look(&self) -> Option<String> {
        look(&self.path())
    }

    fn whole(key: &str) -> String {
        format!("{key}\n")
    }

    fn emptied() -> Option<String> {
        None
    }

    fn left_over(&self) -> Vec<String> {
        names_but(self.folder.path(), "api-key")
    }

    fn take_away(&self) {
        std::fs::remove_dir_all(self.folder.path()).unwrap();
    }

    fn forbid(&self) {
        set_mode(self.folder.path(), 0o555);
    }

    fn change_by_hand(&self, number: usize) -> String {
        // Nothing is in it but the key; another one, then, which a delivery replaces.
        replace(&self.path(), &format!("by-hand-{number}\n"));
        String::new()
    }
}
