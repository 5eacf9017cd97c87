//! The refs of a repository: loose, packed, pseudo; of the work trees too. What cannot be followed is passed by.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use gix_hash::ObjectId;

use super::folder::{Folder, MAX_TEXT_BYTES};
use super::read::Text;
use crate::{Unread, Why};

/// What is read at most of `packed-refs`: half a million refs.
const MAX_PACKED_BYTES: usize = 64 << 20;
const MAX_REFS: usize = 1_000_000;
const MAX_DEPTH: usize = 32;
/// Git follows as many.
const MAX_SYMBOLIC: usize = 5;

/// Refs by their full names, as bytes: what names them may be anybody.
#[derive(Debug, Default)]
pub(super) struct Refs {
    /// Where each points.
    pub(super) targets: BTreeMap<Vec<u8>, ObjectId>,
    /// Symbolic ones, and broken ones whose names are all there is of them.
    pub(super) others: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Files of loose and packed refs, with what is in them that is no id; the rest of a git folder is read elsewhere.
    pub(super) odd: Vec<(Vec<u8>, Vec<u8>)>,
    odd_bytes: usize,
    /// What was not read.
    pub(super) unread: Vec<Unread>,
}

impl Refs {
    /// Those in a git folder, each name with a prefix such as `worktrees/x/`.
    pub(super) fn read(&mut self, git: &Path, prefix: &str) {
        self.packed(&git.join("packed-refs"), prefix);
        self.folder(&git.join("refs"), format!("{prefix}refs").as_bytes(), MAX_DEPTH);
        let Ok(entries) = std::fs::read_dir(git) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            // HEAD, ORIG_HEAD, MERGE_HEAD, CHERRY_PICK_HEAD, AUTO_MERGE and the like.
            if name.as_bytes().iter().all(|&byte| byte.is_ascii_uppercase() || byte == b'_') {
                self.loose(&entry.path(), [prefix.as_bytes(), name.as_bytes()].concat());
            }
        }
    }

    /// The commit that is checked out in a work tree; without reading more refs than it takes.
    pub(super) fn head(folder: &Folder) -> Option<ObjectId> {
        let mut refs = Self::default();
        let mut name = b"HEAD".to_vec();
        for _ in 0..=MAX_SYMBOLIC {
            let within = if name.starts_with(b"refs/") { &folder.common } else { &folder.git };
            if name.split(|&byte| byte == b'/').any(|part| part == b"..") || name.starts_with(b"/") {
                return None;
            }
            refs.loose(&within.join(OsStr::from_bytes(&name)), name.clone());
            if let Some(id) = refs.targets.get(&name) {
                return Some(*id);
            }
            match refs.others.get(&name) {
                Some(target) => target.clone_into(&mut name),
                None => break,
            }
        }
        refs.packed(&folder.common.join("packed-refs"), "");
        refs.targets.get(&name).copied()
    }

    /// Where a ref leads, through symbolic ones.
    pub(super) fn resolve(&self, name: &[u8]) -> Option<ObjectId> {
        let mut name = name.to_owned();
        for _ in 0..=MAX_SYMBOLIC {
            if let Some(id) = self.targets.get(&name) {
                return Some(*id);
            }
            self.others.get(&name)?.clone_into(&mut name);
        }
        None
    }

    fn folder(&mut self, path: &Path, name: &[u8], depth: usize) {
        let Ok(entries) = std::fs::read_dir(path) else { return };
        for entry in entries.flatten() {
            if self.targets.len() + self.others.len() >= MAX_REFS || depth == 0 {
                self.tell(name, Why::Limit("refs"));
                return;
            }
            let name = [name, b"/", entry.file_name().as_bytes()].concat();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.folder(&entry.path(), &name, depth - 1);
            } else {
                self.loose(&entry.path(), name);
            }
        }
    }

    fn loose(&mut self, path: &Path, name: Vec<u8>) {
        // In old repositories a symbolic ref is a link.
        if let Ok(link) = std::fs::read_link(path) {
            self.others.insert(name, link.as_os_str().as_bytes().to_owned());
            return;
        }
        match Text::of(path, MAX_TEXT_BYTES) {
            Text::Absent => {}
            Text::Unread(why) => self.tell(&name, why),
            Text::Whole(text) => {
                if name.starts_with(b"refs/") && id_of(text.trim_ascii()).is_none() {
                    self.keep_odd(&name, &text);
                }
                let text = text.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
                if let Some(target) = text.strip_prefix(b"ref:") {
                    self.others.insert(name, target.trim_ascii().to_owned());
                } else if let Some(id) = text.split(u8::is_ascii_whitespace).next().and_then(id_of) {
                    self.targets.insert(name, id);
                } else {
                    self.others.insert(name, Vec::new());
                }
            }
        }
    }

    fn packed(&mut self, path: &Path, prefix: &str) {
        let text = match Text::of(path, MAX_PACKED_BYTES) {
            Text::Absent => return,
            Text::Unread(why) => return self.tell(b"packed-refs", why),
            Text::Whole(text) => text,
        };
        let mut odd = Vec::new();
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let whole = line.strip_suffix(b"\n").unwrap_or(line);
            let space = memchr::memchr(b' ', whole).unwrap_or(whole.len());
            if let (Some(id), Some(name)) = (whole.get(..space).and_then(id_of), whole.get(space + 1..)) {
                self.targets.insert([prefix.as_bytes(), name].concat(), id);
            } else if whole.strip_prefix(b"^").and_then(id_of).is_none() {
                odd.extend_from_slice(line);
            }
        }
        if prefix.is_empty() {
            self.keep_odd(b"packed-refs", &odd);
        }
    }

    fn keep_odd(&mut self, name: &[u8], text: &[u8]) {
        self.odd_bytes = self.odd_bytes.saturating_add(text.len());
        if self.odd_bytes > MAX_PACKED_BYTES {
            return self.tell(name, Why::Limit("bytes of refs that are none"));
        }
        self.odd.push((name.to_owned(), text.to_owned()));
    }

    fn tell(&mut self, name: &[u8], why: Why) {
        self.unread.push(Unread { what: name.to_owned(), why });
    }
}

/// An id in hex.
pub(super) fn id_of(hex: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(hex).ok()
}
