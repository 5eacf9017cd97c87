use std::path::PathBuf;

use model::Address;

use super::place::{Place, look, names_but, replace, set_mode};

pub(crate) struct DotenvPlace {
    folder: tempfile::TempDir,
}

impl DotenvPlace {
    fn path(&self) -> PathBuf {
        self.folder.path().join(".env")
    }
}

fn around(number: usize, key: &str) -> String {
    format!("# number {number}\r\nA='1'\r\nexport KEY=\"{key}\" # why\r\n#KEY=old\r\nB={number}")
}

impl Place for DotenvPlace {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn address(&self) -> Address {
        format!("dotenv:{}#KEY", self.path().display()).parse().unwrap()
    }

    fn put_by_hand(&self, key: &str) {
        replace(&self.path(), &around(0, key));
    }

    fn look(&self) -> Option<String> {
        look(&self.path())
    }

    fn whole(key: &str) -> String {
        around(0, key)
    }

    fn emptied() -> Option<String> {
        Some(String::new())
    }

    fn left_over(&self) -> Vec<String> {
        names_but(self.folder.path(), ".env")
    }

    fn take_away(&self) {
        std::fs::remove_dir_all(self.folder.path()).unwrap();
    }

    fn forbid(&self) {
        set_mode(self.folder.path(), 0o555);
    }

    fn change_by_hand(&self, number: usize) -> String {
        replace(&self.path(), &around(number, "by-hand"));
        format!("B={number}")
    }
}
