//! What the suite needs of a destination, done by hand and not through the destination.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use destinations::Context;
use model::{Address, Destination, Secret};

use crate::drills::Dose;

/// A place that a destination can be opened on. Made fresh for each case, gone with its folder.
pub(crate) trait Place: Send + Sync + 'static {
    /// How much it is drilled: less where a delivery takes long.
    const DOSE: Dose = Dose::Full;

    /// Whether the case of this name goes on in this process. A place that cannot be told where its program looks
    /// but by the environment runs it in another one first.
    fn begins(_case: &str) -> bool {
        true
    }

    /// An empty place.
    fn new() -> Self;

    /// Its address.
    fn address(&self) -> Address;

    /// Puts a key there by hand, with whatever is around it.
    fn put_by_hand(&self, key: &str);

    /// What is there, all of it, looked at by hand; `None` if nothing is.
    fn look(&self) -> Option<String>;

    /// What [`Self::look`] gives after [`Self::put_by_hand`] of this key.
    fn whole(key: &str) -> String;

    /// What [`Self::look`] gives after a key was put into the empty place and taken out again.
    fn emptied() -> Option<String>;

    /// Names of files that killed runs left.
    fn left_over(&self) -> Vec<String>;

    /// Takes away what must be there before a delivery.
    fn take_away(&self);

    /// Takes the permission away that a delivery needs, from everyone but root.
    fn forbid(&self);

    /// Changes something else there, as a person or another program would, without asking us; gives what
    /// must be found there afterwards.
    fn change_by_hand(&self, number: usize) -> String;
}

/// Opens what a place's address names.
pub(crate) fn open(address: &Address) -> Arc<dyn Destination> {
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: Arc::new(destinations::Services::none()),
    };
    destinations::open(address, &context).unwrap()
}

/// A key of a length that depends on its name: the difference shows where a write is torn.
pub(crate) fn key(name: &str) -> Secret {
    Secret::new(format!("canary-{name}-{}", name.repeat(32 * name.len())))
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Replaces a file as editors do.
pub(crate) fn replace(path: &Path, text: &str) {
    let new = path.with_extension("by-hand");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

/// The names in a folder but the wanted one.
pub(crate) fn names_but(folder: &Path, wanted: &str) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != wanted).collect()
}

pub(crate) fn look(path: &Path) -> Option<String> {
    match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
            None
        }
    }
}
