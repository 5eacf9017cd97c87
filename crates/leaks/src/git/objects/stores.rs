//! The packs and loose objects of a repository, opened.

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
    /// What is not shown, but may be what something shown is made from.
    lent_packs: Vec<Pack>,
    lent_folders: Vec<PathBuf>,
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
            lent_packs: Vec::new(),
            lent_folders: Vec::new(),
            hash: places.hash,
            limits: limits.clone(),
            unread: Vec::new(),
            is_partial: false,
            cache: Mutex::new((Inflater::new(), Cache::default())),
        };
        stores.folders = stores.gather(&places.folders);
        for folder in stores.folders.clone() {
            let packs = stores.open_packs(&folder);
            stores.packs.extend(packs);
        }
        stores.packs.sort_by_key(|pack| std::cmp::Reverse(pack.end));
        stores.number_packs();
        stores
    }

    /// Borrows from more folders: what is there is found, and what is shown may be a delta against it, but it is not
    /// shown itself. So a push in quarantine is read apart from the repository that it is pushed to.
    pub fn borrow_from(&mut self, folders: &[PathBuf]) {
        let folders = self.gather(folders);
        for folder in folders.into_iter().filter(|folder| !self.folders.contains(folder)).collect::<Vec<_>>()
        {
            let packs = self.open_packs(&folder);
            self.lent_packs.extend(packs);
            self.lent_folders.push(folder);
        }
        self.number_packs();
    }

    /// An object by its name; none if it is not there, cannot be read or is beyond `max_object_bytes`.
    pub fn find(&self, id: &oid) -> Option<Stored> {
        let (inflater, cache) = &mut *self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        self.decode(inflater, cache, id, 0).ok().flatten()
    }

    /// Whether it is there, without reading it.
    pub fn contains(&self, id: &oid) -> bool {
        self.all_packs().any(|pack| pack.offset(id).is_some())
            || self.all_folders().any(|folder| loose::path(folder, id).symlink_metadata().is_ok())
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

    pub(super) fn all_packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.iter().chain(&self.lent_packs)
    }

    pub(super) fn all_folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.folders.iter().chain(&self.lent_folders)
    }

    fn number_packs(&mut self) {
        for (number, pack) in self.packs.iter_mut().chain(&mut self.lent_packs).enumerate() {
            pack.number = number + 1;
        }
    }

    /// The folders, and those that they borrow from, each once.
    fn gather(&mut self, folders: &[PathBuf]) -> Vec<PathBuf> {
        let mut found = Vec::new();
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
            if found.contains(&real) {
                continue;
            }
            if found.len() >= MAX_FOLDERS {
                self.tell(&folder, Why::Limit("folders that are borrowed from"));
                break;
            }
            match alternates(&real) {
                Ok(more) => next.extend(more.into_iter().take(MAX_FOLDERS + 1)),
                Err(error) => self.tell(&real.join("info/alternates"), system(&error)),
            }
            next.extend(quarantines(&real));
            found.push(real);
        }
        found
    }

    fn open_packs(&mut self, folder: &Path) -> Vec<Pack> {
        let folder = folder.join("pack");
        let mut packs = Vec::new();
        let names = file::names(&folder).unwrap_or_else(|error| {
            self.tell(&folder, system(&error));
            Vec::new()
        });
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
            if packs.len() >= MAX_PACKS {
                self.tell(&folder, Why::Limit("packs"));
                break;
            }
            match Pack::open(&path, 0, self.hash) {
                Ok(pack) => packs.push(pack),
                Err(why) => self.tell(&path, why),
            }
        }
        packs
    }

    fn tell(&mut self, path: &Path, why: Why) {
        use std::os::unix::ffi::OsStrExt;
        self.unread.push(Unread { what: path.as_os_str().as_bytes().to_vec(), why });
    }
}

/// Pushes that were never taken, or are being received.
fn quarantines(folder: &Path) -> Vec<PathBuf> {
    let names = file::names(folder).unwrap_or_default();
    let is_one = |name: &str| name.starts_with("tmp_objdir-") || name.starts_with("incoming-");
    let quarantines = names.iter().filter(|name| name.to_str().is_some_and(is_one));
    quarantines.map(|name| folder.join(name)).filter(|path| path.is_dir()).take(MAX_FOLDERS).collect()
}

/// A name in hex, as long as it must be.
pub(super) fn id_of_hex(hex: &[u8], kind: gix_hash::Kind) -> Option<ObjectId> {
    (hex.len() == kind.len_in_hex()).then(|| ObjectId::from_hex(hex).ok()).flatten()
}
