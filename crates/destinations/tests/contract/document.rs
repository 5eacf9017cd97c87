//! `json:`, `yaml:`, `toml:`.

use std::path::PathBuf;

use model::Address;

use super::place::{Place, look, names_but, replace, set_mode};

/// A document in a folder of its own. Its place for a key is there from the start, and empty.
struct Paper {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Paper {
    fn new(name: &'static str, empty: &str) -> Self {
        let paper = Self { folder: tempfile::tempdir().unwrap(), name };
        replace(&paper.path(), empty);
        paper
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }
}

macro_rules! place {
    ($place:ident, $name:literal, $kind:literal, $around:ident) => {
        pub(crate) struct $place(Paper);

        impl Place for $place {
            fn new() -> Self {
                Self(Paper::new($name, &$around(0, "")))
            }

            fn address(&self) -> Address {
                format!("{}:{}#/n8n/keys/1", $kind, self.0.path().display()).parse().unwrap()
            }

            fn put_by_hand(&self, key: &str) {
                replace(&self.0.path(), &$around(0, key));
            }

            fn look(&self) -> Option<String> {
                look(&self.0.path()).filter(|text| *text != $around(0, ""))
            }

            fn whole(key: &str) -> String {
                $around(0, key)
            }

            fn emptied() -> Option<String> {
                None
            }

            fn left_over(&self) -> Vec<String> {
                names_but(self.0.folder.path(), $name)
            }

            fn take_away(&self) {
                std::fs::remove_dir_all(self.0.folder.path()).unwrap();
            }

            fn forbid(&self) {
                set_mode(self.0.folder.path(), 0o555);
            }

            fn change_by_hand(&self, number: usize) -> String {
                replace(&self.0.path(), &$around(number, "by-hand"));
                format!("number {number}")
            }
        }
    };
}

place!(JsonPlace, "mcp.json", "json", json);
place!(YamlPlace, "values.yaml", "yaml", yaml);
place!(TomlPlace, "config.toml", "toml", toml);

fn json(number: usize, key: &str) -> String {
    format!(
        "// number {number}\r\n{{\"a\": [1, {{}}],\r\n\t\"n8n\" : {{ \"keys\": [ \"\", \"{key}\" /* why */ , ] }} }}"
    )
}

fn yaml(number: usize, key: &str) -> String {
    format!(
        "# number {number}\r\na: &x [1, {{}}]\r\nn8n:\r\n  url: *x\r\n  keys:\r\n  - ''\r\n  - &k '{key}'   # it's why\r\n"
    )
}

fn toml(number: usize, key: &str) -> String {
    format!(
        "# number {number}\r\na = [1, {{}}]\r\n[n8n]\r\nkeys = [\r\n  '', # first\r\n  '{key}', # why\r\n]\r\n"
    )
}
