//! What tests read: one file that names every server that is ready, and how to reach it.
use crate::n8n::record;
use crate::{Fault, Result};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The record of a run folder. It is written anew, whole or not at all, with each server that comes.
#[derive(Debug)]
pub(super) struct Board {
    file: PathBuf,
    entries: Mutex<Map<String, Value>>,
}

impl Board {
    /// The board of that run folder, empty where there is none.
    pub(super) fn of(run: &Path) -> Self {
        let file = run.join("services.json");
        let found = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { file, entries: Mutex::new(found.unwrap_or_default()) }
    }

    /// Keeps only what is named by `keep`.
    pub(super) fn retain(&self, keep: impl Fn(&str) -> bool) -> Result<()> {
        self.change(|entries| entries.retain(|name, _| keep(name)))
    }

    /// Says how `name` is reached from now on.
    pub(super) fn put(&self, name: &str, entry: Value) -> Result<()> {
        self.change(|entries| drop(entries.insert(name.to_owned(), entry)))
    }

    /// What is known of `name`.
    pub(super) fn entry(&self, name: &str) -> Option<Value> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All of it, as text.
    pub(super) fn text(&self) -> Result<String> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_string_pretty(&*entries)
            .map_err(|e| Fault::new("the record cannot be printed", "report this").because(e))
    }

    /// Forgets everything.
    pub(super) fn remove(&self) -> Result<()> {
        match std::fs::remove_file(&self.file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Fault::new(format!("`{}` cannot be removed", self.file.display()), "by hand").because(e))
            }
            _ => Ok(()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<()> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut entries);
        record::write(&self.file, &*entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_board_is_a_private_file_that_grows() {
        let run = tempfile::tempdir().unwrap();
        let board = Board::of(run.path());
        board.put("moto", json!({"url": "a"})).unwrap();
        board.put("rusty_vault", json!({"url": "b"})).unwrap();
        let text = std::fs::read_to_string(run.path().join("services.json")).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, json!({"moto": {"url": "a"}, "rusty_vault": {"url": "b"}}));
        let again = Board::of(run.path());
        again.retain(|name| name == "moto").unwrap();
        assert_eq!((again.entry("moto"), again.entry("rusty_vault")), (Some(json!({"url": "a"})), None));
        assert_eq!(Board::of(run.path()).text().unwrap(), again.text().unwrap());
        again.remove().unwrap();
        again.remove().unwrap();
        assert!(Board::of(run.path()).entry("moto").is_none());
    }
}
