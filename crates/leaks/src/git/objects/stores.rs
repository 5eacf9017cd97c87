//! The packs and loose objects of a repository, opened.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gix_hash::{ObjectId, oid};

use super::chain::{Cache, Stored};
use super::fault::{broken, system};
use super::file;
use super::inflate::Inflater;
use super::loose;
use super::pack::Pack;
use super::places::{Places, alternates};
use crate::{Limits, Unread, Why};

/// The packs and loose objects of a repository, opened.
#[derive(Debug)]
pub struct Stores {
    /// The largest first.
    pub(super) packs: Vec<Pack>,
    pub(super) folders: Vec<PathBuf>,
    pub(super) hash: gix_hash::Kind,
    pub(super) limits: Limits,
    /// What could not be opened.
    pub(super) unread: Vec<Unread>,
    is_partial: bool,
    cache: Mutex<(Inflater, Cache)>,
}

/// Folders that are borrowed from, of all depths.
const MAX_FOLDERS: usize = 64;
const MAX_PACKS: usize = 10_000;

impl Stores {
    /// Opens them. What cannot be opened is told by [`Self::visit`].
    pub fn open(places: &Places, limits: &Limits) -> Self {
        let mut stores = Self {
            packs: Vec::new(),
            folders: Vec::new(),
            hash: places.hash,
            limits: limits.clone(),
            unread: Vec::new(),
            is_partial: false,
            cache: Mutex::new((Inflater::new(), Cache::default())),
        };
        stores.add_folders(&places.folders);
        for folder in stores.folders.clone() {
            stores.add_packs(&folder.join("pack"));
        }
        stores.packs.sort_by_key(|pack| std::cmp::Reverse(pack.end));
        for (number, pack) in stores.packs.iter_mut().enumerate() {
            pack.number = number + 1;
        }
        stores
    }

    /// An object by its name; none if it is not there, cannot be read or is beyond `max_object_bytes`.
    pub fn find(&self, id: &oid) -> Option<Stored> {
        let (inflater, cache) = &mut *self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        self.decode(inflater, cache, id, 0).ok().flatten()
    }

    /// Whether it is there, without reading it.
    pub fn contains(&self, id: &oid) -> bool {
        self.packs.iter().any(|pack| pack.offset(id).is_some())
            || self.folders.iter().any(|folder| loose::path(folder, id).symlink_metadata().is_ok())
    }

    /// Whether it is a partial clone: what it names may be missing by intent.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// What the entry at an offset makes.
    pub(super) fn decode_at(&self, pack: &Pack, offset: u64) -> Result<Vec<u8>, Why> {
        let (inflater, cache) = &mut *self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        self.decode_chain(inflater, cache, pack, offset, 0).map(|stored| stored.bytes.to_vec())
    }

    fn add_folders(&mut self, folders: &[PathBuf]) {
        let mut seen = HashSet::new();
        let mut next = folders.to_vec();
        let mut at = 0;
        while let Some(folder) = next.get(at).cloned() {
            at += 1;
            let real = match folder.canonicalize() {
                Ok(real) if real.is_dir() => real,
                Ok(_) => {
                    self.tell(&folder, broken("it is not a folder"));
                    continue;
                }
                Err(error) => {
                    self.tell(&folder, system(&error));
                    continue;
                }
            };
            if !seen.insert(real.clone()) {
                continue;
            }
            if self.folders.len() >= MAX_FOLDERS {
                self.tell(&folder, Why::Limit("folders that are borrowed from"));
                return;
            }
            match alternates(&real) {
                Ok(more) => next.extend(more.into_iter().take(MAX_FOLDERS + 1)),
                Err(error) => self.tell(&real.join("info/alternates"), system(&error)),
            }
            self.folders.push(real);
        }
    }

    fn add_packs(&mut self, folder: &Path) {
        let names = match file::names(folder) {
            Ok(names) => names,
            Err(error) => return self.tell(folder, system(&error)),
        };
        for name in names {
            let path = folder.join(&name);
            let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
            self.is_partial |= extension == "promisor";
            if name.to_string_lossy().starts_with("tmp_pack_") {
                self.tell(&path, Why::Unsupported("a pack that was not received to its end"));
            }
            if extension != "pack" {
                continue;
            }
            if self.packs.len() >= MAX_PACKS {
                self.tell(folder, Why::Limit("packs"));
                return;
            }
            match Pack::open(&path, 0, self.hash) {
                Ok(pack) => self.packs.push(pack),
                Err(why) => self.tell(&path, why),
            }
        }
    }

    fn tell(&mut self, path: &Path, why: Why) {
        use std::os::unix::ffi::OsStrExt;
        self.unread.push(Unread { what: path.as_os_str().as_bytes().to_vec(), why });
    }
}

/// A name in hex, as long as it must be.
pub(super) fn id_of_hex(hex: &[u8], kind: gix_hash::Kind) -> Option<ObjectId> {
    (hex.len() == kind.len_in_hex()).then(|| ObjectId::from_hex(hex).ok()).flatten()
}
